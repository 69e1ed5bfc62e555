"""Access to the dashboard: who is signed in, whether the form was ours, whether this may be done.

Guards every route of `/organise` in one place, before its view runs: a route that declares no access is never served, and
a test fails on it. Guards against forged posts in two ways: a token in each form, bound to the visit by a MAC (there is
one cookie, and no second one for it), and the browser's own word on where a post comes from. Refuses a stranger to a
campaign with the same answer as a campaign that does not exist.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from typing import Any, Final, TypeVar, cast
from urllib.parse import quote, urlsplit

from flask import Blueprint, Response, current_app, g, make_response, redirect, request, url_for
from sqlalchemy.orm import Session
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response as BaseResponse

from petition import campaigns, organisers
from petition.campaigns import Campaign, CampaignUnknown
from petition.core import clock, db
from petition.core.errors import ExpectedError
from petition.core.i18n import marked as _
from petition.core.ids import OrganiserId
from petition.organisers import GRANTS, Act, Role, Visitor, sessions
from petition.organisers.actor import Actor
from petition.web.forms.base import FormRefused
from petition.web.headers import hosts
from petition.web.language import gettext
from petition.web.services import services
from petition.web.sizes import LARGEST_TEXTS

HOME: Final = "/organise"
COOKIE: Final = "__Host-undersigned"
LARGEST_FORM: Final = LARGEST_TEXTS
SIGN_IN: Final = "organise_door.sign_in"
CONFIRM: Final = "organise_door.confirm"
AGAIN: Final = "sent_again"
"""The field of a form that is sent again after its sender had to prove who they are."""
SECRET: Final = frozenset({"organise_door", "organise_account", "organise_joining"})
WITHOUT_TEXT: Final = frozenset({"token", "credential", "next", "what", "id"})
"""Fields that nobody types."""
TOKEN_LABEL: Final = b"undersigned/form/v1\0"
View = TypeVar("View", bound=Callable[..., Any])


class Door(StrEnum):
    """Access that is not about one campaign."""

    ANYBODY = "anybody"
    SIGNED_IN = "signed_in"


class NotAllowed(ExpectedError):
    """The role in this campaign does not allow it."""

    status = 403


class FormForged(ExpectedError):
    """The form was not ours, or belongs to a visit that is over."""

    status = 403


class ProofFirst(Exception):
    """A post of ours that holds something typed, from somebody who must first prove who they are, at `endpoint`."""

    def __init__(self, endpoint: str) -> None:
        super().__init__(endpoint)
        self.endpoint = endpoint


@dataclass(frozen=True, slots=True)
class Access:
    """What a view asks for: an act in the campaign of its address, or a door; `fresh`: proved who it is just now."""

    what: Act | Door
    fresh: bool = False


def needs(what: Act | Door, *, fresh: bool = False) -> Callable[[View], View]:
    """Declare what a view asks for; written below its routes."""

    def declare(view: View) -> View:
        view.access = Access(what, fresh)  # type: ignore[attr-defined]
        return view

    return declare


def blueprint(name: str, *, largest_form: int | None = None) -> Blueprint:
    """The blueprint of one part of the dashboard, with the guard before it; some take larger forms (bytes) than others."""
    bp = Blueprint(f"organise_{name}", f"petition.web.dashboard.{name}", url_prefix="/organise")
    if largest_form is not None:
        bp.before_request(lambda: _take(largest_form))
    bp.before_request(admit)
    return bp


def admit() -> BaseResponse | None:
    """Let a request pass, or answer it. Raises NotAllowed, FormForged, CampaignUnknown."""
    access = access_of(request.endpoint or "")
    if access is None:
        raise NotAllowed
    if request.method == "POST":
        _refuse_foreign_post()
    _recognise()
    if access.what is Door.ANYBODY:
        return None
    if g.visitor is None:
        return _prove_first(SIGN_IN)
    if request.method == "POST":
        check_token()
    if isinstance(access.what, Act):
        _require(access.what)
    return _prove_first(CONFIRM) if access.fresh and not visitor().fresh else None


def access_of(endpoint: str) -> Access | None:
    """What a route declares."""
    return getattr(current_app.view_functions.get(endpoint), "access", None)


def visitor() -> Visitor:
    """Who is signed in; only for views that ask for it."""
    assert isinstance(g.visitor, Visitor)
    return g.visitor


def actor() -> Actor:
    """Who is signed in, acting now; only for views that ask for it."""
    return Actor(visitor().organiser_id, clock.now())


def role() -> Role:
    """The visitor's role in the campaign of this request."""
    return cast("Role", g.role)


def allows(act: Act) -> bool:
    """Whether the visitor's role in this campaign allows an act: for what a page offers."""
    return act in GRANTS[role()]


def reaches(endpoint: str) -> bool:
    """Whether the visitor's role in this campaign opens a page of it: for what a page links to."""
    access = access_of(endpoint)
    return access is not None and isinstance(access.what, Act) and allows(access.what)


def campaign(session: Session) -> Campaign:
    """The campaign of this request, in a session of the view's own; raises CampaignUnknown."""
    found = session.get(Campaign, g.campaign_id)
    if found is None:
        raise CampaignUnknown
    return found


def form_token() -> str:
    """What each form carries: a MAC of the cookie's value, useless without it."""
    return _token_under(services().config.secret_key)


def _token_under(secret_key: str) -> str:
    cookie: str = g.get("cookie") or request.cookies.get(COOKIE, "")
    return hmac.new(secret_key.encode(), TOKEN_LABEL + cookie.encode(), sha256).hexdigest()


def _is_token(text: str) -> bool:
    """Whether it is this visit's token under any of the keys: a page may be older than the newest."""
    keys = services().config.secret_keys
    return any(hmac.compare_digest(text.encode(), _token_under(each).encode()) for each in keys)


def check_token() -> None:
    """Refuse a form that does not carry this visit's token; for posts of signed-in visitors. Raises FormForged."""
    if not _is_token(request.form.get("token", "")):
        raise FormForged


def is_ours() -> bool:
    """Whether a post is known to come from a page of ours: it has its visit's token, or the browser says so.

    Asks no database, so that it holds while there is none, and holds for a visit that is over.
    """
    try:
        token = request.form.get("token", "")
    except HTTPException:
        return False
    if token and request.cookies.get(COOKIE) and _is_token(token):
        return True
    origin = request.headers.get("Origin")
    return request.headers.get("Sec-Fetch-Site") == "same-origin" or (origin is not None and _is_host(origin))


def holds_text() -> bool:
    """Whether the form of this request holds a text or a choice worth keeping: those of the door are secrets instead."""
    return request.blueprint not in SECRET and any(
        text.strip() for name, text in request.form.items() if name not in WITHOUT_TEXT
    )


def look_first() -> None:
    """Let a form that is sent again come back with its text, before an act that others see. Raises FormRefused.

    The button was pressed before the visit ended, and its sender may think better of it by now. A view reads its form
    first, so that `redraw` has it.
    """
    if AGAIN in request.form:
        raise FormRefused({"": [gettext(_("Nothing was done. Check it again, and press the button once more."))]})


def begin(session: Session, organiser_id: OrganiserId) -> None:
    """Begin a visit under a new name, and end the one there was; `with_cookie` tells the browser."""
    if g.visitor is not None:
        sessions.end(session, visitor().visit_id)
    g.cookie = sessions.begin(session, organiser_id, clock.now())
    g.visitor = sessions.find(session, g.cookie, clock.now())


def with_cookie(answer: Response) -> Response:
    """An answer that gives the browser the cookie of the visit that began."""
    answer.set_cookie(COOKIE, g.cookie, secure=True, httponly=True, samesite="Lax", path="/")
    return answer


def sign_in(session: Session, organiser_id: OrganiserId, to: str) -> Response:
    """Begin a visit under a new name and go on to a page of ours."""
    begin(session, organiser_id)
    return with_cookie(go(to))


def sign_out(answer: Response) -> Response:
    """Let the browser forget the cookie."""
    answer.delete_cookie(COOKIE, path="/", secure=True, httponly=True, samesite="Lax")
    return answer


def go(to: str) -> Response:
    """On to a page of ours, after a post."""
    return make_response(redirect(to, 303))


def next_page(asked: str) -> str:
    """Where to go after signing in: a page of the dashboard, whatever was asked for."""
    parts_of = urlsplit(asked)
    plain = not parts_of.scheme and not parts_of.netloc and "\\" not in asked and asked.isprintable()
    ours = plain and (asked == HOME or asked.startswith(f"{HOME}/"))
    return _shown_at(asked, parts_of.path) if ours else HOME


def _shown_at(asked: str, path: str) -> str:
    """An address if a page is there, else the nearest page above it: what only takes posts cannot be opened."""
    here = path
    while here != HOME and not takes(here, "GET"):
        here = here.rpartition("/")[0]
    return asked if here == path else here


def takes(path: str, method: str) -> bool:
    """Whether a path of the dashboard answers to a method."""
    try:
        endpoint, _values = current_app.url_map.bind("").match(path, method=method)
    except HTTPException:
        return False
    return access_of(endpoint) is not None


def _take(largest_form: int) -> None:
    request.max_content_length = request.max_form_memory_size = largest_form


def _recognise() -> None:
    token, g.visitor, g.role = request.cookies.get(COOKIE, ""), None, None
    if token:
        with db.transaction() as session:
            g.visitor = sessions.find(session, token, clock.now())
    if g.visitor is not None and "lang" not in request.args:
        g.lang = g.visitor.lang


def _require(act: Act) -> None:
    slug = (request.view_args or {}).get("slug", "")
    with db.session() as session:
        found = campaigns.find_any(session, slug)
        g.role = organisers.role_of(session, visitor().organiser_id, found.id) if found else None
        allowed = found is not None and organisers.may(session, visitor().organiser_id, act, found.id)
    if found is None or g.role is None:
        raise CampaignUnknown(slug)
    g.campaign_id = found.id
    if not allowed:
        raise NotAllowed


def _refuse_foreign_post() -> None:
    """Browsers say where a post comes from (Fetch Metadata, Origin); one that comes from elsewhere is refused."""
    origin, site = request.headers.get("Origin"), request.headers.get("Sec-Fetch-Site")
    if (origin is not None and not _is_host(origin)) or site not in {None, "same-origin", "none"}:
        raise FormForged


def _is_host(origin: str) -> bool:
    return urlsplit(origin).netloc.lower() in hosts(services().config)


def _prove_first(endpoint: str) -> BaseResponse:
    """To another page first, and back here afterwards. Raises ProofFirst for a post of ours with a text."""
    if request.method == "POST" and is_ours() and holds_text():
        raise ProofFirst(endpoint)
    return _to(endpoint)


def _to(endpoint: str) -> BaseResponse:
    """To another page; a post without a text comes back to the page that it was sent from."""
    back = (
        request.full_path.rstrip("?") if request.method == "GET" else next_page(urlsplit(request.referrer or "").path)
    )
    return redirect(url_for(endpoint) + "?next=" + quote(back, safe="/"), 303)
