"""This module signs organisers in and out, and asks them to prove again who they are.

Organisers sign in with a passkey, with a recovery code, or with a link that works once.
"""

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
from petition.web import errors, security_events
from petition.web.dashboard import access, rendering, resubmission
from petition.web.dashboard.access import Audience, FormForged, ProofRequired, needs, visitor
from petition.web.dashboard.forms import CodeForm, SignInForm
from petition.web.dashboard.resubmission import Resubmission
from petition.web.forms.redraw import redraw, with_status
from petition.web.network import network
from petition.web.services import services
from petition.web.sizes import LARGEST_CARRIED

bp = access.blueprint("sign_in", largest_form=LARGEST_CARRIED)
SIGNED_IN_AGAIN: Final = _("You are signed in. What you typed is here. It has not been used yet.")
PAGE_TOO_OLD: Final = _(
    "The page that you sent is older than your sign-in, so it was not accepted. What you typed is here."
)


def _sign_in(
    form: SignInForm, target: str | None = None, posted: Resubmission | None = None, *, too_large: bool = False
) -> Response:
    ended = g.get("visitor") is None and access.COOKIE in request.cookies
    if ended and "lang" not in request.args:
        _use_language_of_ended_visit()
    target = request.form.get("next", "") if target is None else target
    next_page, has_target = access.next_page(target), target not in {"", access.HOME}
    posted = posted or _kept()
    return rendering.render(
        "sign_in", form=form, next=next_page, posted=posted, too_large=too_large, ended=ended, has_target=has_target
    )


def _use_language_of_ended_visit() -> None:
    """Use the language of the visit that has ended, as long as it is known."""
    with db.session() as session:
        if lang := sessions.language_of(session, request.cookies[access.COOKIE]):
            g.lang = lang


def _confirm(
    form: CodeForm, target: str | None = None, posted: Resubmission | None = None, *, too_large: bool = False
) -> Response:
    with db.session() as session:
        mine = passkeys.every(session, visitor().organiser_id)
        left = recovery.left(session, visitor().organiser_id)
    return rendering.render(
        "confirm",
        form=form,
        next=access.next_page(request.form.get("next", "") if target is None else target),
        posted=posted or _kept(),
        too_large=too_large,
        passkeys=len(mine),
        codes_left=left,
    )


@bp.get("/sign-in")
@needs(Audience.ANYBODY)
def sign_in() -> Response:
    """Show the page where organisers sign in."""
    return _sign_in(SignInForm(), request.args.get("next", ""))


@bp.post("/sign-in")
@needs(Audience.ANYBODY)
@redraw(_sign_in, CodeUnknown, TriedTooOften, RecoveryBusy, form=SignInForm, field="code")
def by_code() -> Response:
    """Sign in with a name and a recovery code.

    Organisers without any other way to sign in continue to their account page.
    """
    form = SignInForm.read(request.form)
    with db.transaction() as session:
        organiser_id = _use_code(session, form.name.data, form.code.data, recovery.SIGN_IN, network())
        more = recovery.left(session, organiser_id) or passkeys.every(session, organiser_id)
        target = access.next_page(request.form.get("next", "")) if more else url_for("organise_account.account")
        return _sign_visitor_in(session, organiser_id, target)


@bp.post("/sign-in/challenge")
@needs(Audience.ANYBODY)
def challenge() -> Response:
    """Return the data with which a browser asks for a passkey."""
    return options(passkeys.to_ask(site(), passkeys.challenge(services().redis_store, passkeys.SIGN_IN)))


@bp.post("/sign-in/passkey")
@needs(Audience.ANYBODY)
@redraw(_sign_in, PasskeyRefused, form=SignInForm)
def by_passkey() -> Response:
    """Sign in with a passkey."""
    with db.transaction() as session:
        return _sign_visitor_in(
            session, _use_passkey(session, passkeys.SIGN_IN), access.next_page(request.form.get("next", ""))
        )


@bp.get("/confirm")
@needs(Audience.SIGNED_IN)
def confirm() -> Response:
    """Ask the visitor to prove who they are again, before an important action."""
    return _confirm(CodeForm(), request.args.get("next", ""))


@bp.post("/confirm")
@needs(Audience.SIGNED_IN)
@redraw(_confirm, CodeUnknown, TriedTooOften, RecoveryBusy, form=CodeForm, field="code")
def confirm_by_code() -> Response:
    """Accept a recovery code as proof."""
    form = CodeForm.read(request.form)
    with db.transaction() as session:
        return _confirm_visitor(session, _use_code(session, visitor().name, form.code.data, recovery.CONFIRM))


@bp.post("/confirm/challenge")
@needs(Audience.SIGNED_IN)
def confirm_challenge() -> Response:
    """Return the data with which a browser asks the signed-in organiser for a passkey."""
    return options(passkeys.to_ask(site(), passkeys.challenge(services().redis_store, purpose(passkeys.CONFIRM))))


@bp.post("/confirm/passkey")
@needs(Audience.SIGNED_IN)
@redraw(_confirm, PasskeyRefused, form=CodeForm)
def confirm_by_passkey() -> Response:
    """Accept a passkey as proof."""
    with db.transaction() as session:
        return _confirm_visitor(session, _use_passkey(session, purpose(passkeys.CONFIRM)))


@bp.get("/enter/<token>")
@needs(Audience.ANYBODY)
def enter_page(token: str) -> Response:
    """Show a button that signs in.

    Opening the link does nothing, because mail scanners follow links. Raises InvitationUnknown.
    """
    with db.session() as session:
        _of_an_organiser(invitations.find(session, token, clock.now()))
    return rendering.render("enter", link=token)


@bp.post("/enter/<token>")
@needs(Audience.ANYBODY)
def enter(token: str) -> Response:
    """Sign in the organiser of the link and use the link up. Raises InvitationUnknown."""
    with db.transaction() as session:
        found = _of_an_organiser(invitations.take(session, token, clock.now()))
        return access.sign_in(session, found, url_for("organise_overview.campaigns"))


@bp.post("/sign-out")
@needs(Audience.SIGNED_IN)
def sign_out() -> Response:
    """End this visit."""
    with db.transaction() as session:
        sessions.end(session, visitor().visit_id)
    return access.sign_out(access.go(url_for("organise_sign_in.sign_in")))


@bp.app_errorhandler(ProofRequired)
def show_proof_page(error: ProofRequired) -> Response:
    """Show the page that asks for proof, with what was typed. Nothing has been done yet."""
    posted = resubmission.of_request()
    too_large = posted is None
    if error.endpoint == access.SIGN_IN:
        page = _sign_in(SignInForm(), request.path, posted, too_large=too_large)
    else:
        page = _confirm(CodeForm(), request.path, posted, too_large=too_large)
    page.status_code = 401
    return page


@bp.app_errorhandler(FormForged)
def reject_forged(error: FormForged) -> Response:
    """Answer a rejected form. If a page of this site is older than this visit, its typed text is shown again."""
    security_events.record(error)
    posted = resubmission.of_request() if access.is_ours() and g.get("visitor") else None
    return errors.answer(error) if posted is None else with_status(error, _send_again(posted, PAGE_TOO_OLD))


def options(text: str) -> Response:
    """Return the data that a browser needs for a passkey, as JSON."""
    return Response(text, content_type="application/json")


def site() -> passkeys.Site:
    """Return the site for which this installation's passkeys are valid."""
    return passkeys.site_of(services().config.base_url)


def purpose(use: bytes) -> bytes:
    """Return the purpose of a challenge, bound to this visit."""
    return use + visitor().visit_id


def _use_code(session: Session, name: str, code: str, use: bytes, where: bytes | None = None) -> OrganiserId:
    key = services().config.secret_key.encode()
    return recovery.use(session, services().redis_store, key, name, code, clock.now(), of=use, network=where)


def _use_passkey(session: Session, use: bytes) -> OrganiserId:
    answer = request.form.get("credential", "")
    return passkeys.recognise(session, services().redis_store, site(), use, answer, clock.now())


def _confirm_visitor(session: Session, organiser_id: OrganiserId) -> Response:
    """Record that it is still the same organiser, and continue with a new cookie.

    Raises PasskeyRefused for another organiser's passkey, and FormForged.
    """
    if organiser_id != visitor().organiser_id:
        raise PasskeyRefused
    access.renew_visit(session)
    if posted := _kept():
        return access.with_cookie(_send_again(posted, SIGNED_IN_AGAIN))
    return access.with_cookie(access.go(access.next_page(request.form.get("next", ""))))


def _sign_visitor_in(session: Session, organiser_id: OrganiserId, target: str) -> Response:
    """Begin a visit and continue, or return to what was typed before the last visit ended."""
    posted = _kept()
    if posted is None:
        return access.sign_in(session, organiser_id, target)
    access.begin_visit(session, organiser_id)
    return access.with_cookie(_send_again(posted, SIGNED_IN_AGAIN))


def _kept() -> Resubmission | None:
    return resubmission.read(request.form.get(resubmission.FIELD, ""))


def _send_again(posted: Resubmission, sentence: str) -> Response:
    g.lang = visitor().lang
    return rendering.render("resubmission", posted=posted, sentence=sentence, again=access.SENT_AGAIN)


def _of_an_organiser(invitation: organisers.Invitation) -> OrganiserId:
    if invitation.organiser_id is None:
        raise InvitationUnknown
    return invitation.organiser_id
