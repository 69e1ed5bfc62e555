"""Renders a snapshot: turns the rows of one campaign into what the public may see now."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sqlalchemy.orm import Session

from petition import signatures
from petition.campaigns import Campaign, CampaignState, least_in_batch, milestones
from petition.campaigns.mail_settings import Mailing
from petition.core.encoding import b64u
from petition.ledger import log
from petition.publication import timeline
from petition.publication.views import Batch, Choice, Days, DemandView, LetterView, MilestoneView, Snapshot, Tally
from petition.signatures import group_figures
from petition.signatures.group_figures import UNCOUNTED, Table


def render_snapshot(session: Session, campaign: Campaign, version: int, last: Table, *, in_batch: bool) -> Snapshot:
    """Returns everything public about a campaign. Below its least number of signatures this includes no ledger data.

    `last` is the table of groups that was published last. `in_batch` means that a batch was just written.
    """
    head = log.head_of(session, campaign.id)
    public = head.counted >= campaign.public_min or campaign.state is not CampaignState.OPEN
    statuses, demands = _milestones(session, campaign, public=public), timeline.demands(session, campaign)
    return Snapshot(
        **_written(campaign, statuses, demands),
        version=version,
        state=campaign.state,
        timeline=timeline.items(session, campaign, statuses, demands),
        issuer=b64u(campaign.issuer or b""),
        ledger_key=log.checkpoint_signer(head, campaign.origin).vkey(),
        batch=Batch(least_in_batch(campaign), campaign.interval, head.opened_at.isoformat()),
        count=head.counted if public else None,
        epoch=head.epoch if public else 0,
        day=head.day if public else None,
        size=head.size if public else 0,
        root=head.root.hex() if public else "",
        checkpoint=head.checkpoint if public else "",
        tally=_tally(session, head, public=public),
        first_names=signatures.named(session, campaign.id).names if public else (),
        names=signatures.names_digest(session, campaign.id) if public else "",
        ending=timeline.ending(session, campaign.id),
        names_from=milestones.names_from(session, campaign.id, campaign.workforce),
        table=_table(session, campaign, head, last, in_batch=in_batch) if public else UNCOUNTED,
    )


def foresee(session: Session, campaign: Campaign) -> Snapshot:
    """Returns a draft as the public would see it if it were opened now, without keys, signatures or a row."""
    return Snapshot(
        **_written(campaign, _milestones(session, campaign, public=True), timeline.demands(session, campaign)),
        version=0,
        state=CampaignState.OPEN,
        batch=Batch(least_in_batch(campaign), campaign.interval),
        timeline=(),
        issuer="",
        ledger_key="",
        count=None,
        epoch=0,
        day=None,
        size=0,
        root="",
        checkpoint="",
        tally=Tally(0, 0, 0, 0, {}, {}),
        first_names=(),
    )


def _written(
    campaign: Campaign, statuses: list[milestones.MilestoneStatus], demands: tuple[DemandView, ...]
) -> dict[str, Any]:
    """Returns what the organisers wrote, and the milestones that they aim at."""
    return {
        "id": campaign.id.hex(),
        "slug": campaign.slug,
        "origin": campaign.origin,
        "languages": tuple(campaign.languages),
        "letters": {each.lang: LetterView(each.lang, each.title, each.markdown, each.digest().hex()) for each in campaign.letters},
        "addressee": campaign.addressee,
        "addressee_role": campaign.addressee_role,
        "organisation": campaign.organisation,
        "organisers": campaign.organisers,
        "notice": campaign.notice,
        "methods": tuple(campaign.methods),
        "domains": tuple(sorted(host for each in campaign.policies() for host in (each.domain, *each.hosts))),
        "roles": tuple(Choice(value, labels) for value, labels in campaign.roles.items()),
        "teams": tuple(Choice(value, labels) for value, labels in campaign.teams.items()),
        "demands": demands,
        "milestones": tuple(MilestoneView(each.kind, each.value, each.needs, each.day, each.epoch) for each in statuses),
        "opened": campaign.opened,
        "closes": campaign.local_day(campaign.closes_at) if campaign.closes_at else campaign.closed,
        "workforce": campaign.workforce,
        "workforce_source": campaign.workforce_source,
        "public_min": campaign.public_min,
        "days": _days(campaign),
        "zone": Mailing.read(campaign.mailing).time_zone,
        "legal": {name: texts for name, texts in campaign.legal.items() if texts},
        "stopped": tuple(campaign.stopped),
    }  # fmt: skip


def _days(campaign: Campaign) -> Days:
    mailing = Mailing.read(campaign.mailing)
    return Days(mailing.daily_seconds, mailing.weekly_seconds)


def _milestones(session: Session, campaign: Campaign, *, public: bool) -> list[milestones.MilestoneStatus]:
    """Returns the milestones as the public may see them: below the least number, none is reached."""
    found = milestones.statuses(session, campaign.id, campaign.workforce)
    return found if public else [replace(each, day=None, epoch=None) for each in found]


def _tally(session: Session, head: log.Head, *, public: bool) -> Tally:
    if not public:
        return Tally(0, 0, 0, 0, {}, {})
    group_figures = signatures.count_cells(session, head.campaign_id)
    rest = head.counted - group_figures.named - group_figures.roles
    return Tally(
        group_figures.named,
        group_figures.roles,
        rest,
        head.withdrawn,
        head.removed,
        head.issued,
        group_figures.unproven,
    )


def _table(session: Session, campaign: Campaign, head: log.Head, last: Table, *, in_batch: bool) -> Table:
    """Returns the groups. A batch recounts them when enough signatures came or went, which the ledger says.

    Hidden ones and changes that wait are no part of this, or a batch of few would tell how many acted unseen. Between
    batches they stay as they are, because the tenth change may be one person's. After the close no batch comes. They are
    then recounted when ten roles were hidden, which the public total of shown roles says anyway.
    """
    if campaign.state is CampaignState.OPEN and not in_batch:
        return last
    roles, teams = signatures.role_counts(session, head.campaign_id), signatures.team_counts(session, head.campaign_id)
    gone = head.withdrawn + sum(head.removed.values())
    changed = head.counted + 2 * gone
    has_shrunk = group_figures.has_shrunk(last, sum(roles.values()))
    if not (group_figures.is_due(last, changed) if in_batch else has_shrunk):
        return last
    return Table(group_figures.margin(roles), group_figures.margin(teams), head.epoch, changed)
