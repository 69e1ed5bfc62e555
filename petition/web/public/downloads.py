"""Downloads for reporters: the bundle, the checkpoint, the letter's bytes, the verifier and the signer.

All of them are cacheable and have an ETag.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from flask import Blueprint, Response, make_response, request, send_file
from werkzeug.exceptions import NotFound

from petition.blindsign import signer as terminal
from petition.ledger import verify as verifier
from petition.publication.bundle_file import bundle_path
from petition.web import page_cache
from petition.web.page import CALLS_CACHED, PAGES_CACHED
from petition.web.services import services

TEXT: Final = "text/plain; charset=utf-8"
MARKDOWN: Final = "text/markdown; charset=utf-8"

bp = Blueprint("downloads", __name__)


@bp.get("/c/<slug>/bundle.zip")
def bundle(slug: str) -> Response:
    """Returns the newest bundle. Answers 404 while too few people have signed for anything to be public."""
    path = bundle_path(services().config.home, slug)
    if page_cache.snapshot(slug).count is None or not path.exists():
        raise NotFound
    return _file(path, "application/zip", f"{slug}.zip")


@bp.get("/c/<slug>/checkpoint")
def checkpoint(slug: str) -> Response:
    """Returns the signed head of the ledger.

    It contains the number of entries, so it is 404 until the count is public.
    """
    if page_cache.snapshot(slug).count is None:
        raise NotFound
    return page_cache.cached_page(
        slug, "", "checkpoint", lambda snapshot: snapshot.checkpoint, kind=TEXT, caching=CALLS_CACHED
    )


@bp.get("/c/<slug>/letter.<lang>.md")
def letter(slug: str, lang: str) -> Response:
    """Returns the letter's Markdown, exactly the bytes that the hash in the ledger covers."""
    if lang not in page_cache.snapshot(slug).letters:
        raise NotFound
    return page_cache.cached_page(
        slug, lang, "markdown", lambda snapshot: snapshot.letters[lang].markdown, kind=MARKDOWN, caching=PAGES_CACHED
    )


@bp.get("/verify.py")
def program() -> Response:
    """Returns the stand-alone verifier, the file of this project."""
    return _file(Path(verifier.__file__), "text/x-python", "verify.py")


@bp.get("/sign.py")
def signer() -> Response:
    """Returns the stand-alone signer, the file of this project."""
    return _file(Path(terminal.__file__), "text/x-python", "sign.py")


def _file(path: Path, kind: str, name: str) -> Response:
    answer = make_response(send_file(path, mimetype=kind, as_attachment=True, download_name=name, conditional=False))
    answer.headers["Cache-Control"] = PAGES_CACHED
    return answer.make_conditional(request)  # type: ignore[return-value]
