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
from petition.web.page_cache import PageCache

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

POLICY: Final = "Content-Security-Policy"
CONTENT_SECURITY_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; worker-src 'self'; "
    "manifest-src 'none'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
A_MAIL: Final = (
    "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; style-src 'unsafe-inline'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
MAILS: Final = "/dev/inbox/"
A_COUNTER: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; form-action 'none'; base-uri 'none'; "
    "frame-ancestors *"
)
COUNTER: Final = re.compile(r"/c/[^/]+/embed")
SHOWN_ELSEWHERE: Final = re.compile(r"/c/[^/]+/(?:embed|badge\.svg|card\.png|qr\.svg|qr\.png)")
RESOURCES: Final = "Cross-Origin-Resource-Policy"
PREVIEWS: Final = "/mail.html"
POWERFUL: Final = (
    "accelerometer", "bluetooth", "browsing-topics", "camera", "display-capture", "geolocation", "gyroscope", "hid",
    "idle-detection", "local-fonts", "magnetometer", "microphone", "midi", "payment", "publickey-credentials-get",
    "screen-wake-lock", "serial", "storage-access", "usb", "window-management", "xr-spatial-tracking",
)  # fmt: skip
REFERRER: Final = "Referrer-Policy"
BY_MAIL: Final = "/mail/"
PERMISSIONS: Final = "Permissions-Policy"
PASSKEYS: Final = "publickey-credentials-get"
ORGANISERS: Final = "/organise"
EVERYWHERE: Final = [
    (POLICY, CONTENT_SECURITY_POLICY),
    (REFERRER, "same-origin"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    (RESOURCES, "same-origin"),
    ("X-Content-Type-Options", "nosniff"),
    (PERMISSIONS, ", ".join(f"{feature}=()" for feature in POWERFUL)),
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
# Load balancers request these paths by IP address. No page links to them.
PROBES: Final = frozenset({"/healthz", "/readyz"})

Headers = list[tuple[str, str]]


class Shortcut:
    """WSGI middleware that answers a GET from the page cache, without the framework.

    It answers if the page exists and is still current; everything else goes on to `app`. So later readers do not pay
    for the work that the first one caused.
    """

    def __init__(self, app: WSGIApplication, memory: PageCache) -> None:
        self._app, self._memory = app, memory

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Send the cached page, or call the app."""
        if environ["REQUEST_METHOD"] == "GET":
            page = self._memory.current((environ["PATH_INFO"], environ.get("QUERY_STRING", "")))
            if page is not None:
                return page.send(environ, start_response)
        return self._app(environ, start_response)


class Doorstep:
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
        self._hosts = hosts(config)
        self._production = config.env is Environment.PRODUCTION
        self._onion = config.onion
        self._everywhere: Headers = [*EVERYWHERE, *(TRANSPORT if self._production else [])]
        allowed = {
            PERMISSIONS: (f"{PASSKEYS}=()", f"{PASSKEYS}=(self)"),
            POLICY: ("base-uri", "frame-src 'self'; base-uri"),
        }
        self._for_organisers: Headers = [
            (name, value.replace(*allowed.get(name, ("", "")))) for name, value in self._everywhere
        ]
        self._by_mail = _with(self._everywhere, REFERRER, "no-referrer")
        self._a_mail = _with(self._everywhere, POLICY, A_MAIL)
        self._a_preview = _with(
            self._everywhere, POLICY, A_MAIL.replace("frame-ancestors 'none'", "frame-ancestors 'self'")
        )

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Reject a foreign Host, or pass the response on with its headers."""
        path, method = environ["PATH_INFO"], environ["REQUEST_METHOD"]
        extra = [*self._for_readers(path), *_for_machines(path, method), *self._over_tor(environ)]

        def start(status: str, headers: Headers, exc_info: Any = None) -> Callable[[bytes], object]:
            return start_response(status, [*_private(headers, method), *extra], exc_info)

        if environ.get("HTTP_HOST", "").lower() not in self._hosts and path not in PROBES:
            return _refuse(start, path)
        return self._app(environ, start)

    def _for_readers(self, path: str) -> Headers:
        if path.startswith(ORGANISERS):
            return self._a_preview if path.endswith(PREVIEWS) else self._for_organisers
        if SHOWN_ELSEWHERE.fullmatch(path):
            return self._elsewhere(path)
        if path.startswith(BY_MAIL):
            return self._by_mail
        if self._production or not path.startswith(MAILS):
            return self._everywhere
        return self._a_mail

    def _over_tor(self, environ: WSGIEnvironment) -> Headers:
        """Returns the Onion-Location header, with the address of the same page in Tor.

        Requests that came through Tor do not get it.
        """
        if not self._onion or environ.get("HTTP_HOST", "").lower() == urlsplit(self._onion).netloc:
            return []
        query = environ.get("QUERY_STRING", "")
        path = quote(environ["PATH_INFO"].encode("latin-1"), safe="/") + (
            f"?{query}" if query.isascii() and query.isprintable() and query else ""
        )
        return [("Onion-Location", self._onion + path)]

    def _elsewhere(self, path: str) -> Headers:
        shown = _with(self._everywhere, RESOURCES, "cross-origin")
        return _with(shown, POLICY, A_COUNTER) if COUNTER.fullmatch(path) else shown


def hosts(config: Config) -> frozenset[str]:
    """Returns the accepted Host headers: that of the base URL and, outside production, this machine's own names."""
    base = urlsplit(config.base_url).netloc.lower()
    if config.env is Environment.PRODUCTION:
        return frozenset({base, *([urlsplit(config.onion).netloc] if config.onion else [])})
    local = ("localhost", "127.0.0.1", "[::1]")
    return frozenset({base, *local, *(f"{name}:{config.port}" for name in local)})


def _with(headers: Headers, name: str, value: str) -> Headers:
    return [(name, value), *(each for each in headers if each[0] != name)]


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
