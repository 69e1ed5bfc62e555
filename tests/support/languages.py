"""A request in one language, without the application and its database: for sentences and forms."""

from __future__ import annotations

from contextlib import AbstractContextManager

from flask import Flask

BARE = Flask(__name__)


def in_language(lang: str) -> AbstractContextManager[object]:
    """A request for a page in this language."""
    return BARE.test_request_context(f"/?lang={lang}")
