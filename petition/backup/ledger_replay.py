"""Continues one ledger line by line from a verified bundle: each entry has the same effect as in the original.

The copy has the same public data as the original: entries, tiles, heads (Ed25519 gives the same signature again),
counts, batches and milestones. Milestones are recorded as news but mailed to nobody, because the original did so. The
module does not check the lines; the caller has verified them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime, time
from typing import Any, Final

from sqlalchemy import Row, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from petition import verification
from petition.blindsign.passes import hashes_of
from petition.campaigns import Campaign, CampaignState, Letter, milestones, news
from petition.campaigns.news import NewsKind
from petition.epochs import history
from petition.ledger import entries, log, merkle
from petition.ledger.entries import (
    GROUP,
    AmendEntry,
    CloseEntry,
    EpochEntry,
    RemoveEntry,
    SignEntry,
    TranslationEntry,
    WithdrawEntry,
)
from petition.signatures import revealed
from petition.signatures.tables import (
    Pending,
    Signature,
    SignatureState,
    Spent,
    WaitingAct,
    WaitingRemoval,
)
from petition.signatures.withdrawal import GONE, UNSHOWN
from petition.verification.tables import Issued

UNSYNCED: Final = {"synchronize_session": False}
AT_ONCE: Final = 2_000


class LedgerReplay:
    """The state from one entry to the next. `fresh` holds the indices of signatures that the backup did not have."""

    def __init__(
        self, session: Session, campaign: Campaign, head: log.Head, letters: Mapping[str, bytes], now: datetime
    ) -> None:
        self.session, self.campaign, self.head, self.letters, self.now = session, campaign, head, letters, now
        self.lines: list[bytes] = []
        self.signs: list[tuple[int, bytes, SignEntry]] = []
        self.withdrawn: list[int] = []
        self.amended: list[AmendEntry] = []
        self.revealed: dict[int, bytes] = {}
        self.removed: list[RemoveEntry] = []
        self.fresh: set[int] = set()
        self.signed = self.ended = self.late = 0

    def take(self, line: bytes) -> None:
        """Process the next entry of the log."""
        index = self.head.size + len(self.lines)
        self.lines.append(line)
        match entries.parse(line):
            case SignEntry() as entry:
                self.signs.append((index, merkle.leaf_hash(line), entry))
            case WithdrawEntry() as entry:
                self.withdrawn.append(entry.index)
                self.revealed[entry.index] = entry.revealed
            case AmendEntry() as entry:
                self.amended.append(entry)
                self.revealed[entry.index] = entry.revealed
            case RemoveEntry() as entry:
                self.removed.append(entry)
            case EpochEntry() as entry:
                self._end_epoch(entry)
            case TranslationEntry() as entry:
                self._translate(entry)
            case CloseEntry() as entry:
                self._close(entry)

    def _append(self) -> None:
        log.grow(self.session, self.head, log.append_lines(self.session, self.head, self.lines))
        log.seal_head(self.head, self.campaign.origin)
        self.lines = []

    def _end_epoch(self, entry: EpochEntry) -> None:
        self._enter_signatures(entry.number)
        self._strike_out()
        self._amend()
        self._use_values()
        head, reasons = self.head, Counter(str(each.why) for each in self.removed)
        head.counted += len(self.signs) - len(self.withdrawn) - len(self.removed)
        head.withdrawn += len(self.withdrawn)
        head.removed = dict(Counter(head.removed) + reasons)
        head.epoch, head.day, head.issued = entry.number, entry.day, dict(entry.issued.get(GROUP, {}))
        head.epoch_at = max(head.epoch_at, datetime.combine(entry.day, time(), UTC))
        self._append()
        counts = {"signed": len(self.signs), "withdrawn": len(self.withdrawn), "removed": len(self.removed)}
        history.record(self.session, head, head.epoch_at, **counts)
        self._reach()
        self._issue()
        self.signed += len(self.signs)
        self.ended += len(self.withdrawn) + len(self.removed)
        self.signs, self.withdrawn, self.removed = [], [], []
        self.amended, self.revealed = [], {}
        self.session.flush()

    def _enter_signatures(self, epoch: int) -> None:
        """Insert the batch's rows in portions.

        Signatures that waited in the backup keep their bodies; others have none.
        """
        for at in range(0, len(self.signs), AT_ONCE):
            portion = self.signs[at : at + AT_ONCE]
            known = self._spend([entry.secret_hash for _, _, entry in portion])
            rows = [self._row(epoch, index, leaf, entry, known.get(leaf)) for index, leaf, entry in portion]
            self.session.execute(insert(Signature), rows)
            self.fresh |= {index for index, leaf, _ in portion if leaf not in known}

    def _spend(self, hws: list[bytes]) -> dict[bytes, Row[Any]]:
        """Mark passes as spent and delete the signatures that waited with them. Returns those rows by leaf."""
        cid = self.campaign.id
        spending = insert(Spent).values([{"campaign_id": cid, "hw": hw} for hw in hws])
        self.session.execute(spending.on_conflict_do_nothing())
        waiting = delete(Pending).where(Pending.campaign_id == cid, Pending.hw.in_(hws)).returning(*Pending.__table__.c)
        return {row.leaf: row for row in self.session.execute(waiting.execution_options(**UNSYNCED))}

    def _row(self, epoch: int, index: int, leaf: bytes, entry: SignEntry, was: Row[Any] | None) -> dict[str, Any]:
        shown = GONE if was is None else {name: getattr(was, name) for name in GONE}
        state = SignatureState.HIDDEN if was is None else was.state
        return {
            "campaign_id": self.campaign.id,
            "index": index,
            "hw": entry.secret_hash,
            "leaf": leaf,
            "epoch": epoch,
            "state": SignatureState.LOGGED if state is SignatureState.PENDING else state,
            "public": False,
            "why": None,
            "ticket": b"" if was is None else was.ticket,
            "used": 0 if was is None else was.used,
            **shown,
        }

    def _strike_out(self) -> None:
        """Apply withdrawals and removals: delete the bodies, and the rows that waited to cause the same entries."""
        self._end(self.withdrawn, {"state": SignatureState.WITHDRAWN})
        for why in {each.why for each in self.removed}:
            indices = [each.index for each in self.removed if each.why is why]
            self._end(indices, {"state": SignatureState.REMOVED, "why": why})

    def _end(self, every: list[int], values: dict[str, object]) -> None:
        for at in range(0, len(every), AT_ONCE):
            self._end_some(every[at : at + AT_ONCE], values)

    def _end_some(self, indices: list[int], values: dict[str, object]) -> None:
        cid, run = self.campaign.id, self.session.execute
        mine = (Signature.campaign_id == cid, Signature.index.in_(indices))
        run(update(Signature).where(*mine).values(**GONE, **UNSHOWN, **values).execution_options(**UNSYNCED))
        hws = select(Signature.hw).where(*mine)
        run(delete(WaitingAct).where(WaitingAct.campaign_id == cid, WaitingAct.hw.in_(hws)))
        run(delete(WaitingRemoval).where(WaitingRemoval.campaign_id == cid, WaitingRemoval.index.in_(indices)))

    def _amend(self) -> None:
        """Give changed signatures their new body if the backup holds the change, and none otherwise."""
        run = self.session.execute
        for entry in self.amended:
            row = self.session.get_one(Signature, (self.campaign.id, entry.index), populate_existing=True)
            act = revealed.waiting_act(self.session, row)
            held = act is not None and act.commitment == entry.commitment
            state = SignatureState.LOGGED if held else SignatureState.HIDDEN
            body = {name: getattr(act, name) for name in GONE} if held else GONE
            mine = (Signature.campaign_id == self.campaign.id, Signature.index == entry.index)
            run(update(Signature).where(*mine).values(**body, **UNSHOWN, state=state).execution_options(**UNSYNCED))
            revealed.drop_waiting_act(self.session, row)
            if not held:
                self.fresh.add(entry.index)

    def _use_values(self) -> None:
        """Count the values of secret chains that the ledger shows as used."""
        for index, value in self.revealed.items():
            row = self.session.get_one(Signature, (self.campaign.id, index), populate_existing=True)
            row.used = max(row.used, hashes_of(value).index(row.hw) + 1)

    def _reach(self) -> None:
        head, cid = self.head, self.campaign.id
        if milestones.reach(self.session, cid, head.counted, self.campaign.workforce, head.epoch, head.day):
            news.record_news(self.session, cid, NewsKind.MILESTONE, head.epoch, head.day)

    def _issue(self) -> None:
        """Raise the counters of passes. They never fall."""
        rows = [{"campaign_id": self.campaign.id, "method": name, "n": n} for name, n in self.head.issued.items()]
        if rows:
            counting = insert(Issued).values(rows)
            most = func.greatest(Issued.n, counting.excluded.n)
            self.session.execute(
                counting.on_conflict_do_update(index_elements=["campaign_id", "method"], set_={"n": most})
            )

    def _translate(self, entry: TranslationEntry) -> None:
        """Add a language: its text comes from the bundle, its title from the letter's first line."""
        text = self.letters[entry.lang].decode()
        title = next((line.lstrip("# ").strip() for line in text.splitlines() if line.strip()), entry.lang)
        self.campaign.letters.append(Letter(lang=entry.lang, title=title, markdown=text, sha256=entry.letter))
        self.campaign.languages = [*self.campaign.languages, entry.lang]
        self._append()

    def _close(self, entry: CloseEntry) -> None:
        """Close the ledger: delete the issuer's key, the tags, and everything that can no longer be entered."""
        self._append()
        last = self.session.get_one(history.Epoch, (self.campaign.id, self.head.epoch))
        last.size, last.checkpoint = self.head.size, self.head.checkpoint
        self.campaign.state, self.campaign.closed = CampaignState.CLOSED, entry.day
        news.record_news(self.session, self.campaign.id, NewsKind.CLOSED, 0, entry.day)
        verification.destroy(self.session, self.campaign.id)
        for table in (Pending, WaitingAct, WaitingRemoval):
            gone = delete(table).where(table.campaign_id == self.campaign.id).returning(table.campaign_id)
            found = self.session.execute(gone.execution_options(**UNSYNCED)).all()
            self.late += len(found) if table is Pending else 0
