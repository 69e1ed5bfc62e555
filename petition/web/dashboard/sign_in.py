"""Coming in and going out: by passkey or recovery code, by links that work once; proving it is still you; sign-out."""

from __future__ import annotations

from typing import Final

from flask import Response, g, request, url_for
from sqlalchemy.orm import Session

from petition import organisers
from petition.core import clock, db
from petition.core.i18n import marked as _
from petition.core.ids import OrganiserId
from petition.organisers import (
    CodeUnknown,
    InvitationUnknown,
    PasskeyRefused,
    RecoveryBusy,
    TriedTooOften,
    invitations,
    passkeys,
    recovery,
    sessions,
)
from petition.web import errors
from petition.web.dashboard import access, rendering, resubmission
from petition.web.dashboard.access import Door, FormForged, ProofFirst, needs, visitor
from petition.web.dashboard.forms import CodeForm, SignInForm
from petition.web.dashboard.resubmission import Resubmission
from petition.web.forms.redraw import redraw, with_status
from petition.web.services import services
from petition.web.sizes import LARGEST_CARRIED

bp = access.blueprint("door", largest_form=LARGEST_CARRIED)
PROVED: Final = _("You are signed in. What you typed is here. It has not been used yet.")
OLDER: Final = _("The page that you sent is older than your sign-in, so it was not accepted. What you typed is here.")


def _sign_in(
    form: SignInForm, to: str | None = None, asked: Resubmission | None = None, *, lost: bool = False
) -> Response:
    ended = g.get("visitor") is None and access.COOKIE in request.cookies
    if ended and "lang" not in request.args:
        _speak_as_before()
    to = request.form.get("next", "") if to is None else to
    there, elsewhere = access.next_page(to), to not in {"", access.HOME}
    asked = asked or _carried()
    return rendering.render("sign_in", form=form, next=there, asked=asked, lost=lost, ended=ended, elsewhere=elsewhere)


def _speak_as_before() -> None:
    """The page that ends a visit is in the visit's language, as long as that is known."""
    with db.session() as session:
        if lang := sessions.language_of(session, request.cookies[access.COOKIE]):
            g.lang = lang


def _confirm(
    form: CodeForm, to: str | None = None, asked: Resubmission | None = None, *, lost: bool = False
) -> Response:
    with db.session() as session:
        mine = passkeys.every(session, visitor().organiser_id)
        left = recovery.left(session, visitor().organiser_id)
    return rendering.render(
        "confirm",
        form=form,
        next=access.next_page(request.form.get("next", "") if to is None else to),
        asked=asked or _carried(),
        lost=lost,
        passkeys=len(mine),
        codes_left=left,
    )


@bp.get("/sign-in")
@needs(Door.ANYBODY)
def sign_in() -> Response:
    """Where organisers come in."""
    return _sign_in(SignInForm(), request.args.get("next", ""))


@bp.post("/sign-in")
@needs(Door.ANYBODY)
@redraw(_sign_in, CodeUnknown, TriedTooOften, RecoveryBusy, form=SignInForm, field="code")
def by_code() -> Response:
    """Come in by name and recovery code; whoever has no other way in left is led to making one."""
    form = SignInForm.read(request.form)
    with db.transaction() as session:
        whose = _used(session, form.name.data, form.code.data, recovery.SIGN_IN)
        more = recovery.left(session, whose) or passkeys.every(session, whose)
        to = access.next_page(request.form.get("next", "")) if more else url_for("organise_account.account")
        return _come_in(session, whose, to)


@bp.post("/sign-in/challenge")
@needs(Door.ANYBODY)
def ask() -> Response:
    """What a browser needs to ask for a passkey."""
    return options(passkeys.to_ask(site(), passkeys.challenge(services().redis_store, passkeys.SIGN_IN)))


@bp.post("/sign-in/passkey")
@needs(Door.ANYBODY)
@redraw(_sign_in, PasskeyRefused, form=SignInForm)
def by_passkey() -> Response:
    """Come in by passkey."""
    with db.transaction() as session:
        return _come_in(session, _recognised(session, passkeys.SIGN_IN), access.next_page(request.form.get("next", "")))


@bp.get("/confirm")
@needs(Door.SIGNED_IN)
def confirm() -> Response:
    """Prove once more that it is you, before something that matters."""
    return _confirm(CodeForm(), request.args.get("next", ""))


@bp.post("/confirm")
@needs(Door.SIGNED_IN)
@redraw(_confirm, CodeUnknown, TriedTooOften, RecoveryBusy, form=CodeForm, field="code")
def confirm_by_code() -> Response:
    """Prove it with a recovery code."""
    form = CodeForm.read(request.form)
    with db.transaction() as session:
        return _confirmed(session, _used(session, visitor().name, form.code.data, recovery.CONFIRM))


@bp.post("/confirm/challenge")
@needs(Door.SIGNED_IN)
def ask_again() -> Response:
    """What a browser needs to ask the one who is signed in for a passkey."""
    return options(passkeys.to_ask(site(), passkeys.challenge(services().redis_store, purpose(passkeys.CONFIRM))))


@bp.post("/confirm/passkey")
@needs(Door.SIGNED_IN)
@redraw(_confirm, PasskeyRefused, form=CodeForm)
def confirm_by_passkey() -> Response:
    """Prove it with a passkey."""
    with db.transaction() as session:
        return _confirmed(session, _recognised(session, purpose(passkeys.CONFIRM)))


@bp.get("/enter/<token>")
@needs(Door.ANYBODY)
def enter_page(token: str) -> Response:
    """A button that signs in; the link alone does nothing, for scanners follow links. Raises InvitationUnknown."""
    with db.session() as session:
        _of_an_organiser(invitations.find(session, token, clock.now()))
    return rendering.render("enter", link=token)


@bp.post("/enter/<token>")
@needs(Door.ANYBODY)
def enter(token: str) -> Response:
    """Sign the link's organiser in; the link is used up. Raises InvitationUnknown."""
    with db.transaction() as session:
        found = _of_an_organiser(invitations.take(session, token, clock.now()))
        return access.sign_in(session, found, url_for("organise_overview.campaigns"))


@bp.post("/sign-out")
@needs(Door.SIGNED_IN)
def sign_out() -> Response:
    """End this visit."""
    with db.transaction() as session:
        sessions.end(session, visitor().visit_id)
    return access.sign_out(access.go(url_for("organise_door.sign_in")))


@bp.app_errorhandler(ProofFirst)
def prove_first(error: ProofFirst) -> Response:
    """The page to prove it on, with what was typed; nothing was done."""
    asked = resubmission.of_request()
    lost = asked is None
    if error.endpoint == access.SIGN_IN:
        page = _sign_in(SignInForm(), request.path, asked, lost=lost)
    else:
        page = _confirm(CodeForm(), request.path, asked, lost=lost)
    page.status_code = 401
    return page


@bp.app_errorhandler(FormForged)
def refuse_forged(error: FormForged) -> Response:
    """What was typed into a page of ours that is older than this visit comes back; anything else is refused."""
    asked = resubmission.of_request() if access.is_ours() and g.get("visitor") else None
    return errors.answer(error) if asked is None else with_status(error, _send_again(asked, OLDER))


def options(text: str) -> Response:
    """What a browser needs for a passkey, as JSON."""
    return Response(text, content_type="application/json")


def site() -> passkeys.Site:
    """Where this installation's passkeys are valid."""
    return passkeys.site_of(services().config.base_url)


def purpose(of: bytes) -> bytes:
    """What a challenge is for, bound to this visit."""
    return of + visitor().visit_id


def _used(session: Session, name: str, code: str, of: bytes) -> OrganiserId:
    key = services().config.secret_key.encode()
    return recovery.use(session, services().redis_store, key, name, code, clock.now(), of=of)


def _recognised(session: Session, of: bytes) -> OrganiserId:
    answer = request.form.get("credential", "")
    return passkeys.recognise(session, services().redis_store, site(), of, answer, clock.now())


def _confirmed(session: Session, whose: OrganiserId) -> Response:
    """Note that it is still the same organiser, and go on. Raises PasskeyRefused for somebody else's passkey."""
    if whose != visitor().organiser_id:
        raise PasskeyRefused
    sessions.confirm(session, visitor().visit_id, clock.now())
    if asked := _carried():
        return _send_again(asked, PROVED)
    return access.go(access.next_page(request.form.get("next", "")))


def _come_in(session: Session, whose: OrganiserId, to: str) -> Response:
    """Begin a visit, and go on; or back to what was typed before the one before ended."""
    asked = _carried()
    if asked is None:
        return access.sign_in(session, whose, to)
    access.begin(session, whose)
    return access.with_cookie(_send_again(asked, PROVED))


def _carried() -> Resubmission | None:
    return resubmission.read(request.form.get(resubmission.FIELD, ""))


def _send_again(asked: Resubmission, sentence: str) -> Response:
    g.lang = visitor().lang
    return rendering.render("resubmission", asked=asked, sentence=sentence, again=access.AGAIN)


def _of_an_organiser(invitation: organisers.Invitation) -> OrganiserId:
    if invitation.organiser_id is None:
        raise InvitationUnknown
    return invitation.organiser_id
