"""The contents of public pages, as frozen values. Everything in them is public."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass, field
from datetime import date

from petition.campaigns import CampaignState, DemandState, switches
from petition.campaigns.milestones import UNKNOWN, MilestoneKind
from petition.signatures import NamedSigner, group_figures
from petition.signatures.group_figures import UNCOUNTED, Cell, Table


@dataclass(frozen=True, slots=True)
class LetterView:
    """One language of the letter. `markdown` is byte for byte what the ledger's hash covers."""

    lang: str
    title: str
    markdown: str
    sha256: str


@dataclass(frozen=True, slots=True)
class StepView:
    """The status of a demand on a day, and the source that reports it."""

    day: date
    state: DemandState
    source: str


@dataclass(frozen=True, slots=True)
class DemandView:
    """A numbered demand (`id` is "d1", "d2", …), its texts by language, its state and the source that reports it.

    `steps` are its earlier and current states, oldest first.
    """

    number: int
    id: str
    text: dict[str, str]
    state: DemandState
    since: date | None
    source: str | None
    steps: tuple[StepView, ...] = ()


@dataclass(frozen=True, slots=True)
class HandoverView:
    """How the letter was delivered: the day, and by language the way and a note."""

    day: date
    how: dict[str, str]
    note: dict[str, str]


@dataclass(frozen=True, slots=True)
class AnswerView:
    """The addressee's answer, Markdown by language."""

    day: date
    text: dict[str, str]


@dataclass(frozen=True, slots=True)
class Ending:
    """What came after the close: the delivery and the answer, if there are any."""

    handover: HandoverView | None = None
    answer: AnswerView | None = None


@dataclass(frozen=True, slots=True)
class MilestoneView:
    """A milestone. `value` is signatures (count) or per cent of the workforce (share); `needs` is signatures."""

    kind: MilestoneKind
    value: int
    needs: int
    reached: date | None
    epoch: int | None


@dataclass(frozen=True, slots=True)
class TimelineItem:
    """One line of the timeline: kind is opened, milestone, update, demand, closed, delivered or answered.

    `state` is a demand's state as of that day.
    """

    day: date
    kind: str
    value: int
    text: dict[str, str]
    state: str = ""


@dataclass(frozen=True, slots=True)
class Choice:
    """A role or team of the organisers' lists: the value that is signed, and labels by language (may be empty)."""

    value: str
    labels: dict[str, str]


@dataclass(frozen=True, slots=True)
class Margin:
    """Signers who show only a role, by role or by team (`kind`). `other`: not every value of the list is included."""

    kind: str
    cells: tuple[Cell, ...]
    other: bool


@dataclass(frozen=True, slots=True)
class Tally:
    """The integrity report: the totals of the ledger's entries. `anonymous` includes undisclosed ones and small cells.

    `unproven` names are on the page and not in the bundle, because organisers hid a comment there.
    """

    named: int
    roles: int
    anonymous: int
    withdrawn: int
    removed: dict[str, int]
    issued: dict[str, int]
    unproven: int = 0


@dataclass(frozen=True, slots=True)
class Batch:
    """When an epoch closes: the least number of signatures, and the slots.

    Slots are `interval` seconds apart, counted from the opening (`since`, ISO 8601 in UTC; None before the opening).
    """

    min: int
    interval: int
    since: str | None = None


@dataclass(frozen=True, slots=True)
class Days:
    """The length of a day and a week of the digests in a demonstration, in seconds; 0 means the usual length."""

    day: int = 0
    week: int = 0


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything public about one campaign at one version.

    Below `public_min` signatures nothing of the ledger is in it: `count` and `day` are None, `epoch` and `size` are 0.

    `names_from`: names wait for so many signatures (0: for a share of an unknown workforce); None means that they do
    not wait. `names` is a digest of which names are public, for no page: it gives the pages of names another version when
    these change. `table` is the source of `by_role` and `by_team`; pages do not use its number of changes. Days of
    batches, milestones among them, are those of the ledger (UTC); all other days are in the time zone `zone`.
    """

    id: str
    slug: str
    origin: str
    version: int
    state: CampaignState
    languages: tuple[str, ...]
    letters: dict[str, LetterView]
    addressee: str
    addressee_role: dict[str, str]
    organisation: str
    organisers: dict[str, str]
    notice: dict[str, str]
    methods: tuple[str, ...]
    domains: tuple[str, ...]
    roles: tuple[Choice, ...]
    teams: tuple[Choice, ...]
    demands: tuple[DemandView, ...]
    milestones: tuple[MilestoneView, ...]
    timeline: tuple[TimelineItem, ...]
    issuer: str
    ledger_key: str
    opened: date | None
    closes: date | None
    workforce: int | None
    workforce_source: dict[str, str]
    batch: Batch
    public_min: int
    count: int | None
    epoch: int
    day: date | None
    size: int
    root: str
    checkpoint: str
    tally: Tally
    first_names: tuple[NamedSigner, ...]
    days: Days = Days()
    ending: Ending = Ending()
    names_from: int | None = None
    legal: dict[str, dict[str, str]] = field(default_factory=dict)
    stopped: tuple[str, ...] = ()
    table: Table = UNCOUNTED
    zone: str = "UTC"
    names: str = ""

    def next_milestone(self) -> MilestoneView | None:
        """Returns the unreached milestone that needs the fewest signatures, or None after the close."""
        if self.state not in {CampaignState.DRAFT, CampaignState.OPEN}:
            return None
        waiting = [milestone for milestone in self.milestones if milestone.reached is None]
        return min(waiting, key=lambda milestone: milestone.needs, default=None)

    def seal(self) -> int:
        """Returns the number of signatures that a signing page promises before any name is public; 0 means none."""
        return UNKNOWN if self.names_from == 0 else self.names_from or 0

    def every_milestone_reached(self) -> bool:
        """Returns whether there were milestones, and all of them are reached."""
        return bool(self.milestones) and all(milestone.reached is not None for milestone in self.milestones)

    def signing_stopped(self) -> bool:
        """Returns whether the organisers paused signing."""
        return switches.SIGNING in self.stopped

    def codes_stopped(self) -> bool:
        """Returns whether nobody can get a pass now, because codes or all methods are paused."""
        methods = {switches.METHOD + name for name in self.methods}
        return switches.CODES in self.stopped or methods <= set(self.stopped)

    def by_role(self) -> Margin:
        """Returns those who show only a role, by role."""
        return self._margin("role", self.table.role, self.roles)

    def by_team(self) -> Margin:
        """Returns the same people by team."""
        return self._margin("team", self.table.team, self.teams)

    def unshown(self) -> int:
        """Returns the number of people without a name or figure: the anonymous, groups under ten, and the rounding."""
        return max(0, self._unnamed() - group_figures.total(self.by_role().cells))

    def _margin(self, kind: str, counted: tuple[Cell, ...], choices: tuple[Choice, ...]) -> Margin:
        shown = group_figures.beside(counted, self._unnamed())
        return Margin(kind, shown, other=len(shown) < len(choices))

    def _unnamed(self) -> int:
        return (self.count or 0) - self.tally.named

    def title(self, lang: str) -> str:
        """Returns the title in a language, or in the campaign's first."""
        return self.letters.get(lang, self.letters[self.languages[0]]).title

    def letter(self, lang: str) -> LetterView:
        """Returns the letter in a language, or in the campaign's first."""
        return self.letters.get(lang, self.letters[self.languages[0]])

    def written_root(self) -> str:
        """Returns the root as checkpoints and verify.py write it, in standard base64; empty while nothing is public."""
        return b64encode(bytes.fromhex(self.root)).decode()


@dataclass(frozen=True, slots=True)
class Listed:
    """A campaign in the list of all public ones. `paused`: its organisers paused signing."""

    slug: str
    title: dict[str, str]
    state: CampaignState
    count: int | None
    languages: tuple[str, ...]
    version: int
    paused: bool = False
