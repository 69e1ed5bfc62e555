"""The visitor's own account: language, passkeys, recovery codes and visits.

Every action that changes how the visitor signs in requires a fresh proof of who they are.
"""

from __future__ import annotations

from flask import Response, request, url_for

from petition.core import clock, db
from petition.core.i18n import marked as _
from petition.organisers import LastWayIn, Organiser, PasskeyRefused, passkeys, recovery, sessions
from petition.web.dashboard import access, rendering, sign_in
from petition.web.dashboard.access import Audience, needs, visitor
from petition.web.dashboard.forms import IdForm, LanguageForm, PasskeyForm
from petition.web.forms.redraw import redraw
from petition.web.language import gettext
from petition.web.services import services

bp = access.blueprint("account")


def _page(form: PasskeyForm | None = None) -> Response:
    now, mine = clock.now(), visitor().organiser_id
    with db.session() as session:
        keys = passkeys.every(session, mine)
        form = form or PasskeyForm()
        if not form.passkey.raw_data:
            form.passkey.data = gettext(_("Passkey %(n)s"), n=len(keys) + 1)
        return rendering.render(
            "account",
            form=form,
            passkeys=keys,
            codes_left=recovery.left(session, mine),
            visits=sessions.every(session, mine, now),
            here=visitor().visit_id,
        )


@bp.get("/account")
@needs(Audience.SIGNED_IN)
def account() -> Response:
    """Show the visitor's account and their ways to sign in."""
    return _page()


@bp.post("/account/language")
@needs(Audience.SIGNED_IN)
def language() -> Response:
    """Change the language of the visitor's pages and return to the page they were on. Raises FormRefused."""
    lang = LanguageForm.read(request.form).lang.data
    with db.transaction() as session:
        session.get_one(Organiser, visitor().organiser_id).lang = lang
    return access.go(access.next_page(request.form.get("next", "")))


@bp.post("/account/passkeys/challenge")
@needs(Audience.SIGNED_IN, fresh=True)
def ask() -> Response:
    """Return the data with which a browser creates a passkey.

    The proof is required before the device creates one, not after.
    """
    challenge = passkeys.challenge(services().redis_store, sign_in.purpose(passkeys.MAKE))
    with db.session() as session:
        return sign_in.options(passkeys.to_make(session, sign_in.site(), visitor().organiser_id, challenge))


@bp.post("/account/passkeys")
@needs(Audience.SIGNED_IN, fresh=True)
@redraw(_page, PasskeyRefused, form=PasskeyForm, field="passkey")
def add() -> Response:
    """Store a passkey that the browser created."""
    purpose, mine = sign_in.purpose(passkeys.MAKE), visitor().organiser_id
    new = PasskeyForm.read(request.form).new_passkey()
    with db.transaction() as session:
        passkeys.add(
            session, services().redis_store, sign_in.site(), mine, purpose, new.name, new.credential, clock.now()
        )
    return _back()


@bp.post("/account/passkeys/remove")
@needs(Audience.SIGNED_IN, fresh=True)
@redraw(_page, LastWayIn, form=PasskeyForm)
def remove() -> Response:
    """Delete a passkey."""
    passkey_id = IdForm.read(request.form).id.data
    with db.transaction() as session:
        passkeys.remove(session, visitor().organiser_id, passkey_id, clock.now())
    return _back()


@bp.post("/account/codes")
@needs(Audience.SIGNED_IN, fresh=True)
def renew() -> Response:
    """Create ten new recovery codes. Only this response shows them."""
    with db.transaction() as session:
        codes = recovery.renew(session, visitor().organiser_id, clock.now())
    return rendering.render("codes", codes=codes, next_url=url_for("organise_account.account"), new=False)


@bp.post("/account/sign-out-everywhere")
@needs(Audience.SIGNED_IN)
def sign_out_everywhere() -> Response:
    """End every visit of this organiser, including this one."""
    with db.transaction() as session:
        sessions.end_all(session, visitor().organiser_id)
    return access.sign_out(access.go(url_for("organise_sign_in.sign_in")))


def _back() -> Response:
    return access.go(url_for("organise_account.account"))
