"""Updates: written in Markdown, looked at, published on the page, planned, and with a second organiser mailed.

Guards that nobody mails by accident: what a mail says, to how many, and that another organiser must approve stand beside
the button. Refuses to lose a text: whatever is wrong, it comes back as it was typed.
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
from petition.mailing import digests, subscribers
from petition.mailing.subscribers import WorkAddressRefused
from petition.organisers import Act
from petition.organisers.actor import Actor
from petition.privacy import AddressRefused, seal_address
from petition.usecases import trials, updates
from petition.usecases.trials import TooManyTrials
from petition.usecases.updates import UpdateFixed, UpdateUnknown
from petition.web.dashboard import access, rendering
from petition.web.dashboard.access import needs
from petition.web.dashboard.forms import PREVIEW
from petition.web.dashboard.update_forms import WORDS, UpdateForm
from petition.web.forms.redraw import redraw
from petition.web.services import services

TIMES: Final = ("due", "mail_due")
SHOW_MAIL: Final = "mail"
"""The button that keeps the words and leads to their mail."""
bp = access.blueprint("updates", largest_form=access.LARGEST_FORM)


def _new_page(form: UpdateForm | None = None, *, preview: bool = False) -> Response:
    with db.session() as session:
        campaign = access.campaign(session)
        shown = form or UpdateForm(meta=rendering.form_meta(campaign))
        return rendering.render("update_new", session, campaign, shown, preview=preview)


def _page(form: UpdateForm | None, draft: str, *, preview: bool = False) -> Response:
    now = clock.now()
    with db.session() as session:
        campaign = access.campaign(session)
        found = updates.find(session, campaign, _id(draft), now)
        shown = form if form and form.meta.languages else _times_of_address(campaign)
        shown.fill_in(found.draft.text)
        number = found.draft.number
        return rendering.render(
            "update",
            session,
            campaign,
            form,
            update=shown,
            written=found,
            preview=preview,
            public=campaign.state is not CampaignState.DRAFT,
            audience=subscribers.audience(session, campaign.id),
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
def every(slug: str) -> Response:
    """What is being written, what is planned, what was published."""
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
    """An empty sheet in each language."""
    del slug
    return _new_page()


@bp.post("/c/<slug>/updates/new")
@needs(Act.PUBLISH)
@redraw(_new_page, form=UpdateForm)
def create(slug: str) -> Response:
    """Keep a draft, or show what it will look like."""
    form = _posted(button=WORDS)
    if form.do.data == PREVIEW:
        return _new_page(form, preview=True)
    text = form.check().text.data
    with db.transaction() as session:
        kept = updates.write(session, access.campaign(session), text, access.actor())
    return access.go(url_for(".show", slug=slug, draft=kept.hex()))


@bp.get("/c/<slug>/updates/<draft>")
@needs(Act.PUBLISH)
def show(slug: str, draft: str) -> Response:
    """One update, and what can be done with it as it stands."""
    del slug
    return _page(None, draft)


@bp.post("/c/<slug>/updates/<draft>")
@needs(Act.PUBLISH)
@redraw_update
def save(slug: str, draft: str) -> Response:
    """Keep other words, or show what they will look like, here or as a mail."""
    form = _posted(button=WORDS)
    if form.do.data == PREVIEW:
        return _page(form, draft, preview=True)
    text = form.check().text.data
    with db.transaction() as session:
        updates.rewrite(session, access.campaign(session), _id(draft), text, access.actor())
    if form.do.data == SHOW_MAIL:
        return access.go(url_for(".mail", slug=slug, draft=draft))
    times = {name: typed for name in TIMES if (typed := form.typed(name))}
    return access.go(url_for(".show", slug=slug, draft=draft) + ("?" + urlencode(times) if times else ""))


@bp.post("/c/<slug>/updates/<draft>/publish")
@needs(Act.PUBLISH)
@redraw_update
def publish(slug: str, draft: str) -> Response:
    """Publish what is on the screen on the page, at once or at a time."""
    form = _posted(button="due").check()
    access.show_again_if_resent()
    with db.transaction() as session:
        campaign, actor = access.campaign(session), access.actor()
        _keep(session, campaign, draft, form, actor)
        updates.plan(session, campaign, _id(draft), form.due.data, actor)
    return access.go(url_for(".show", slug=slug, draft=draft))


@bp.post("/c/<slug>/updates/<draft>/mail")
@needs(Act.PUBLISH, fresh=True)
@redraw_update
def ask(slug: str, draft: str) -> Response:
    """Ask a second organiser to publish and mail what is on the screen."""
    form = _posted(button="mail_due").check()
    access.show_again_if_resent()
    with db.transaction() as session:
        campaign, actor = access.campaign(session), access.actor()
        _keep(session, campaign, draft, form, actor)
        updates.ask_to_mail(session, campaign, _id(draft), form.mail_due.data, actor)
    return access.go(url_for(".show", slug=slug, draft=draft))


@bp.post("/c/<slug>/updates/<draft>/cancel")
@needs(Act.PUBLISH)
@redraw_update
def cancel(slug: str, draft: str) -> Response:
    """Make a draft again of what is planned or asked for."""
    with db.transaction() as session:
        updates.cancel(session, access.campaign(session), _id(draft), access.actor())
    return access.go(url_for(".show", slug=slug, draft=draft))


@bp.post("/c/<slug>/updates/<draft>/discard")
@needs(Act.PUBLISH)
def discard(slug: str, draft: str) -> Response:
    """Throw a draft away. Raises UpdateUnknown, UpdateFixed."""
    with db.transaction() as session:
        updates.discard(session, access.campaign(session), _id(draft), access.actor())
    return access.go(url_for(".every", slug=slug))


@bp.post("/c/<slug>/updates/<draft>/trial")
@needs(Act.PUBLISH)
@redraw_update
def trial(slug: str, draft: str) -> Response:
    """Mail what is on the screen to an address that is typed once and kept nowhere."""
    form = _posted(button="address").check()
    access.show_again_if_resent()
    with db.transaction() as session:
        campaign, actor = access.campaign(session), access.actor()
        _keep(session, campaign, draft, form, actor)
        address = trials.want_trial(session, campaign, _id(draft), form.address.data, actor)
        sealed = seal_address(services().vault, address, form.trial_language(), actor.now)
        trials.send_trial(session, _id(draft), sealed)
    return access.go(url_for(".show", slug=slug, draft=draft, done="trial"))


@bp.get("/c/<slug>/updates/<draft>/mail")
@needs(Act.PUBLISH)
def mail(slug: str, draft: str) -> Response:
    """The mail in each language, as text and as it looks."""
    del slug
    now = clock.now()
    with db.session() as session:
        campaign = access.campaign(session)
        found = updates.find(session, campaign, _id(draft), now)
        sheets = [(lang, _mail(session, campaign, _id(draft), lang)) for lang in campaign.languages]
        return rendering.render("update_mail", session, campaign, written=found, sheets=sheets)


@bp.get("/c/<slug>/updates/<draft>/<lang>/mail.html")
@needs(Act.PUBLISH)
def mail_page(slug: str, draft: str, lang: str) -> Response:
    """The mail in one language alone, under a policy of its own (`petition.web.headers`), for a frame."""
    del slug
    with db.session() as session:
        campaign = access.campaign(session)
        if lang not in campaign.languages:
            abort(404)
        sheet = _mail(session, campaign, _id(draft), lang)
        return Response(sheet.html, headers={"Cache-Control": "no-store"}, content_type="text/html; charset=utf-8")


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
    """The form of this request, before it is checked."""
    with db.session() as session:
        return UpdateForm(request.form, meta=rendering.form_meta(access.campaign(session)) | {"button": button})


def _times_of_address(campaign: Campaign) -> UpdateForm:
    """The form with the times that were typed when the words were kept; the address of the page holds them."""
    times = MultiDict({name: request.args[name] for name in TIMES if name in request.args})
    return UpdateForm(times, meta=rendering.form_meta(campaign))


def _keep(session: Session, campaign: Campaign, draft: str, form: UpdateForm, actor: Actor) -> None:
    """Keep the words on the screen, which the act that follows is about; a post without any is about those kept."""
    if form.has_words():
        updates.rewrite(session, campaign, _id(draft), form.text.data, actor)
