"""Figures that organisers, monitors and readers of the logs see."""

from __future__ import annotations

from typing import Final

from petition.privacy.figures.figure import Changes, Figure, Seen

EXACT: Final = "exact"
TENS: Final = 'whole tens, rounded down; below ten "fewer than 10"'

INSIDE: Final[tuple[Figure, ...]] = (
    Figure(
        "signatures counted, added and lost",
        "overview, list, chart, settings, approvals, audit log, exports",
        Seen.OBSERVER,
        Changes.BATCH,
        "exact, also below the public minimum",
        """panel count chart
        dashboard/campaigns.html each.count
        dashboard/chart.html each.needs
        dashboard/panels/count.html shown.count shown.added shown.lost
        dashboard/parts/chart.html last.counted last.lost mark.needs point.counted point.lost points[].counted value
        dashboard/settings.html count
        web/dashboard/approval_requests.py the-campaign-accepts-no-more
        web/dashboard/audit_messages.py signature
        audit signatures
        export counted day signed withdrawn removed""",
    ),
    Figure(
        "passes issued and not used",
        "overview, chart, exports",
        Seen.OBSERVER,
        Changes.BATCH,
        "exact, as of the last batch",
        """panel passes
        dashboard/panels/passes.html n shown.total shown.unused
        dashboard/parts/chart.html last.issued point.issued
        export issued""",
    ),
    Figure(
        "whether ten signatures wait",
        "overview, settings, approvals, audit log",
        Seen.OBSERVER,
        Changes.DAY,
        '"fewer than 10" or "10 or more"',
        "audit waiting",
    ),
    Figure(
        "time of the next batch, least batch",
        "overview",
        Seen.OBSERVER,
        Changes.CLOCK,
        EXACT,
        "dashboard/panels/count.html shown.coming.least shown.seconds",
    ),
    Figure(
        "next milestone and forecast",
        "overview, milestones",
        Seen.OBSERVER,
        Changes.BATCH,
        EXACT,
        """panel milestone
        dashboard/milestone.html line.needs
        dashboard/panels/milestone.html missing shown.next.needs shown.next.value/100
        dashboard/parts/milestones.html line.missing line.needs line.value line.value/100
        dashboard/draft/milestones.html milestone.value milestone.value/100""",
    ),
    Figure(
        "codes asked for and used, by domain and day",
        "overview",
        Seen.OBSERVER,
        Changes.DAY,
        'days and domains with ten codes or more: exact; fewer used than ten are "fewer than 10"',
        """panel codes
        dashboard/panels/codes.html each.asked figure""",
    ),
    Figure(
        "subscribers by state, frequency and language",
        "overview, subscribers, updates, approvals, audit log",
        Seen.OBSERVER,
        Changes.DAY,
        TENS,
        """panel subscribers
        dashboard/panels/subscribers.html shown.day.*
        dashboard/subscribers.html day.* n
        dashboard/update.html day.of_frequency() instant n written.request.about.readers
        web/dashboard/approval_requests.py an-update-is-published-and mail-subscribers
        web/dashboard/audit_messages.py subscribers *()
        audit readers""",
    ),
    Figure(
        "mails sent, bounced, complaints, by provider",
        "overview, subscribers",
        Seen.OBSERVER,
        Changes.DAY,
        "whole tens; a provider is named from three complaints or addresses that bounced within thirty days on",
        """panel bounces
        dashboard/panels/bounces.html shown.day.*
        dashboard/parts/providers.html each.*
        dashboard/subscribers.html site.spam
        web/dashboard/panels/queue.py mail-provider-returns-mails *()""",
    ),
    Figure(
        "delivery reports that could not be read, of seven days",
        "overview, subscribers",
        Seen.OBSERVER,
        Changes.DAY,
        TENS,
        """dashboard/panels/bounces.html shown.day.unread
        dashboard/subscribers.html site.unread""",
    ),
    Figure(
        "mails given up, and why",
        "overview, audit log",
        Seen.OBSERVER,
        Changes.LIST_MAIL,
        TENS,
        """panel undelivered
        dashboard/panels/undelivered.html n
        web/dashboard/audit_messages.py mails
        audit mails""",
    ),
    Figure(
        "mails of an update",
        "updates",
        Seen.EDITOR,
        Changes.LIST_MAIL,
        TENS,
        "dashboard/parts/texts.html found.*",
    ),
    Figure(
        "updates mailed this week",
        "updates",
        Seen.EDITOR,
        Changes.ORGANISER,
        EXACT,
        """dashboard/update.html mailed most
        dashboard/updates.html mailed most
        web/dashboard/audit_messages.py number
        audit update""",
    ),
    Figure(
        "what waits for organisers",
        "overview, list, menu",
        Seen.OBSERVER,
        Changes.ORGANISER,
        "exact; mail that can be tried again is one thing, as of the last day; a request to hide ends when the name leaves the page",
        """panel queue
        dashboard/campaigns.html each.waiting
        dashboard/parts/frame.html approvals_waiting
        dashboard/approvals.html each.others
        web/dashboard/panels/queue.py part-is-missing-before-this part-of-the-campaign-is
        web/dashboard/panels/queue.py request-waits-for-a-second update-is-written-and-not""",
    ),
    Figure(
        "health: seconds since a heartbeat, since the scrub, since a missed slot",
        "overview",
        Seen.OBSERVER,
        Changes.FAULT,
        EXACT,
        """panel health
        dashboard/panels/health.html each.seconds shown.database_ms shown.scrub.seconds
        web/dashboard/panels/queue.py no-worker-has-looked-for""",
    ),
    Figure(
        "operation: a verdict for each check of the site, and the time since",
        "operation",
        Seen.OWNER,
        Changes.CLOCK,
        "a word for each kind of check, once a day; no host, address, version or size",
        "dashboard/operation.html age",
    ),
    Figure(
        "names shown, batch and index of each",
        "signers, approvals, exports",
        Seen.MODERATOR,
        Changes.BATCH_OR_HIDDEN,
        EXACT,
        """dashboard/signer.html signer.epoch signer.index most_hidden most_removed
        web/dashboard/approval_requests.py hide-the-comment-of-entry hide-the-name-of-entry
        dashboard/signers.html burst.epoch burst.signed hints.usual page.found pattern.n signer.epoch
        dashboard/exports.html names
        web/dashboard/approval_requests.py a-file-with-the-name export-name""",
    ),
    Figure(
        "signatures that fit a removal",
        "removals, approvals, audit log",
        Seen.MODERATOR,
        Changes.BATCH_OR_HIDDEN,
        "exact; withdrawals count from their batch on",
        """dashboard/removal.html most chosen.by_epoch-12 chosen.figure chosen.unseen epoch n
        dashboard/removals.html each.done each.found each.gone
        dashboard/parts/signers.html n
        web/dashboard/removal_rows.py *
        web/labels.py being-removed-of
        web/dashboard/approval_requests.py remove-signature signature-is-taken-out-of""",
    ),
    Figure(
        "rows of an exported file",
        "exports",
        Seen.EDITOR,
        Changes.ORGANISER,
        EXACT,
        "dashboard/exports.html each.done each.total",
    ),
    Figure(
        "team, domains, settings, dates, drafts, limits of forms",
        "team, settings, drafts, approvals, audit log, mails about approvals",
        Seen.OWNER,
        Changes.ORGANISER,
        EXACT,
        """dashboard/team.html members
        dashboard/draft/open.html campaign.batch_min campaign.demands campaign.public_min
        web/dashboard/drafts/* *
        web/dashboard/settings.py *
        web/dashboard/approval_requests.py after-that-these-work-addresses it-is-sent-on-at *()
        web/dashboard/approval_requests.py it-closes-by-itself-on it-closes-on-at-utc it-opens-on-at-utc
        web/dashboard/approval_requests.py names-are-public-from-signatures the-letter-is-opened-for
        web/dashboard/approval_requests.py a-batch-holds-signatures-or names-of-people-who-sign
        web/dashboard/audit_messages.py batches-of-or-more count-public-from-on demand names-public-from-on*
        audit after batch_min before demands interval names_from public_min
        mailing/digests/phrases.py it-can-be-approved-until the-letter-closes-by-itself""",
    ),
    Figure(
        "recovery codes, passkeys, sessions",
        "account",
        Seen.SELF,
        Changes.ORGANISER,
        EXACT,
        """dashboard/account.html codes_left visits
        dashboard/confirm.html codes_left
        web/dashboard/account.py *
        web/dashboard/audit_messages.py code-left
        audit left""",
    ),
    Figure(
        "codes, mail providers, mails given up, subscribers, passes, a late batch",
        "organisers' digest, warning about codes",
        Seen.ORGANISERS,
        Changes.DIGEST,
        "as on the pages: days that are over, whole tens, the last batch; the share of used codes in steps of 5 %",
        """mail/organiser_daily/body.html facts.evidence facts.issued
        mail/organiser_daily/body.txt facts.evidence facts.issued
        mail organiser_daily.bounces.* organiser_daily.codes.* organiser_daily.dead organiser_daily.evidence
        mail organiser_daily.issued organiser_daily.readers organiser_daily.stalled codes_stopped.domains.*
        mailing/digests/phrases.py day hour minute in-the-week-before-it of-code-asked-for-on
        mailing/digests/phrases.py asked-for-used sent-refused-complaints the-time-for-a-batch *()""",
    ),
    Figure(
        "subscribers; mails sent, bounced, complained about; bounce rate",
        "/metrics",
        Seen.MONITOR,
        Changes.DAY,
        "whole tens; the rate in whole per cents",
        """metric undersigned_subscribers undersigned_mails_sent undersigned_mails_bounced undersigned_mails_complained
        metric undersigned_bounce_rate""",
    ),
    Figure(
        "whether ten signatures wait anywhere",
        "/metrics",
        Seen.MONITOR,
        Changes.DAY,
        "0 or 10",
        "metric undersigned_pending",
    ),
    Figure(
        "mail due, mails given up, halted",
        "/metrics",
        Seen.MONITOR,
        Changes.LIST_MAIL,
        "seconds; mails rounded up to whole tens",
        "metric undersigned_mail_due_seconds undersigned_dead_letters undersigned_halted",
    ),
    Figure(
        "follow-ups, missed slots, drift, scrub, servers",
        "/metrics",
        Seen.MONITOR,
        Changes.FAULT,
        "seconds; the age of a follow-up in whole minutes",
        """metric undersigned_oldest_owed_seconds undersigned_given_up undersigned_overdue_seconds undersigned_drift
        metric undersigned_scrub_seconds undersigned_scrub_step undersigned_up""",
    ),
    Figure(
        "security events",
        "/metrics, log",
        Seen.MONITOR,
        Changes.FAULT,
        "acts of organisers and relays: today; wrong codes and limits reached: the day before, in whole tens",
        """metric undersigned_security_events
        log petition/core/security_events.py:*""",
    ),
    Figure(
        "faults: a server that is away, a mail that cannot be made",
        "log",
        Seen.LOG,
        Changes.FAULT,
        "one line each, without a person; at the moment of the fault",
        """log petition/core/events.py:* petition/mailing/digests/sending.py:* petition/web/errors.py:*
        log petition/web/network.py:* petition/web/serving/worker.py:*
        log workers/tasks/digests.py:* workers/tasks/upkeep.py:* petition/epochs/*""",
    ),
)
