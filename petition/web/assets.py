"""Serves the stylesheets and scripts through whitenoise. Browsers cache them for good, and there is no build step.

A page and its scripts always have the same version: all files are served under one folder that is named by the hash of
all of them. Modules find each other by relative paths, and a new version is a new folder. A URL with another version
redirects to the current file, so that no page breaks while processes are replaced.
"""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from flask import Flask, abort, redirect, url_for
from werkzeug.wrappers import Response as BaseResponse
from whitenoise import WhiteNoise  # type: ignore[import-untyped]

FOLDER: Final = Path(__file__).parent.parent / "static"


def version_of(folder: Path) -> str:
    """Returns twelve hex digits that change with any name or byte below a folder."""
    digest = sha256()
    for path in sorted(each for each in folder.rglob("*") if each.is_file()):
        digest.update(str(path.relative_to(folder)).encode() + b"\0" + sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:12]


def serve(app: Flask, folder: Path = FOLDER) -> None:
    """Serve a folder, and give templates `static_url(name)`, which equals `url_for("static", filename=name)`."""
    today = version_of(folder)
    names = {str(each.relative_to(folder)) for each in folder.rglob("*") if each.is_file()}

    def static_url(name: str) -> str:
        return url_for("static", filename=name)

    def add_version(endpoint: str, values: dict[str, Any]) -> None:
        if endpoint == "static":
            values.setdefault("version", today)

    def todays(version: str, filename: str) -> BaseResponse:
        if version == today or filename not in names:
            abort(404)
        return redirect(static_url(filename))

    app.url_defaults(add_version)
    app.add_url_rule("/static/<version>/<path:filename>", "static", todays)
    app.jinja_env.globals["static_url"] = static_url
    app.wsgi_app = WhiteNoise(  # type: ignore[method-assign]
        app.wsgi_app,
        root=folder,
        prefix=f"static/{today}/",
        allow_all_origins=False,
        immutable_file_test=lambda _path, _url: True,
    )
