"""This module checks access to the dashboard: the visitor, the form they send, and their right to an action.

Every route of `/organise` is checked in one place before its view runs. A route that declares no access is never
served, and a test fails on it. Forged posts are prevented in two ways. Each form carries a token, a MAC of the session
cookie, so no second cookie is needed. The browser's own headers about the origin of a post are checked as well. A
visitor who is not a member of a campaign gets the same answer as for a campaign that does not exist.
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
from petition.config.addresses import canonical_host
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
SIGN_IN: Final = "organise_sign_in.sign_in"
CONFIRM: Final = "organise_sign_in.confirm"
LONGEST_ADDRESS: Final = 1_000
"""The longest address within the dashboard that is followed after signing in, in characters."""
SENT_AGAIN: Final = "sent_again"
"""The field of a form that is sent again after its sender had to prove who they are."""
BLUEPRINTS_WITH_SECRETS: Final = frozenset({"organise_sign_in", "organise_account", "organise_joining"})
FIELDS_WITHOUT_TEXT: Final = frozenset({"token", "credential", "next", "what", "id"})
"""Fields that people do not type into."""
TOKEN_LABEL: Final = b"undersigned/form/v1\0"
View = TypeVar("View", bound=Callable[..., Any])


class Audience(StrEnum):
    """Who may open a page that does not belong to one campaign."""

    ANYBODY = "anybody"
    SIGNED_IN = "signed_in"


class NotAllowed(ExpectedError):
    """The role in this campaign does not allow the action."""

    status = 403


class FormForged(ExpectedError):
    """The form did not come from this site, or belongs to a visit that has ended."""

    status = 403


class ProofRequired(Exception):
    """A genuine post with typed text was sent by somebody who must first prove who they are, at `endpoint`."""

    def __init__(self, endpoint: str) -> None:
        super().__init__(endpoint)
        self.endpoint = endpoint


@dataclass(frozen=True, slots=True)
class Access:
    """What a view requires: the right to an act in the campaign of its address, or an audience.

    `fresh` means that the visitor must have proved who they are a short time ago.
    """

    what: Act | Audience
    fresh: bool = False


def needs(what: Act | Audience, *, fresh: bool = False) -> Callable[[View], View]:
    """Declare what a view requires. The decorator stands below the routes of the view."""

    def declare(view: View) -> View:
        view.access = Access(what, fresh)  # type: ignore[attr-defined]
        return view

    return declare


def blueprint(name: str, *, largest_form: int | None = None) -> Blueprint:
    """Create the blueprint of one part of the dashboard, with the access check before each request.

    `largest_form` raises the limit of a form's size, in bytes, for blueprints that accept long texts.
    """
    bp = Blueprint(f"organise_{name}", f"petition.web.dashboard.{name}", url_prefix="/organise")
    if largest_form is not None:
        bp.before_request(lambda: _set_largest_form(largest_form))
    bp.before_request(check_access)
    return bp


def check_access() -> BaseResponse | None:
    """Let a request pass, or answer it. Raises NotAllowed, FormForged, CampaignUnknown."""
    access = access_of(request.endpoint or "")
    if access is None:
        raise NotAllowed
    if request.method == "POST":
        _reject_foreign_post()
    _load_visitor()
    if access.what is Audience.ANYBODY:
        return None
    if g.visitor is None:
        return _require_proof(SIGN_IN)
    if request.method == "POST":
        check_token()
    if isinstance(access.what, Act):
        _require_act(access.what)
    return _require_proof(CONFIRM) if access.fresh and not visitor().fresh else None


def access_of(endpoint: str) -> Access | None:
    """Return what a route declares."""
    return getattr(current_app.view_functions.get(endpoint), "access", None)


def require_fresh() -> None:
    """Let a view go on only if the visitor proved who they are a short time ago. Raises ProofRequired.

    It is for views that need the proof in some cases only; the others declare it (`needs`).
    """
    if not visitor().fresh:
        raise ProofRequired(CONFIRM)


def visitor() -> Visitor:
    """Return the signed-in visitor. Only views that require one may call this."""
    assert isinstance(g.visitor, Visitor)
    return g.visitor


def actor() -> Actor:
    """Return the signed-in visitor as the actor of an action at this moment.

    Only views that require a visitor may call this.
    """
    return Actor(visitor().organiser_id, clock.now())


def role() -> Role:
    """Return the visitor's role in the campaign of this request."""
    return cast("Role", g.role)


def allows(act: Act) -> bool:
    """Return whether the visitor's role in this campaign allows an act. Pages use it to decide what they offer."""
    return act in GRANTS[role()]


def reaches(endpoint: str) -> bool:
    """Return whether the visitor's role in this campaign may open a page of it.

    Pages use it to decide what they link to.
    """
    access = access_of(endpoint)
    return access is not None and isinstance(access.what, Act) and allows(access.what)


def campaign(session: Session) -> Campaign:
    """Return the campaign of this request in the view's own database session. Raises CampaignUnknown."""
    found = session.get(Campaign, g.campaign_id)
    if found is None:
        raise CampaignUnknown
    return found


def form_token() -> str:
    """Return the token that each form carries: a MAC of the cookie's value. It is useless without the cookie."""
    return _token_under(services().config.secret_key)


def _token_under(secret_key: str) -> str:
    cookie: str = g.get("cookie") or request.cookies.get(COOKIE, "")
    return hmac.new(secret_key.encode(), TOKEN_LABEL + cookie.encode(), sha256).hexdigest()


def _is_token(text: str) -> bool:
    """Return whether the text is this visit's token under any of the keys: a page may be older than the newest key."""
    keys = services().config.secret_keys
    return any(hmac.compare_digest(text.encode(), _token_under(each).encode()) for each in keys)


def check_token() -> None:
    """Reject a form of a signed-in visitor that does not carry this visit's token. Raises FormForged."""
    if not _is_token(request.form.get("token", "")):
        raise FormForged


def is_ours() -> bool:
    """Return whether a post certainly comes from a page of this site.

    Either its visit's token or the browser's headers prove it. This needs no database, so it also works while the
    database is down. It also works for a visit that has ended.
    """
    try:
        token = request.form.get("token", "")
    except HTTPException:
        return False
    if token and request.cookies.get(COOKIE) and _is_token(token):
        return True
    origin = request.headers.get("Origin")
    return request.headers.get("Sec-Fetch-Site") == "same-origin" or (origin is not None and _is_host(origin))


def has_text() -> bool:
    """Return whether the form of this request holds a text or a choice worth keeping.

    Forms of signing in, joining and the account hold secrets instead, so they never count.
    """
    return request.blueprint not in BLUEPRINTS_WITH_SECRETS and any(
        text.strip() for name, text in request.form.items() if name not in FIELDS_WITHOUT_TEXT
    )


def show_again_if_resent() -> None:
    """Show a form that was sent again with its text, before an action that others see. Raises FormRefused.

    The button was pressed before the visit ended, and the sender may have changed their mind since. The view reads its
    form before it calls this function, so that `redraw` has the form.
    """
    if SENT_AGAIN in request.form:
        raise FormRefused({"": [gettext(_("Nothing was done. Check it again, and press the button once more."))]})


def begin_visit(session: Session, organiser_id: OrganiserId) -> None:
    """Begin a visit under a new session token and end the current one. `with_cookie` gives the browser the token."""
    if g.visitor is not None:
        sessions.end(session, visitor().visit_id)
    g.cookie = sessions.begin(session, organiser_id, clock.now())
    g.visitor = sessions.find(session, g.cookie, clock.now())


def renew_visit(session: Session) -> None:
    """Give the current visit a new session token after a new proof. `with_cookie` gives it to the browser.

    Raises FormForged if the visit was renewed or ended meanwhile, in another window.
    """
    token = sessions.renew(session, visitor().visit_id, clock.now())
    if token is None:
        raise FormForged
    g.cookie = token
    g.visitor = sessions.find(session, token, clock.now())


def with_cookie(answer: Response) -> Response:
    """Add the cookie of the new visit to a response."""
    answer.set_cookie(COOKIE, g.cookie, secure=True, httponly=True, samesite="Lax", path="/")
    return answer


def sign_in(session: Session, organiser_id: OrganiserId, to: str) -> Response:
    """Begin a visit under a new session token and redirect to a page of this site."""
    begin_visit(session, organiser_id)
    return with_cookie(go(to))


def sign_out(answer: Response) -> Response:
    """Delete the cookie in the browser."""
    answer.delete_cookie(COOKIE, path="/", secure=True, httponly=True, samesite="Lax")
    return answer


def go(to: str) -> Response:
    """Redirect to a page of this site after a post."""
    return make_response(redirect(to, 303))


def next_page(asked: str) -> str:
    """Return where to go after signing in.

    The result is always a page of the dashboard, whatever address was asked for.
    """
    if len(asked) > LONGEST_ADDRESS:  # each part of it is looked up below
        return HOME
    parts = urlsplit(asked)
    plain = not parts.scheme and not parts.netloc and "\\" not in asked and asked.isprintable()
    ours = plain and (asked == HOME or asked.startswith(f"{HOME}/"))
    return _nearest_page(asked, parts.path) if ours else HOME


def _nearest_page(asked: str, path: str) -> str:
    """Return the address if there is a page, otherwise the nearest page above it.

    Addresses that only accept posts have no page.
    """
    here = path
    while here != HOME and not accepts(here, "GET"):
        here = here.rpartition("/")[0]
    return asked if here == path else here


def accepts(path: str, method: str) -> bool:
    """Return whether a path of the dashboard accepts a method."""
    try:
        endpoint, _values = current_app.url_map.bind("").match(path, method=method)
    except HTTPException:
        return False
    return access_of(endpoint) is not None


def _set_largest_form(largest_form: int) -> None:
    request.max_content_length = request.max_form_memory_size = largest_form


def _load_visitor() -> None:
    token, g.visitor, g.role = request.cookies.get(COOKIE, ""), None, None
    if token:
        with db.transaction() as session:
            g.visitor = sessions.find(session, token, clock.now())
    if g.visitor is not None and "lang" not in request.args:
        g.lang = g.visitor.lang


def _require_act(act: Act) -> None:
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


def _reject_foreign_post() -> None:
    """Reject a post from another site. Browsers send its origin (Fetch Metadata, Origin)."""
    origin, site = request.headers.get("Origin"), request.headers.get("Sec-Fetch-Site")
    if (origin is not None and not _is_host(origin)) or site not in {None, "same-origin", "none"}:
        raise FormForged


def _is_host(origin: str) -> bool:
    parts = urlsplit(origin)
    return canonical_host(parts.netloc, parts.scheme) in hosts(services().config)


def _require_proof(endpoint: str) -> BaseResponse:
    """Redirect to a page that asks for proof, and back here afterwards.

    Raises ProofRequired for a genuine post with a text.
    """
    if request.method == "POST" and is_ours() and has_text():
        raise ProofRequired(endpoint)
    return _redirect_to_proof(endpoint)


def _redirect_to_proof(endpoint: str) -> BaseResponse:
    """Redirect to a page that asks for proof.

    After a post without a text, the visitor returns to the page that sent it.
    """
    back = (
        request.full_path.rstrip("?") if request.method == "GET" else next_page(urlsplit(request.referrer or "").path)
    )
    return redirect(url_for(endpoint) + "?next=" + quote(back, safe="/"), 303)
