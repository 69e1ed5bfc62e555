"""Figures that everybody, signers and subscribers see."""

from __future__ import annotations

from typing import Final

from petition.privacy.figures.figure import Changes, Figure, Seen

EXACT: Final = "exact"
FROM_MINIMUM: Final = "exact, from the public minimum on; nothing below it"

OUTSIDE: Final[tuple[Figure, ...]] = (
    Figure(
        "signatures counted",
        "pages, badge, card, counter, feed, API",
        Seen.PUBLIC,
        Changes.BATCH,
        FROM_MINIMUM,
        """parts/count.html snapshot.count missing
        parts/words.html n
        public/embed.html snapshot.count
        public/verify.html n
        web/pictures/lines.py *
        web/dashboard/share.py an-open-letter-by-employees
        api Listing[].count Campaign.count Campaign.groups[].count Count.count""",
    ),
    Figure(
        "signatures withdrawn and removed, passes issued and not used",
        "page of the count, bundle",
        Seen.PUBLIC,
        Changes.BATCH,
        FROM_MINIMUM,
        "public/verify.html n",
    ),
    Figure(
        "shown by name, by role, anonymous",
        "letter, signers, page of the count, API",
        Seen.PUBLIC,
        Changes.BATCH_OR_HIDDEN,
        FROM_MINIMUM,
        """public/letter.html snapshot.tally.named
        public/signers.html named.found named.page named.pages
        parts/signers.html snapshot.unshown()
        api Signers.anonymous""",
    ),
    Figure(
        "groups by role and by team",
        "signers, API",
        Seen.PUBLIC,
        Changes.BATCH_OR_HIDDEN,
        "from ten on, rounded down to fives, counted again after ten changes in the ledger, and by a batch only; after the close, when ten shown roles were hidden",
        """parts/signers.html cell.n
        parts/words.html least
        public/signers.html snapshot.table.epoch
        api Signers.roles[].n Breakdown.by[].cells[].n Breakdown.epoch""",
    ),
    Figure(
        "number and day of the last batch",
        "page of the count, API",
        Seen.PUBLIC,
        Changes.BATCH,
        FROM_MINIMUM,
        """public/verify.html snapshot.epoch
        api Campaign.epoch Count.epoch Count.day""",
    ),
    Figure(
        "entries of the ledger, checkpoints",
        "page of the count, checkpoints, feed, API, bundle",
        Seen.PUBLIC,
        Changes.BATCH,
        FROM_MINIMUM,
        """public/verify.html snapshot.size
        public/checkpoints.html each.epoch each.size
        web/public/checkpoints.py checkpoint-entries
        api Checkpoints.before Checkpoints.checkpoints[].day Checkpoints.checkpoints[].epoch
        api Checkpoints.checkpoints[].size Consistency.new Consistency.old""",
    ),
    Figure(
        "milestones reached",
        "letter, timeline, card, API",
        Seen.PUBLIC,
        Changes.BATCH,
        "the day; nothing below the minimum",
        """parts/timeline.html each.value/100 needs
        api Campaign.milestones[].reached""",
    ),
    Figure(
        "milestones to come",
        "letter, card, counter, API",
        Seen.PUBLIC,
        Changes.LETTER,
        EXACT,
        """parts/count.html milestone.needs milestone.value/100
        public/embed.html milestone.needs
        web/pictures/card.py *
        api Campaign.milestones[].value Count.next.value""",
    ),
    Figure(
        "settings: minimum, least batch, interval, workforce, days, seal",
        "pages, API",
        Seen.PUBLIC,
        Changes.LETTER,
        EXACT,
        """parts/count.html snapshot.public_min
        parts/frequencies.html days.day days.week
        parts/words.html seconds seconds//60 seconds//3600
        parts/signers.html snapshot.names_from
        public/embed.html snapshot.batch.min
        public/letter.html snapshot.workforce
        public/sign_next.html snapshot.batch.min
        public/choice_fields.html snapshot.names_from
        public/sign_receipt.html snapshot.batch.min
        public/signers.html snapshot.public_min
        public/verify.html snapshot.public_min snapshot.batch.min
        api Campaign.k Campaign.interval Campaign.opened Campaign.closes Campaign.workforce Breakdown.least Breakdown.rounded_to""",
    ),
    Figure(
        "index and batch of a signature",
        "receipt, API by leaf hash",
        Seen.SIGNER,
        Changes.BATCH,
        FROM_MINIMUM,
        """web/labels.py it-is-in-the-ledger
        api Standing.epoch Standing.index Standing.size""",
    ),
    Figure(
        "last batch that a receipt promises",
        "receipt",
        Seen.SIGNER,
        Changes.NEVER,
        "2⁶⁴ − 1 for everybody",
        "api Signed.receipt.by_epoch",
    ),
    Figure(
        "values used of a secret chain, changes left",
        "change page, API with the ticket",
        Seen.SIGNER,
        Changes.OWN,
        EXACT,
        """public/change.html left
        api Standing.used""",
    ),
    Figure(
        "limits of forms, statuses",
        "pages, API",
        Seen.PUBLIC,
        Changes.NEVER,
        EXACT,
        """web/forms/* *
        api Problem.status""",
    ),
    Figure(
        "count, change, what is missing",
        "digests and milestone mails",
        Seen.SUBSCRIBERS,
        Changes.DIGEST,
        FROM_MINIMUM,
        """mail/parts/count.html news.count
        mail *.count *.change *.next.missing *.next.value *.milestones.needs *.milestones.value *.updates.number
        mail *.demands.number
        mailing/digests/phrases.py fewer-than-last-time-signers more-signature-until* more-than-last-time
        mailing/digests/phrases.py of-the-workforce-signature-on signature-on verified-signature""",
    ),
)
