"""Groups in public: never under ten, never exact, never a rest of a few, and a table that one signature does not move."""

from __future__ import annotations

from collections import defaultdict
from functools import cache
from itertools import product

from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from petition import epochs, publication, signatures
from petition.campaigns import Campaign, OpenCampaign
from petition.ledger.entries import Visibility
from petition.publication import Snapshot
from petition.signatures import DisplayChoice, group_figures
from petition.signatures.group_figures import LEAST, STEP, Cell, Table
from tests import make

COUNTS = st.dictionaries(st.sampled_from("ABCDEF"), st.integers(0, 200))
MOST = 60


@given(COUNTS)
def test_a_figure_is_a_multiple_of_five_never_under_ten_never_too_much(counts: dict[str, int]) -> None:
    shown = group_figures.margin(counts)
    assert {cell.value for cell in shown} == {value for value, n in counts.items() if n >= LEAST}
    assert all(0 <= counts[cell.value] - cell.n < STEP and cell.n >= LEAST for cell in shown)


@given(COUNTS)
def test_the_order_tells_no_more_than_the_figures(counts: dict[str, int]) -> None:
    fewer = {value: group_figures.rounded(n) for value, n in counts.items()}
    assert group_figures.margin(counts) == group_figures.margin(dict(sorted(fewer.items(), reverse=True)))


@given(COUNTS, st.integers(0, 60))
def test_what_is_left_beside_the_cells_is_nobody_or_ten(counts: dict[str, int], anonymous: int) -> None:
    whole = sum(counts.values()) + anonymous
    shown = group_figures.beside(group_figures.margin(counts), whole)
    rest = whole - group_figures.total(shown)
    assert rest == 0 or rest >= LEAST or not shown
    assert all(LEAST <= cell.n <= counts[cell.value] for cell in shown)
    assert shown == group_figures.beside(shown, whole), "what is shown may be shown again"


def test_a_large_group_gives_a_little_to_the_rest_and_does_not_go() -> None:
    assert group_figures.beside((Cell("A", 195), Cell("B", 10)), 208) == (Cell("A", 185), Cell("B", 10))
    assert group_figures.beside((Cell("A", 10), Cell("B", 10)), 23) == (Cell("A", 10),)
    assert group_figures.beside((Cell("A", 10),), 12) == ()


@cache
def everything_that_could_be() -> dict[tuple[int, tuple[Cell, ...]], list[tuple[int, ...]]]:
    """What is published (the whole and the cells), and every set of two groups and some anonymous that gives it."""
    found = defaultdict(list)
    for whole, a, b in product(range(MOST), repeat=3):
        anonymous, public = whole - a - b, {"A": a, "B": b}
        if anonymous < 0:
            continue
        found[whole, group_figures.beside(group_figures.margin(public), whole)].append((a, b, anonymous))
    return found


def test_no_group_and_no_number_of_anonymous_under_ten_is_determined_by_a_table_and_its_whole() -> None:
    """By brute force, against somebody who knows the rules; that nobody signed hides nothing."""
    for (whole, shown), possible in everything_that_could_be().items():
        for place, _ in enumerate(("A", "B", "anonymous")):
            values = {each[place] for each in possible}
            assert len(values) > 1 or values == {0} or min(values) >= LEAST, (whole, shown, possible)


def test_a_table_is_counted_anew_after_ten_changes_and_not_before() -> None:
    drawn = Table(changed=30)
    assert [group_figures.is_due(drawn, changed) for changed in (30, 31, 39, 40)] == [False, False, False, True]


def shown(session: Session, campaign: Campaign) -> Snapshot:
    """What is public after one more batch."""
    epochs.close_epoch(session, session.get_one(Campaign, campaign.id), make.NOW)
    found = publication.load(session, campaign.slug)
    assert found is not None
    return found


def test_the_tenth_is_not_told_by_the_batch_that_brought_it(session: Session) -> None:
    campaign = make.campaign(session)
    for wish in [DisplayChoice(Visibility.ROLE, role="Engineer")] * 9 + [make.ANONYMOUS] * 11:
        make.signature(session, campaign, wish)
    assert shown(session, campaign).by_role().cells == ()
    make.signature(session, campaign, DisplayChoice(Visibility.ROLE, role="Engineer"))
    assert shown(session, campaign).by_role().cells == ()
    for _ in range(9):
        make.signature(session, campaign)
    assert shown(session, campaign).by_role().cells == (Cell("Engineer", 10),)


def test_hiding_alone_moves_no_figure_of_a_group_while_the_letter_is_open(session: Session) -> None:
    """P33, P42: the tenth who hides a role does not have the groups counted anew; the close does."""
    campaign = make.campaign(session)
    wishes = [DisplayChoice(Visibility.ROLE, role="Engineer")] * 25 + [make.ANONYMOUS] * 20
    receipts = [make.signature(session, campaign, wish) for wish in wishes]
    first = shown(session, campaign).by_role().cells
    for receipt in receipts[:10]:
        signatures.hide(session, OpenCampaign.of(campaign), receipt.withdraw)
    publication.refresh(session, campaign)
    hidden = publication.load(session, campaign.slug)
    assert hidden is not None
    assert (first, hidden.by_role().cells) == ((Cell("Engineer", 25),), (Cell("Engineer", 25),))
    epochs.close_campaign(session, campaign, make.NOW)
    closed = publication.load(session, campaign.slug)
    assert closed is not None
    assert closed.by_role().cells == (Cell("Engineer", 15),)


def test_after_a_batch_of_few_acts_nobody_s_hiding_or_change_has_the_groups_counted_anew(session: Session) -> None:
    """P33, P42: a batch of one withdrawal leaves the table as it is; the tenth change comes later, and is one person's."""
    campaign = make.campaign(session)
    wishes = [DisplayChoice(Visibility.ROLE, role="Engineer")] * 25 + [make.ANONYMOUS] * 20
    receipts = [make.signature(session, campaign, wish) for wish in wishes]
    shown(session, campaign)
    letter = OpenCampaign.of(campaign)
    signatures.withdraw(session, letter, receipts[0].withdraw)
    before = shown(session, campaign)
    for receipt in receipts[25:33]:
        signatures.hide(session, letter, receipt.withdraw)
    assert epochs.refresh_stale(session, make.NOW) == []
    signatures.amend(session, letter, receipts[33].withdraw, make.ANONYMOUS)
    assert epochs.refresh_stale(session, make.NOW) == []
    publication.refresh(session, campaign)
    assert publication.load(session, campaign.slug) == before, "not even the version"
    signatures.hide(session, letter, receipts[34].withdraw)
    assert shown(session, campaign).by_role().cells == (Cell("Engineer", 25),), "nor the next batch"


def test_a_batch_of_five_does_not_tell_by_its_groups_whether_five_others_hid_or_change(session: Session) -> None:
    """P33, P42: four who hide together with an accomplice's five signatures would learn of one more."""
    campaign = make.campaign(session)
    wishes = [DisplayChoice(Visibility.ROLE, role="Engineer")] * 25 + [make.ANONYMOUS] * 20
    receipts = [make.signature(session, campaign, wish) for wish in wishes]
    letter, first = OpenCampaign.of(campaign), shown(session, campaign).table
    for receipt in receipts[25:31]:
        signatures.hide(session, letter, receipt.withdraw)
    for receipt in receipts[31:36]:
        signatures.amend(session, letter, receipt.withdraw, make.ANONYMOUS)
    for n in range(1, 3):
        for _ in range(5):
            make.signature(session, campaign)
        assert (shown(session, campaign).table == first) == (n == 1), "ten new signatures do, whoever hid"


def test_after_the_close_groups_are_counted_anew_when_ten_shown_roles_went_and_never_for_the_anonymous(
    session: Session,
) -> None:
    """P33, P42: no batch comes any more. Hidden roles leave the public total at once; nothing else counts towards the ten."""
    campaign = make.campaign(session)
    wishes = [DisplayChoice(Visibility.ROLE, role="Engineer")] * 25 + [make.ANONYMOUS] * 20
    receipts = [make.signature(session, campaign, wish) for wish in wishes]
    epochs.close_campaign(session, campaign, make.NOW)
    letter = OpenCampaign.of(campaign)
    for receipt in receipts[:9]:
        signatures.hide(session, letter, receipt.withdraw)
    epochs.refresh_stale(session, make.NOW)
    before = publication.load(session, campaign.slug)
    assert before is not None
    assert (before.by_role().cells, before.tally.roles) == ((Cell("Engineer", 25),), 16)
    for receipt in receipts[25:40]:
        signatures.hide(session, letter, receipt.withdraw)
    assert epochs.refresh_stale(session, make.NOW) == []
    publication.refresh(session, campaign)
    assert publication.load(session, campaign.slug) == before
    signatures.hide(session, letter, receipts[9].withdraw)
    epochs.refresh_stale(session, make.NOW)
    after = publication.load(session, campaign.slug)
    assert after is not None
    assert after.by_role().cells == (Cell("Engineer", 15),)


def test_a_group_that_fell_is_not_told_by_the_batch_that_it_left_and_goes_with_ten_changes(session: Session) -> None:
    campaign = make.campaign(session)
    wishes = [DisplayChoice(Visibility.ROLE, role="Engineer")] * 10 + [make.ANONYMOUS] * 20
    receipts = [make.signature(session, campaign, wish) for wish in wishes]
    first = shown(session, campaign)
    assert (first.by_role().cells, first.unshown()) == ((Cell("Engineer", 10),), 20)
    signatures.withdraw(session, OpenCampaign.of(campaign), receipts[0].withdraw)
    assert shown(session, campaign).by_role().cells == first.by_role().cells
    for receipt in receipts[20:29]:
        signatures.hide(session, OpenCampaign.of(campaign), receipt.withdraw)
    assert shown(session, campaign).by_role().cells == first.by_role().cells
    for _ in range(9):
        make.signature(session, campaign)
    assert shown(session, campaign).by_role().cells == ()
