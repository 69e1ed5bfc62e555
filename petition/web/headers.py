"""Rejects requests for foreign hosts, and adds the security headers to every response.

This middleware is the outermost one, so it covers every response, static files and errors included. A response without
a Cache-Control header becomes `no-store`, and so does every response to a POST. A Host that is not ours is rejected
(400), so that nobody can use one to poison links, redirects or caches. The only cookie is that of a signed-in
organiser, and only the pages of organisers may ask for a passkey. Other sites may frame one page, the counter, and show
four pictures.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, urlsplit

from petition.config import Config, Environment
from petition.config.addresses import canonical_host
from petition.web.page_cache import PageCache

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

POLICY: Final = "Content-Security-Policy"
CONTENT_SECURITY_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; worker-src 'self'; "
    "manifest-src 'none'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
MAIL_POLICY: Final = (
    "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; style-src 'unsafe-inline'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
INBOX_MAILS: Final = "/dev/inbox/"
COUNTER_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; form-action 'none'; base-uri 'none'; "
    "frame-ancestors *"
)
COUNTER_PATH: Final = re.compile(r"/c/[^/]+/embed")
EMBEDDABLE: Final = re.compile(r"/c/[^/]+/(?:embed|badge\.svg|card\.png|qr\.svg|qr\.png)")
RESOURCE_POLICY: Final = "Cross-Origin-Resource-Policy"
PREVIEWS: Final = "/mail.html"
BLOCKED_FEATURES: Final = (
    "accelerometer", "bluetooth", "browsing-topics", "camera", "display-capture", "geolocation", "gyroscope", "hid",
    "idle-detection", "local-fonts", "magnetometer", "microphone", "midi", "payment", "publickey-credentials-get",
    "screen-wake-lock", "serial", "storage-access", "usb", "window-management", "xr-spatial-tracking",
)  # fmt: skip
REFERRER_POLICY: Final = "Referrer-Policy"
SUBSCRIBER_PAGES: Final = "/mail/"
PERMISSIONS_POLICY: Final = "Permissions-Policy"
PASSKEYS: Final = "publickey-credentials-get"
ORGANISERS: Final = "/organise"
DEFAULT_HEADERS: Final = [
    (POLICY, CONTENT_SECURITY_POLICY),
    (REFERRER_POLICY, "same-origin"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    (RESOURCE_POLICY, "same-origin"),
    ("X-Content-Type-Options", "nosniff"),
    (PERMISSIONS_POLICY, ", ".join(f"{feature}=()" for feature in BLOCKED_FEATURES)),
]
TRANSPORT: Final = [("Strict-Transport-Security", "max-age=63072000; includeSubDomains")]
CORS: Final = [
    ("Access-Control-Allow-Origin", "*"),
    ("Access-Control-Expose-Headers", "ETag, Retry-After"),
]
PREFLIGHT: Final = [
    ("Access-Control-Allow-Methods", "GET, POST"),
    ("Access-Control-Allow-Headers", "Content-Type, If-None-Match, Petition-Ticket"),
    ("Access-Control-Max-Age", "86400"),
]
NO_STORE: Final = ("Cache-Control", "no-store")
# Load balancers request these paths by IP address. No page links to them.
PROBES: Final = frozenset({"/healthz", "/readyz"})
PROBLEM: Final = "application/problem+json"
PROBLEM_TYPE: Final = "urn:undersigned:problem:"
"""The beginning of every type of a problem document (RFC 9457)."""
METRICS: Final = "/metrics"
"""The figures for monitors. At their own port there is nothing else, and any Host is accepted."""

Headers = list[tuple[str, str]]


class CachedPages:
    """WSGI middleware that answers a GET from the page cache, without the framework.

    It answers if the page exists and is still current; everything else goes on to `app`. So later readers do not pay
    for the work that the first one caused.
    """

    def __init__(self, app: WSGIApplication, page_cache: PageCache) -> None:
        self._app, self._page_cache = app, page_cache

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Send the cached page, or call the app."""
        if environ["REQUEST_METHOD"] == "GET":
            page = self._page_cache.current((environ["PATH_INFO"], environ.get("QUERY_STRING", "")))
            if page is not None:
                return page.send(environ, start_response)
        return self._app(environ, start_response)


class SecurityHeaders:
    """WSGI middleware around everything: it checks the Host and adds the headers.

    A letter's counter has a policy of its own. Any page may frame it, so it has no form and only one link, which opens
    a new page; nothing else there can be clicked by mistake. Mails that are shown as HTML have a policy of their own,
    too: those of the development inbox, outside production only, and those that organisers preview in a frame. The
    styles of a mail are inline, which our policy forbids. Such a page is therefore a sandbox without an origin: no
    script runs and nothing is fetched, but links work. The pages that a mail leads to have the subscriber's token in
    their URL, so they send no Referer to anybody, not even to us.
    """

    def __init__(self, app: WSGIApplication, config: Config) -> None:
        self._app = app
        self._config = config
        self._hosts = hosts(config)
        self._production = config.env is Environment.PRODUCTION
        self._onion = config.onion
        self._default_headers: Headers = [*DEFAULT_HEADERS, *(TRANSPORT if self._production else [])]
        allowed = {
            PERMISSIONS_POLICY: (f"{PASSKEYS}=()", f"{PASSKEYS}=(self)"),
            POLICY: ("base-uri", "frame-src 'self'; base-uri"),
        }
        self._organiser_headers: Headers = [
            (name, value.replace(*allowed.get(name, ("", "")))) for name, value in self._default_headers
        ]
        self._subscriber_headers = _with(self._default_headers, REFERRER_POLICY, "no-referrer")
        self._mail_headers = _with(self._default_headers, POLICY, MAIL_POLICY)
        self._preview_headers = _with(
            self._default_headers, POLICY, MAIL_POLICY.replace("frame-ancestors 'none'", "frame-ancestors 'self'")
        )

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Reject a foreign Host, or pass the response on with its headers."""
        path, method = environ["PATH_INFO"], environ["REQUEST_METHOD"]
        extra = [*self._headers_for(path), *_api_headers(path, method), *self._onion_location(environ)]

        def start(status: str, headers: Headers, exc_info: Any = None) -> Callable[[bytes], object]:
            return start_response(status, [*_with_cache_control(headers, method), *extra], exc_info)

        if is_monitors_port(self._config, environ):
            return self._app(environ, start) if path == METRICS else _unknown(start)
        host = requested_host(environ, self._config)
        if host not in self._hosts and path not in PROBES:
            return _refuse(start, path)
        return self._app(environ | {"HTTP_HOST": host} if host else environ, start)

    def _headers_for(self, path: str) -> Headers:
        if path.startswith(ORGANISERS):
            return self._preview_headers if path.endswith(PREVIEWS) else self._organiser_headers
        if EMBEDDABLE.fullmatch(path):
            return self._embeddable_headers(path)
        if path.startswith(SUBSCRIBER_PAGES):
            return self._subscriber_headers
        if self._production or not path.startswith(INBOX_MAILS):
            return self._default_headers
        return self._mail_headers

    def _onion_location(self, environ: WSGIEnvironment) -> Headers:
        """Returns the Onion-Location header, with the address of the same page in Tor.

        Requests that came through Tor do not get it.
        """
        if not self._onion or requested_host(environ, self._config) == urlsplit(self._onion).netloc:
            return []
        query = environ.get("QUERY_STRING", "")
        path = quote(environ["PATH_INFO"].encode("latin-1"), safe="/") + (
            f"?{query}" if query.isascii() and query.isprintable() and query else ""
        )
        return [("Onion-Location", self._onion + path)]

    def _embeddable_headers(self, path: str) -> Headers:
        shown = _with(self._default_headers, RESOURCE_POLICY, "cross-origin")
        return _with(shown, POLICY, COUNTER_POLICY) if COUNTER_PATH.fullmatch(path) else shown


def is_monitors_port(config: Config, environ: WSGIEnvironment) -> bool:
    """Returns whether a request came in at the port for monitors, on this machine's loopback.

    The port is that of the socket (RFC 3875, SERVER_PORT), so no header changes it.
    """
    return bool(config.metrics_port) and environ.get("SERVER_PORT") == str(config.metrics_port)


def requested_host(environ: WSGIEnvironment, config: Config) -> str:
    """Returns the host that a request is for, in its one spelling, or an empty text. Its bytes are read as UTF-8.

    The proxy in front ends TLS, so the scheme is that of the base URL.
    """
    sent = environ.get("HTTP_HOST", "").encode("latin-1").decode(errors="replace")
    return canonical_host(sent, urlsplit(config.base_url).scheme)


def hosts(config: Config) -> frozenset[str]:
    """Returns the accepted Host headers: that of the base URL and, outside production, this machine's own names."""
    base = canonical_host(urlsplit(config.base_url).netloc, urlsplit(config.base_url).scheme)
    if config.env is Environment.PRODUCTION:
        return frozenset({base, *([urlsplit(config.onion).netloc] if config.onion else [])})
    local = ("localhost", "127.0.0.1", "[::1]")
    return frozenset({base, *local, *(f"{name}:{config.port}" for name in local)})


def _with(headers: Headers, name: str, value: str) -> Headers:
    return [(name, value), *(each for each in headers if each[0] != name)]


def _api_headers(path: str, method: str) -> Headers:
    if not path.startswith("/api/"):
        return []
    return [*CORS, *PREFLIGHT] if method == "OPTIONS" else CORS


def _with_cache_control(headers: Headers, method: str) -> Headers:
    if method != "POST" and any(name == "Cache-Control" for name, _ in headers):
        return headers
    return [*(each for each in headers if each[0] != "Cache-Control"), NO_STORE]


def _refuse(start: Callable[[str, Headers], object], path: str) -> list[bytes]:
    sentence = "This server does not answer to that host name."
    kind, body = "text/plain; charset=utf-8", f"{sentence}\n"
    if path.startswith("/api/"):
        kind = PROBLEM
        body = f'{{"type":"{PROBLEM_TYPE}bad-request","title":"Bad Request","status":400,"detail":"{sentence}"}}'
    start("400 Bad Request", [("Content-Type", kind), ("Content-Length", str(len(body)))])
    return [body.encode()]


def _unknown(start: Callable[[str, Headers], object]) -> list[bytes]:
    body = b"There are only figures for monitors here, at /metrics.\n"
    start("404 Not Found", [("Content-Type", "text/plain; charset=utf-8"), ("Content-Length", str(len(body)))])
    return [body]
