"""A real browser for tests: Debian's chromium, or another of its kind on PATH, driven by Playwright.

Where chromium's headless shell is installed, pages are drawn by it: the same engine without a window, for less work. What
a browser leaves on a disk is looked for after the whole browser (`require_browser`).

The fixture is `browser`: one browser for each process of tests, and each test opens a context of its own.
A missing browser skips with its reason, and fails where CI=true, so that no build is green without it.

Playwright's sync interface keeps an event loop running in this thread: asyncio.run() does not work beside it.
"""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from petition.bootstrap.checks import BROWSERS, HEADLESS

if TYPE_CHECKING:
    from collections.abc import Iterator

FLAGS = (
    "--no-sandbox",  # only our own pages are opened, and containers and root have no sandbox
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
PATIENCE = 30_000
"""What is expected of a page is there at once, and much later on a machine with other work: only a failure takes so long."""
MISSING = f"No browser on PATH ({', '.join(BROWSERS)}): install one to run the browser tests."


def find_browser() -> str | None:
    """Path of the first browser on PATH."""
    return next(filter(None, map(shutil.which, BROWSERS)), None)


def require_browser() -> str:
    """Path of a browser; without one the test is skipped, or fails under CI=true."""
    path = find_browser()
    if path is None:
        refuse = pytest.fail if os.environ.get("CI") == "true" else pytest.skip
        refuse(MISSING)
    return path


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A headless browser, started once a session."""
    path = shutil.which(HEADLESS) or require_browser()
    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=path, headless=True, args=list(FLAGS))
        yield running
        running.close()
