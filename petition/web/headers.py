"""The doorstep: which Host we answer to, and the headers that every answer carries.

Guards each answer alike, the static files' and the errors' too, because it stands outside of everything. Whatever
says nothing about caching is `no-store`, and so is every answer to a POST. Refuses a Host that is not ours (400),
so that no link, no redirect and no cache can be poisoned with one, and cookies: none is ever set.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from petition.config import Config, Environment
from petition.web.memory import Memory

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

CONTENT_SECURITY_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; worker-src 'self'; "
    "manifest-src 'none'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
POWERFUL: Final = (
    "accelerometer", "bluetooth", "browsing-topics", "camera", "display-capture", "geolocation", "gyroscope", "hid",
    "idle-detection", "local-fonts", "magnetometer", "microphone", "midi", "payment", "publickey-credentials-get",
    "screen-wake-lock", "serial", "storage-access", "usb", "window-management", "xr-spatial-tracking",
)  # fmt: skip
EVERYWHERE: Final = [
    ("Content-Security-Policy", CONTENT_SECURITY_POLICY),
    ("Referrer-Policy", "same-origin"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("X-Content-Type-Options", "nosniff"),
    ("Permissions-Policy", ", ".join(f"{feature}=()" for feature in POWERFUL)),
]
TRANSPORT: Final = [("Strict-Transport-Security", "max-age=63072000; includeSubDomains")]
ANY_ORIGIN: Final = [
    ("Access-Control-Allow-Origin", "*"),
    ("Access-Control-Expose-Headers", "ETag, Retry-After"),
]
PREFLIGHT: Final = [
    ("Access-Control-Allow-Methods", "GET, POST"),
    ("Access-Control-Allow-Headers", "Content-Type, If-None-Match"),
    ("Access-Control-Max-Age", "86400"),
]
NO_STORE: Final = ("Cache-Control", "no-store")
# What a load balancer asks by address; no link is ever made there.
PROBES: Final = frozenset({"/healthz", "/readyz", "/metrics"})

Headers = list[tuple[str, str]]


class Shortcut:
    """WSGI middleware that answers a GET for a page that is made already and still current, without the framework.

    Guards the thousandth reader from paying for what the first one paid for; everything else goes on to `app`.
    """

    def __init__(self, app: WSGIApplication, memory: Memory) -> None:
        self._app, self._memory = app, memory

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Send the page, or let the app make it."""
        if environ["REQUEST_METHOD"] == "GET":
            page = self._memory.current((environ["PATH_INFO"], environ.get("QUERY_STRING", "")))
            if page is not None:
                return page.send(environ, start_response)
        return self._app(environ, start_response)


class Doorstep:
    """WSGI middleware around everything."""

    def __init__(self, app: WSGIApplication, config: Config) -> None:
        self._app = app
        self._hosts = hosts(config)
        production = config.env is Environment.PRODUCTION
        self._everywhere: Headers = [*EVERYWHERE, *(TRANSPORT if production else [])]

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Refuse a foreign Host, else let the answer pass with its headers."""
        path, method = environ["PATH_INFO"], environ["REQUEST_METHOD"]
        extra = [*self._everywhere, *_for_machines(path, method)]

        def start(status: str, headers: Headers, exc_info: Any = None) -> Callable[[bytes], object]:
            return start_response(status, [*_private(headers, method), *extra], exc_info)

        if environ.get("HTTP_HOST", "").lower() not in self._hosts and path not in PROBES:
            return _refuse(start, path)
        return self._app(environ, start)


def hosts(config: Config) -> frozenset[str]:
    """The Host headers we answer to: the base URL's; outside production this machine's own names too."""
    base = urlsplit(config.base_url).netloc.lower()
    if config.env is Environment.PRODUCTION:
        return frozenset({base})
    local = ("localhost", "127.0.0.1", "[::1]")
    return frozenset({base, *local, *(f"{name}:{config.port}" for name in local)})


def _for_machines(path: str, method: str) -> Headers:
    if not path.startswith("/api/"):
        return []
    return [*ANY_ORIGIN, *PREFLIGHT] if method == "OPTIONS" else ANY_ORIGIN


def _private(headers: Headers, method: str) -> Headers:
    if method != "POST" and any(name == "Cache-Control" for name, _ in headers):
        return headers
    return [*(each for each in headers if each[0] != "Cache-Control"), NO_STORE]


def _refuse(start: Callable[[str, Headers], object], path: str) -> list[bytes]:
    sentence = "This server does not answer to that host name."
    kind, body = "text/plain; charset=utf-8", f"{sentence}\n"
    if path.startswith("/api/"):
        kind = "application/problem+json"
        body = f'{{"type":"about:blank","title":"Bad Request","status":400,"detail":"{sentence}"}}'
    start("400 Bad Request", [("Content-Type", kind), ("Content-Length", str(len(body)))])
    return [body.encode()]
