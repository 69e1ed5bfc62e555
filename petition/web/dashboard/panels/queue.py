"""The work queue: tasks that wait for an organiser, with links to the pages where they are done."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import FromClause, Select, func, select
from sqlalchemy.orm import Session

from petition import epochs
from petition.campaigns import Campaign, CampaignState
from petition.campaigns.tables import UpdateDraft
from petition.core.i18n import duration, number
from petition.core.i18n import marked as _
from petition.core.ids import CampaignId
from petition.mailing import queue
from petition.privacy import daily_figures
from petition.usecases import acts, opening
from petition.web.dashboard.panels.panel import Panel
from petition.web.language import gettext, ngettext, spoken

ENDPOINTS: Final = {
    "approvals": "organise_approvals.approvals",
    "missing": "organise_drafts.checklist",
    "drafts": "organise_updates.list_updates",
    "stopped": "organise_settings.settings",
    "bounces": "organise_subscribers.page",
}


def _number(n: int) -> str:
    return number(n, spoken())


SENTENCES: Final[Mapping[str, Callable[[int], str]]] = {
    "approvals": lambda n: ngettext(
        "%(n)s request waits for a second organiser", "%(n)s requests wait for a second organiser", n, n=_number(n)
    ),
    "stopped": lambda n: ngettext(
        "%(n)s part of the campaign is paused", "%(n)s parts of the campaign are paused", n, n=_number(n)
    ),
    "refused": lambda _n: gettext(_("Mail stopped by itself: the mail server refuses it")),
    "undelivered": lambda _n: gettext(_("Mails were given up and can be tried again")),
    "bounces": lambda n: ngettext(
        "%(n)s mail provider returns mails", "%(n)s mail providers return mails", n, n=_number(n)
    ),
    "stalled": lambda seconds: gettext(
        _("No worker has looked for batches for %(time)s"), time=duration(seconds, spoken())
    ),
    "missing": lambda n: ngettext(
        "%(n)s part is missing before this campaign can open",
        "%(n)s parts are missing before this campaign can open",
        n,
        n=_number(n),
    ),
    "drafts": lambda n: ngettext(
        "%(n)s update is written and not published", "%(n)s updates are written and not published", n, n=_number(n)
    ),
}
"""What waits, by kind and in this request's language. The argument is a number, or a number of seconds."""


@dataclass(frozen=True, slots=True)
class QueueItem:
    """One line of the queue: the sentence, and the endpoint or the anchor of its link."""

    sentence: str
    to: str


def data(session: Session, campaign: Campaign, now: datetime) -> list[QueueItem]:
    """Return what waits, most urgent first. The list is empty if nothing waits.

    What concerns mail is as of the last day (UTC), because each mail goes to one person.
    """
    day, site = daily_figures.of_campaign(session, campaign.id), daily_figures.of_site(session)
    anchors = {"undelivered": "#panel-undelivered", "stalled": "#panel-health", "refused": "#panel-bounces"}
    counts = {
        "approvals": len(acts.waiting(session, campaign, now)),
        "stopped": len(campaign.stopped),
        "refused": 0 if queue.refused(session) is None else 1,
        "undelivered": 1 if day and day.retriable else 0,
        "bounces": sum(provider.troubled for provider in site.providers) if site else 0,
        "stalled": _stalled(session, campaign, now),
        "missing": len(opening.missing(session, campaign, now)) if campaign.state is CampaignState.DRAFT else 0,
        "drafts": _many(session, _drafts(campaign.id).subquery()),
    }
    return [QueueItem(SENTENCES[what](n), anchors.get(what) or ENDPOINTS[what]) for what, n in counts.items() if n]


def _drafts(campaign_id: CampaignId) -> Select[bytes]:
    return select(UpdateDraft.id).where(UpdateDraft.campaign_id == campaign_id, UpdateDraft.number.is_(None))


def _many(session: Session, rows: FromClause) -> int:
    return int(session.scalar(select(func.count()).select_from(rows)) or 0)


def _stalled(session: Session, campaign: Campaign, now: datetime) -> int:
    return 0 if campaign.state is CampaignState.DRAFT else epochs.stalled_seconds(session, campaign, now)


PANEL: Final = Panel("queue", _("Waiting for you"), data, wide=True)
