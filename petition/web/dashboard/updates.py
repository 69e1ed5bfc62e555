"""The updates pages: an update is written in Markdown, previewed, published or scheduled, and mailed after an approval.

They prevent mail by accident: the text of the mail, the number of recipients and the need for an approval are shown
next to the button. No text is lost: after any error the form is shown again with what was typed.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import urlencode

from flask import Response, abort, request, url_for
from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict

from petition import campaigns
from petition.campaigns import Campaign, CampaignState, TextMissing, TooManyUpdates
from petition.core import clock, db
from petition.mailing import digests
from petition.mailing.subscribers import WorkAddressRefused
from petition.organisers import Act
from petition.organisers.actor import Actor
from petition.privacy import AddressRefused, daily_figures, seal_address
from petition.usecases import trials, updates
from petition.usecases.trials import TooManyTrials
from petition.usecases.updates import UpdateFixed, UpdateUnknown
from petition.web.dashboard import access, rendering
from petition.web.dashboard.access import needs
from petition.web.dashboard.forms import PREVIEW
from petition.web.dashboard.update_forms import WORDS, UpdateForm
from petition.web.forms import versions
from petition.web.forms.redraw import redraw
from petition.web.services import services

TIMES: Final = ("due", "mail_due")
SHOW_MAIL: Final = "mail"
"""The value of the button that saves the text and shows its mail."""
bp = access.blueprint("updates", largest_form=access.LARGEST_FORM)


def _new_page(form: UpdateForm | None = None, *, preview: bool = False) -> Response:
    with db.session() as session:
        campaign = access.campaign(session)
        update_form = form or UpdateForm(meta=rendering.form_meta(campaign))
        return rendering.render("update_new", session, campaign, update_form, preview=preview)


def _page(form: UpdateForm | None, draft: str, *, preview: bool = False) -> Response:
    now = clock.now()
    with db.session() as session:
        campaign = access.campaign(session)
        written = updates.find(session, campaign, _id(draft), now)
        update_form = form if form and form.meta.languages else _times_of_address(campaign)
        update_form.fill_in(written.draft.text)
        number = written.draft.number
        return rendering.render(
            "update",
            session,
            campaign,
            form,
            update=update_form,
            written=written,
            preview=preview,
            public=campaign.state is not CampaignState.DRAFT,
            day=daily_figures.of_campaign(session, campaign.id),
            instant=updates.instant_subscribers(session, campaign),
            mailed=updates.mailed_in_week(session, campaign, now),
            most=campaigns.UPDATES_A_WEEK,
            zone=rendering.zone_of(campaign),
            published=next(
                (each for each in updates.published(session, campaign) if each.update.number == number), None
            ),
            trial_sent=request.args.get("done") == "trial",
        )


REFUSALS: Final = (AddressRefused, WorkAddressRefused, TextMissing, TooManyTrials, TooManyUpdates, UpdateFixed)
redraw_update = redraw(_page, *REFUSALS, form=UpdateForm)


@bp.get("/c/<slug>/updates")
@needs(Act.PUBLISH)
def list_updates(slug: str) -> Response:
    """Show drafts, scheduled updates and published updates."""
    del slug
    now = clock.now()
    with db.session() as session:
        campaign = access.campaign(session)
        return rendering.render(
            "updates",
            session,
            campaign,
            written=updates.every(session, campaign, now),
            published=updates.published(session, campaign),
            mailed=updates.mailed_in_week(session, campaign, now),
            most=campaigns.UPDATES_A_WEEK,
            zone=rendering.zone_of(campaign),
        )


@bp.get("/c/<slug>/updates/new")
@needs(Act.PUBLISH)
def new(slug: str) -> Response:
    """Show an empty form in each language."""
    del slug
    return _new_page()


@bp.post("/c/<slug>/updates/new")
@needs(Act.PUBLISH)
@redraw(_new_page, form=UpdateForm)
def create(slug: str) -> Response:
    """Save a draft, or show its preview."""
    form = _posted(button=WORDS)
    if form.do.data == PREVIEW:
        return _new_page(form, preview=True)
    text = form.check().text.data
    with db.transaction() as session:
        draft_id = updates.write(session, access.campaign(session), text, access.actor())
    return access.go(url_for(".show", slug=slug, draft=draft_id.hex()))


@bp.get("/c/<slug>/updates/<draft>")
@needs(Act.PUBLISH)
def show(slug: str, draft: str) -> Response:
    """Show one update and the actions that are possible now."""
    del slug
    return _page(None, draft)


@bp.post("/c/<slug>/updates/<draft>")
@needs(Act.PUBLISH)
@redraw_update
def save(slug: str, draft: str) -> Response:
    """Save a changed text, or show its preview here or as a mail."""
    form = _posted(button=WORDS)
    if form.do.data == PREVIEW:
        return _page(form, draft, preview=True)
    with db.transaction() as session:
        campaign = access.campaign(session)
        form = _merged(session, campaign, draft, button=WORDS, is_act=False).check()
        updates.rewrite(session, campaign, _id(draft), form.text.data, access.actor())
    if form.do.data == SHOW_MAIL:
        return access.go(url_for(".mail", slug=slug, draft=draft))
    times = {name: typed for name in TIMES if (typed := form.typed(name))}
    return access.go(url_for(".show", slug=slug, draft=draft) + ("?" + urlencode(times) if times else ""))


@bp.post("/c/<slug>/updates/<draft>/publish")
@needs(Act.PUBLISH)
@redraw_update
def publish(slug: str, draft: str) -> Response:
    """Publish the text in the form, at once or at a given time."""
    with db.transaction() as session:
        campaign, actor = access.campaign(session), access.actor()
        form = _merged(session, campaign, draft, button="due").check()
        access.show_again_if_resent()
        _save_texts(session, campaign, draft, form, actor)
        updates.plan(session, campaign, _id(draft), form.due.data, actor)
    return access.go(url_for(".show", slug=slug, draft=draft))


@bp.post("/c/<slug>/updates/<draft>/mail")
@needs(Act.PUBLISH, fresh=True)
@redraw_update
def ask_to_mail(slug: str, draft: str) -> Response:
    """Ask a second organiser to publish and mail the text in the form."""
    with db.transaction() as session:
        campaign, actor = access.campaign(session), access.actor()
        form = _merged(session, campaign, draft, button="mail_due").check()
        access.show_again_if_resent()
        _save_texts(session, campaign, draft, form, actor)
        updates.ask_to_mail(session, campaign, _id(draft), form.mail_due.data, actor)
    return access.go(url_for(".show", slug=slug, draft=draft))


@bp.post("/c/<slug>/updates/<draft>/cancel")
@needs(Act.PUBLISH)
@redraw_update
def cancel(slug: str, draft: str) -> Response:
    """Turn a scheduled or requested update back into a draft."""
    with db.transaction() as session:
        updates.cancel(session, access.campaign(session), _id(draft), access.actor())
    return access.go(url_for(".show", slug=slug, draft=draft))


@bp.post("/c/<slug>/updates/<draft>/discard")
@needs(Act.PUBLISH)
def discard(slug: str, draft: str) -> Response:
    """Delete a draft. Raises UpdateUnknown, UpdateFixed."""
    with db.transaction() as session:
        updates.discard(session, access.campaign(session), _id(draft), access.actor())
    return access.go(url_for(".list_updates", slug=slug))


@bp.post("/c/<slug>/updates/<draft>/trial")
@needs(Act.PUBLISH)
@redraw_update
def trial(slug: str, draft: str) -> Response:
    """Mail the text in the form to an address that is used once and not stored."""
    with db.transaction() as session:
        campaign, actor = access.campaign(session), access.actor()
        form = _merged(session, campaign, draft, button="address").check()
        access.show_again_if_resent()
        _save_texts(session, campaign, draft, form, actor)
        address = trials.want_trial(session, campaign, _id(draft), form.address.data, actor)
        sealed = seal_address(services().vault, address, form.trial_language(), actor.now)
        trials.send_trial(session, _id(draft), sealed)
    return access.go(url_for(".show", slug=slug, draft=draft, done="trial"))


@bp.get("/c/<slug>/updates/<draft>/mail")
@needs(Act.PUBLISH)
def mail(slug: str, draft: str) -> Response:
    """Show the mail in each language, as text and as it looks."""
    del slug
    now = clock.now()
    with db.session() as session:
        campaign = access.campaign(session)
        written = updates.find(session, campaign, _id(draft), now)
        mails = [(lang, _mail(session, campaign, _id(draft), lang)) for lang in campaign.languages]
        return rendering.render("update_mail", session, campaign, written=written, mails=mails)


@bp.get("/c/<slug>/updates/<draft>/<lang>/mail.html")
@needs(Act.PUBLISH)
def mail_page(slug: str, draft: str, lang: str) -> Response:
    """Return the mail in one language for a frame, under a content policy of its own (`petition.web.headers`)."""
    del slug
    with db.session() as session:
        campaign = access.campaign(session)
        if lang not in campaign.languages:
            abort(404)
        rendered = _mail(session, campaign, _id(draft), lang)
        return Response(rendered.html, headers={"Cache-Control": "no-store"}, content_type="text/html; charset=utf-8")


def _mail(session: Session, campaign: Campaign, draft_id: bytes, lang: str) -> digests.RenderedMail:
    now = clock.now()
    text = updates.find(session, campaign, draft_id, now).draft.text
    return digests.draft_mail(session, campaign, text, lang, services().config.base_url, now)


def _id(draft: str) -> bytes:
    try:
        return bytes.fromhex(draft)
    except ValueError:
        raise UpdateUnknown from None


def _posted(*, button: str) -> UpdateForm:
    """Return the form of this request before it is validated."""
    with db.session() as session:
        return UpdateForm(request.form, meta=rendering.form_meta(access.campaign(session)) | {"button": button})


def _merged(session: Session, campaign: Campaign, draft: str, *, button: str, is_act: bool = True) -> UpdateForm:
    """Return the form of this request with what others changed meanwhile. Raises ChangedMeanwhile, UpdateUnknown."""
    meta = rendering.form_meta(campaign) | {"button": button}
    found = updates.find(session, campaign, _id(draft), clock.now(), lock=True)
    stored = UpdateForm(data={"text": found.draft.text}, meta=meta)
    return UpdateForm(versions.merged(request.form, stored, is_act=is_act), meta=meta)


def _times_of_address(campaign: Campaign) -> UpdateForm:
    """Return a form with the times from the page's address, which were typed when the text was saved."""
    times = MultiDict({name: request.args[name] for name in TIMES if name in request.args})
    return UpdateForm(times, meta=rendering.form_meta(campaign))


def _save_texts(session: Session, campaign: Campaign, draft: str, form: UpdateForm, actor: Actor) -> None:
    """Save the posted text, which the following action uses. A post without any text uses the saved one."""
    if form.has_words():
        updates.rewrite(session, campaign, _id(draft), form.text.data, actor)
