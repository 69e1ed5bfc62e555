"""Updates: written in Markdown, looked at, published on the page, planned, and with a second organiser mailed.

Guards that nobody mails by accident: what a mail says, to how many, and that another organiser must approve stand beside
the button. Refuses to lose a text: whatever is wrong, it comes back as it was typed.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Final
from urllib.parse import urlencode

from flask import Response, abort, request, url_for
from sqlalchemy.orm import Session

from petition import campaigns
from petition.campaigns import Campaign, CampaignState, TextMissing, TooManyUpdates
from petition.core import clock, db
from petition.core.i18n import LANGUAGES
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
from petition.web.dashboard.typed import Typed
from petition.web.fields import EMPTY, Filled
from petition.web.forms import FormRefused
from petition.web.services import services

TIMES: Final = ("due", "mail_due")
bp = access.blueprint("updates", largest_form=access.LARGEST_FORM)
TO_MEND: Final[tuple[type[Exception], ...]] = (
    FormRefused,
    AddressRefused,
    WorkAddressRefused,
    TextMissing,
    TooManyTrials,
    TooManyUpdates,
    UpdateFixed,
)


@bp.get("/c/<slug>/updates")
@needs(Act.TELL)
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
@needs(Act.TELL)
def new(slug: str) -> Response:
    """An empty sheet in each language."""
    del slug
    with db.session() as session:
        return _sheet(session, access.campaign(session), EMPTY)


@bp.post("/c/<slug>/updates/new")
@needs(Act.TELL)
def create(slug: str) -> Response:
    """Keep a draft, or show what it will look like."""
    with db.transaction() as session:
        campaign = access.campaign(session)
        if request.form.get("do") == "preview":
            return _sheet(session, campaign, _typed(campaign), preview=True)
        try:
            text = _text(campaign)
        except FormRefused as error:
            return rendering.render_again(error, _sheet(session, campaign, _typed_again(campaign, error)))
        kept = updates.write(session, campaign, text, access.actor())
        return access.go(url_for(".show", slug=slug, draft=kept.hex()))


@bp.get("/c/<slug>/updates/<draft>")
@needs(Act.TELL)
def show(slug: str, draft: str) -> Response:
    """One update, and what can be done with it as it stands."""
    del slug
    times = Filled({name: request.args[name] for name in TIMES if name in request.args})
    with db.session() as session:
        return _desk(session, access.campaign(session), _id(draft), times)


@bp.post("/c/<slug>/updates/<draft>")
@needs(Act.TELL)
def save(slug: str, draft: str) -> Response:
    """Keep other words, or show what they will look like, here or as a mail."""

    def keep(session: Session, campaign: Campaign, actor: Actor) -> None:
        updates.rewrite(session, campaign, _id(draft), _text(campaign), actor)

    if request.form.get("do") == "preview":
        with db.session() as session:
            campaign = access.campaign(session)
            return _desk(session, campaign, _id(draft), _typed(campaign), preview=True)
    if request.form.get("do") == "mail":
        return _done(slug, draft, keep, to=".mail")
    return _done(slug, draft, keep, **{name: text for name in TIMES if (text := request.form.get(name))})


@bp.post("/c/<slug>/updates/<draft>/publish")
@needs(Act.TELL)
def publish(slug: str, draft: str) -> Response:
    """Publish what is on the screen on the page, at once or at a time."""

    def plan(session: Session, campaign: Campaign, actor: Actor) -> None:
        access.look_first()
        _keep(session, campaign, draft, actor)
        updates.plan(session, campaign, _id(draft), _due("due", campaign, actor.now), actor)

    return _done(slug, draft, plan)


@bp.post("/c/<slug>/updates/<draft>/mail")
@needs(Act.TELL, fresh=True)
def ask(slug: str, draft: str) -> Response:
    """Ask a second organiser to publish and mail what is on the screen."""

    def ask_to_mail(session: Session, campaign: Campaign, actor: Actor) -> None:
        access.look_first()
        _keep(session, campaign, draft, actor)
        updates.ask_to_mail(session, campaign, _id(draft), _due("mail_due", campaign, actor.now), actor)

    return _done(slug, draft, ask_to_mail)


@bp.post("/c/<slug>/updates/<draft>/cancel")
@needs(Act.TELL)
def cancel(slug: str, draft: str) -> Response:
    """Make a draft again of what is planned or asked for."""

    def take_back(session: Session, campaign: Campaign, actor: Actor) -> None:
        updates.cancel(session, campaign, _id(draft), actor)

    return _done(slug, draft, take_back)


@bp.post("/c/<slug>/updates/<draft>/discard")
@needs(Act.TELL)
def discard(slug: str, draft: str) -> Response:
    """Throw a draft away. Raises UpdateUnknown, UpdateFixed."""
    with db.transaction() as session:
        updates.discard(session, access.campaign(session), _id(draft), access.actor())
    return access.go(url_for(".every", slug=slug))


@bp.post("/c/<slug>/updates/<draft>/trial")
@needs(Act.TELL)
def trial(slug: str, draft: str) -> Response:
    """Mail what is on the screen to an address that is typed once and kept nowhere."""

    def send(session: Session, campaign: Campaign, actor: Actor) -> None:
        access.look_first()
        _keep(session, campaign, draft, actor)
        lang = request.form.get("lang", "")
        lang = lang if lang in campaign.languages else campaign.languages[0]
        address = trials.want_trial(session, campaign, _id(draft), request.form.get("address", "").strip(), actor)
        trials.send_trial(session, _id(draft), seal_address(services().vault, address, lang, actor.now))

    return _done(slug, draft, send, said="trial")


@bp.get("/c/<slug>/updates/<draft>/mail")
@needs(Act.TELL)
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
@needs(Act.TELL)
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


def _due(name: str, campaign: Campaign, now: datetime) -> datetime | None:
    if not request.form.get(name, "").strip():
        return None
    typed = Typed(request.form)
    due = typed.moment(name, rendering.zone_of(campaign), now)
    typed.check()
    return due


def _text(campaign: Campaign) -> dict[str, str]:
    typed = Typed(request.form)
    text = typed.texts("text", campaign.languages, every=True)
    typed.check()
    return text


def _keep(session: Session, campaign: Campaign, draft: str, actor: Actor) -> None:
    """Keep the words on the screen, which the act that follows is about; a post without any is about those kept."""
    if any(f"text-{lang}" in request.form for lang in campaign.languages):
        updates.rewrite(session, campaign, _id(draft), _text(campaign), actor)


def _typed(campaign: Campaign) -> Filled:
    names = [*(f"text-{lang}" for lang in campaign.languages), *TIMES, "address", "lang"]
    return Filled({name: request.form[name] for name in names if name in request.form})


def _typed_again(campaign: Campaign, error: Exception) -> Filled:
    return rendering.to_mend(error, dict(_typed(campaign).values))


def _done(
    slug: str,
    draft: str,
    act: Callable[[Session, Campaign, Actor], None],
    *,
    said: str | None = None,
    to: str = ".show",
    **times: str,
) -> Response:
    """Do it and go on, with times that were typed and are not kept; or show what is to be mended."""
    try:
        with db.transaction() as session:
            act(session, access.campaign(session), access.actor())
    except TO_MEND as error:
        with db.session() as session:
            campaign = access.campaign(session)
            return rendering.render_again(error, _desk(session, campaign, _id(draft), _typed_again(campaign, error)))
    return access.go(url_for(to, slug=slug, draft=draft, done=said) + ("?" + urlencode(times) if times else ""))


def _sheet(session: Session, campaign: Campaign, form: Filled, *, preview: bool = False) -> Response:
    return rendering.render("update_new", session, campaign, form, preview=preview)


def _desk(
    session: Session, campaign: Campaign, draft_id: bytes, form: Filled = EMPTY, *, preview: bool = False
) -> Response:
    now = clock.now()
    found = updates.find(session, campaign, draft_id, now)
    values = {f"text-{lang}": text for lang, text in found.draft.text.items()} | dict(form.values)
    number = found.draft.number
    return rendering.render(
        "update",
        session,
        campaign,
        Filled(values, form.errors),
        written=found,
        preview=preview,
        public=campaign.state is not CampaignState.DRAFT,
        audience=subscribers.audience(session, campaign.id),
        mailed=updates.mailed_in_week(session, campaign, now),
        most=campaigns.UPDATES_A_WEEK,
        zone=rendering.zone_of(campaign),
        published=next((each for each in updates.published(session, campaign) if each.update.number == number), None),
        tongues=[(code, LANGUAGES.get(code, code)) for code in campaign.languages],
        trial_sent=request.args.get("done") == "trial",
    )
