"""The project's static files on a bare page, under the site's content policy: a place to test a script alone.

The fixtures are `site` and `tab`.
"""

from __future__ import annotations

import functools
import http.server
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page

STATIC = Path(__file__).parents[2] / "petition" / "static"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "worker-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


class StaticFiles(http.server.SimpleHTTPRequestHandler):
    """An empty page at `/`, the project's static files beside it, the site's policy on all."""

    def do_GET(self) -> None:
        """An empty page at `/`, files elsewhere."""
        if self.path != "/":
            super().do_GET()
            return
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<!doctype html><title>Empty</title>")

    def end_headers(self) -> None:
        """Add the product's own Content-Security-Policy."""
        self.send_header("Content-Security-Policy", POLICY)
        super().end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the parent's name for it
        """Say nothing."""


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    """The address of the scripts, served alone."""
    handler = functools.partial(StaticFiles, directory=str(STATIC))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture
def tab(browser: Browser, site: str) -> Iterator[Page]:
    """A page on the site; a script that the policy stops fails the test."""
    context = browser.new_context()
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.goto(f"{site}/")
    yield page
    context.close()
    assert [text for text in complaints if "Content Security Policy" in text] == []
