"""Proxies before the application: what they do to X-Forwarded-For and to headers, as WSGI middleware."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

App = Callable[..., Iterable[bytes]]
VISITOR = "203.0.114.9"  # a public address, not one of the examples: those are not global
"""The address that the outermost proxy sees."""


def behind(app: App, forwards: Callable[[str], str], **headers: str | None) -> App:
    """The app as it is seen through proxies.

    `forwards` gets the X-Forwarded-For that a client sends (or an empty text), and returns what arrives. `headers` are
    added to answers; None takes one out. Underscores stand for hyphens.
    """
    changed = {name.replace("_", "-").lower(): value for name, value in headers.items()}

    def proxied(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        written = forwards(environ.pop("HTTP_X_FORWARDED_FOR", ""))
        if written:
            environ["HTTP_X_FORWARDED_FOR"] = written

        def start(status: str, sent: list[tuple[str, str]], exc_info: Any = None) -> Any:
            kept = [each for each in sent if changed.get(each[0].lower(), "") is not None]
            return start_response(
                status, [*kept, *((name, value) for name, value in changed.items() if value)], exc_info
            )

        return app(environ, start)

    return proxied


class Appends:
    """Proxies that each add an address to what comes, as most do."""

    def __init__(self, *addresses: str) -> None:
        self.addresses = addresses

    def __call__(self, sent: str) -> str:
        """The header that arrives."""
        return ", ".join([*([sent] if sent else []), *self.addresses])


class Replaces(Appends):
    """Proxies of which the outermost one takes no header of a client."""

    def __call__(self, sent: str) -> str:
        """The header that arrives."""
        return super().__call__("")


def keeps(sent: str) -> str:
    """A proxy that writes the header only if there is none."""
    return sent or VISITOR
