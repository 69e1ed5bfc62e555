"""From an address to one pass: the same answer for all, one person one pass, lost replies asked for again."""

from __future__ import annotations

import secrets
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from petition import campaigns, epochs, signatures, verification
from petition.blindsign import passes, rsabssa
from petition.blindsign.passes import Blinding
from petition.blindsign.rsabssa import BlindedRefused
from petition.bootstrap import EmbeddedServices
from petition.campaigns import Campaign, CampaignClosed, OpenCampaign
from petition.core import db, events
from petition.core.events import CodeWanted, Event
from petition.core.redis_store import RedisStore, RedisUnavailable
from petition.ledger import checkpoint
from petition.privacy import Recipient, unseal_address
from petition.verification import (
    AddressGuessed,
    AlreadyVerified,
    CodeWrong,
    LongCodeNeeded,
    NetworkExhausted,
    VerificationContext,
    work_email,
)
from petition.verification.tables import CodeDay, Issued, MailCap, Tag
from tests import make
from tests.support.waiting import lock_waiters, until

HOUR = timedelta(hours=1)


@pytest.fixture
def mailed(desk: VerificationContext) -> Iterator[list[Recipient]]:
    """What the code worker would have been given."""
    found: list[Recipient] = []

    def carry(event: Event) -> None:
        if isinstance(event, CodeWanted):
            found.append(unseal_address(desk.vault, event.sealed, make.NOW + timedelta(days=2), ttl=3 * 24 * 3600))

    events.connect(carry)
    yield found
    events.connect(lambda _: None)


def ask(
    session: Session,
    desk: VerificationContext,
    campaign: Campaign,
    address: str,
    network: bytes = b"n" * 32,
    now: datetime = make.NOW,
    *,
    proven: bool = False,
) -> str:
    """Ask for a code."""
    return verification.begin(
        session, desk, OpenCampaign.of(campaign), address, network=network, proven=proven, lang="en", now=now
    )


def asked(desk: VerificationContext, campaign: Campaign, address: str, now: datetime = make.NOW) -> str:
    """Ask for a code in a transaction of its own."""
    with db.transaction() as asking:
        return ask(asking, desk, campaign, address, now=now)


def blinding(campaign: Campaign) -> Blinding:
    """The applicant's first half."""
    return passes.begin(rsabssa.load_spki(campaign.issuer or b""), campaign.id)


def test_a_code_becomes_a_pass_and_the_pass_a_signature(
    session: Session, desk: VerificationContext, mailed: list[Recipient]
) -> None:
    campaign = make.campaign(session)
    with db.transaction() as asking:
        challenge = ask(asking, desk, campaign, "Suzie.Q+x@corp.example")
    assert [(each.address, each.lang) for each in mailed] == [("suzie.q@corp.example", "en")]
    asked = blinding(campaign)
    stamp = verification.issue(
        session, desk, OpenCampaign.of(campaign), challenge, mailed[0].code, asked.blinded, make.NOW
    )
    held = passes.complete(asked, stamp).held
    assert signatures.redeem(session, OpenCampaign.of(campaign), held, make.ANONYMOUS).by_epoch == checkpoint.NEXT_BATCH
    assert verification.issued(session, campaign.id) == {"work_email": 1}


def test_a_lost_reply_may_be_asked_for_again_but_no_second_pass(
    session: Session, desk: VerificationContext, mailed: list[Recipient]
) -> None:
    campaign = make.campaign(session)
    with db.transaction() as asking:
        challenge = ask(asking, desk, campaign, "suzie@corp.example")
    asked, code = blinding(campaign), mailed[0].code
    stamps = {
        verification.issue(session, desk, OpenCampaign.of(campaign), challenge, code, asked.blinded, make.NOW)
        for _ in range(3)
    }
    assert len(stamps) == 1
    with pytest.raises(AlreadyVerified):
        verification.issue(
            session, desk, OpenCampaign.of(campaign), challenge, code, blinding(campaign).blinded, make.NOW
        )
    with db.transaction() as asking:
        again = ask(asking, desk, campaign, "s.u.z.i.e@eu.corp.example")
    with pytest.raises(AlreadyVerified):
        verification.issue(
            session, desk, OpenCampaign.of(campaign), again, mailed[1].code, blinding(campaign).blinded, make.NOW
        )
    assert verification.issued(session, campaign.id) == {"work_email": 1}


def test_a_lost_reply_may_be_asked_for_again_days_later(
    session: Session, desk: VerificationContext, mailed: list[Recipient]
) -> None:
    campaign, asked_with = make.campaign(session), None
    stamps = set()
    for days in (0, 2):
        now = make.NOW + timedelta(days=days)
        challenge = asked(desk, campaign, "suzie@corp.example", now)
        asked_with = asked_with or blinding(campaign)
        code = mailed[-1].code
        stamps.add(
            verification.issue(session, desk, OpenCampaign.of(campaign), challenge, code, asked_with.blinded, now)
        )
        verification.purge(session, now.date() + timedelta(days=3))
    assert len(stamps) == 1
    assert verification.issued(session, campaign.id) == {"work_email": 1}


def counts(desk: VerificationContext, now: datetime = make.NOW) -> dict[str, tuple[int, int]]:
    """The codes asked for and used on a day so far, by domain."""
    return {each.domain: (each.asked, each.used) for each in desk.redis_store.codes_of(now.date())}


def test_codes_of_the_running_day_are_counted_in_redis_once_for_each_mail_and_each_person(
    session: Session, desk: VerificationContext, mailed: list[Recipient]
) -> None:
    """P44: the database gets no row and no column of them; a mail beyond the cap and a lost reply count for nothing."""
    domains = {each: {"plus": True, "dots": True} for each in ("corp.example", "b.example")}
    campaign = make.campaign(session, domains=domains)
    challenges = [asked(desk, campaign, "suzie@corp.example") for _ in range(work_email.MAILS_A_DAY + 2)]
    asked(desk, campaign, "mallory@b.example")
    assert counts(desk) == {"corp.example": (work_email.MAILS_A_DAY, 0), "b.example": (1, 0)}
    hers, opened, code = blinding(campaign), OpenCampaign.of(campaign), mailed[0].code
    for challenge in challenges:
        assert verification.issue(session, desk, opened, challenge, code, hers.blinded, make.NOW)
    with pytest.raises(AlreadyVerified):
        verification.issue(session, desk, opened, challenges[0], code, blinding(campaign).blinded, make.NOW)
    assert counts(desk) == {"corp.example": (work_email.MAILS_A_DAY, 1), "b.example": (1, 0)}
    assert session.scalar(select(func.count()).select_from(CodeDay)) == 0


def test_a_code_used_after_midnight_counts_for_the_day_on_which_it_is_used(
    session: Session, desk: VerificationContext, mailed: list[Recipient]
) -> None:
    """P44: and a day on which no code was asked for at a domain has no row, so nobody sees that one was used."""
    campaign, late = make.campaign(session), datetime(2026, 11, 23, 23, 59, tzinfo=UTC)
    challenge, after = asked(desk, campaign, "suzie@corp.example", late), late + timedelta(minutes=5)
    code = mailed[0].code
    verification.issue(session, desk, OpenCampaign.of(campaign), challenge, code, blinding(campaign).blinded, after)
    assert (counts(desk, late), counts(desk, after)) == ({"corp.example": (1, 0)}, {})


class Forgetful(RedisStore):
    """Redis that goes away between the steps of a request and the count of it."""

    def _count_code(self, day: date, field: bytes, n: int) -> None:
        raise RedisUnavailable


def test_who_verifies_while_redis_goes_away_gets_mail_and_pass_and_the_figure_is_lost(
    session: Session, services: EmbeddedServices, desk: VerificationContext, mailed: list[Recipient]
) -> None:
    """P44: a figure of the day is less than a pass."""
    campaign, forgetful = make.campaign(session), replace(desk, redis_store=Forgetful(services.redis_url))
    challenge = asked(forgetful, campaign, "suzie@corp.example")
    opened, hers = OpenCampaign.of(campaign), blinding(campaign)
    assert verification.issue(session, forgetful, opened, challenge, mailed[0].code, hers.blinded, make.NOW)
    assert counts(desk) == {}


def test_five_tries_then_even_the_right_code_is_wrong(
    session: Session, desk: VerificationContext, mailed: list[Recipient]
) -> None:
    """P21."""
    campaign = make.campaign(session)
    with db.transaction() as asking:
        challenge = ask(asking, desk, campaign, "suzie@corp.example")
    asked = blinding(campaign)
    right = mailed[0].code
    wrong = f"{(int(right) + 1) % 10**16:016d}"
    for code in [wrong] * 5 + [right]:
        with pytest.raises(CodeWrong):
            verification.issue(session, desk, OpenCampaign.of(campaign), challenge, code, asked.blinded, make.NOW)


def wrong_codes(
    session: Session, desk: VerificationContext, campaign: Campaign, times: int, now: datetime = make.NOW
) -> list[type[CodeWrong]]:
    """Guesses at the code of one address, five to a challenge, each challenge from a network of its own."""
    guessed, blinded = OpenCampaign.of(campaign), blinding(campaign).blinded
    found = []
    for number in range(times):
        if number % 5 == 0:
            network = secrets.token_bytes(16)
            with db.transaction() as asking:
                challenge = ask(asking, desk, campaign, "suzie@corp.example", network, now)
        with pytest.raises(CodeWrong) as refused:
            verification.issue(session, desk, guessed, challenge, f"0000{number:04d}", blinded, now)
        found.append(refused.type)
    return found


@pytest.mark.parametrize("hour", [1, 12, 23])
def test_who_guesses_all_day_from_many_networks_tries_fifty_codes_and_locks_nobody_out(
    session: Session, desk: VerificationContext, mailed: list[Recipient], hour: int
) -> None:
    """P47: 50 of 10⁸ codes, three mails to her; whenever she comes she verifies with the long code of any of them."""
    campaign, midnight = make.campaign(session), make.NOW.astimezone(UTC).replace(hour=0, minute=31)
    found = [each for n in range(hour + 1) for each in wrong_codes(session, desk, campaign, 30, midnight + n * HOUR)]
    assert found == [CodeWrong] * 49 + [AddressGuessed] + [LongCodeNeeded] * (len(found) - 50)
    now = midnight + hour * HOUR
    hers, asked_with = asked(desk, campaign, "suzie@corp.example", now), blinding(campaign).blinded
    assert sum(bool(each.address) for each in mailed) == work_email.MAILS_A_DAY
    code = mailed[0].code
    assert len(code) == 16
    with pytest.raises(LongCodeNeeded):
        verification.issue(session, desk, OpenCampaign.of(campaign), hers, code[:8], asked_with, now)
    late = now + timedelta(minutes=14)
    assert len(verification.issue(session, desk, OpenCampaign.of(campaign), hers, code, asked_with, late)) == 256


def test_the_fifty_are_counted_over_all_campaigns_and_begin_anew_each_day(
    session: Session, desk: VerificationContext
) -> None:
    """P47: the code of an address is the same in all campaigns."""
    first, second = make.campaign(session), make.campaign(session)
    assert set(wrong_codes(session, desk, first, 50)) == {CodeWrong, AddressGuessed}
    assert set(wrong_codes(session, desk, second, 5)) == {LongCodeNeeded}
    assert set(wrong_codes(session, desk, first, 5, make.NOW + timedelta(days=1))) == {CodeWrong}


@pytest.mark.parametrize("hour", [0, 12, 23])
def test_wrong_codes_are_kept_to_the_end_of_their_day_and_half_an_hour_at_whatever_time_they_came(hour: int) -> None:
    now = datetime(2026, 11, 24, hour, 31, tzinfo=UTC)
    ends = now + timedelta(seconds=work_email._seconds_left(now))
    assert ends == datetime(2026, 11, 25, 0, 30, tzinfo=UTC)


def test_a_code_of_one_campaign_is_worthless_in_another(
    session: Session, desk: VerificationContext, mailed: list[Recipient]
) -> None:
    """P21."""
    first, second = make.campaign(session), make.campaign(session)
    with db.transaction() as asking:
        challenge = ask(asking, desk, first, "suzie@corp.example")
    with pytest.raises(CodeWrong):
        verification.issue(
            session, desk, OpenCampaign.of(second), challenge, mailed[0].code, blinding(second).blinded, make.NOW
        )


def test_the_fourth_code_of_a_day_goes_nowhere_and_the_answer_is_the_same(
    session: Session, desk: VerificationContext, mailed: list[Recipient]
) -> None:
    """P47."""
    campaign = make.campaign(session)
    challenges = []
    for spelling in ("suzie@corp.example", "Suzie+1@corp.example", "s.uzie@corp.example", "SUZIE@corp.example"):
        with db.transaction() as asking:
            challenges.append(ask(asking, desk, campaign, spelling))
    assert [bool(each.address) for each in mailed] == [True, True, True, False]
    assert {len(challenge) for challenge in challenges} == {22}


def test_whoever_asked_first_all_codes_of_an_address_and_day_are_the_same_and_answer_her_own_challenge(
    session: Session, desk: VerificationContext, mailed: list[Recipient]
) -> None:
    """P47: strangers used up the mails of her day: she types the code that one of these brought."""
    campaign = make.campaign(session)
    spellings = ("suzie@corp.example", "Suzie+1@corp.example", "s.uzie@corp.example")
    foreign = [asked(desk, campaign, spelling) for spelling in spellings]
    hers = asked(desk, campaign, "suzie@corp.example")
    assert [bool(each.address) for each in mailed] == [True, True, True, False]
    assert len({each.code for each in mailed}) == 1
    assert len({*foreign, hers}) == 4
    stamp = verification.issue(
        session,
        desk,
        OpenCampaign.of(campaign),
        hers,
        mailed[0].code,
        blinding(campaign).blinded,
        make.NOW + timedelta(minutes=14),
    )
    assert len(stamp) == 256


def test_whoever_asks_for_her_at_another_host_never_uses_up_the_mail_to_hers(
    session: Session, desk: VerificationContext, mailed: list[Recipient]
) -> None:
    """P47: mail goes to the host as typed, and a listed host may reach somebody else or nobody."""
    campaign = make.campaign(session)
    for spelling in ("suzie@eu.corp.example", "Suzie+1@eu.corp.example", "s.uzie@eu.corp.example"):
        asked(desk, campaign, spelling)
    hers = asked(desk, campaign, "suzie@corp.example")
    assert mailed[-1].address == "suzie@corp.example"
    opened, late = OpenCampaign.of(campaign), make.NOW + timedelta(minutes=14)
    assert verification.issue(session, desk, opened, hers, mailed[-1].code, blinding(campaign).blinded, late)


def test_a_person_gets_three_mails_a_day_and_one_more_for_each_listed_host_however_her_address_is_spelled(
    session: Session, desk: VerificationContext, mailed: list[Recipient]
) -> None:
    """P47: and the counts begin anew each day."""
    hosts = ["eu.corp.example", "us.corp.example"]
    campaign = make.campaign(session, domains={"corp.example": {"plus": True, "dots": True, "hosts": hosts}})
    for day in range(2):
        mailed.clear()
        for host in ("corp.example", *hosts):
            for spelling in ("suzie", "s.uzie", "s.u.zie+1", "SUZIE+b"):
                asked(desk, campaign, f"{spelling}@{host}", make.NOW + timedelta(days=day))
        went = Counter(each.address.partition("@")[2] for each in mailed if each.address)
        assert went == {"corp.example": 3, "eu.corp.example": 1, "us.corp.example": 1}


def test_codes_differ_by_address_and_by_day(
    session: Session, desk: VerificationContext, mailed: list[Recipient]
) -> None:
    campaign = make.campaign(session)
    for address, day in (("suzie@corp.example", 0), ("suzie@corp.example", 1), ("mallory@corp.example", 0)):
        asked(desk, campaign, address, make.NOW + timedelta(days=day))
    assert len({each.code for each in mailed}) == 3
    assert all(len(each.code) == 16 and each.code.isdigit() for each in mailed)


def test_the_mails_used_up_in_one_campaign_bring_the_code_of_another(
    session: Session, desk: VerificationContext, mailed: list[Recipient]
) -> None:
    """The cap belongs to the mailbox, over all campaigns: so does the code, or a stranger could use up one for the other."""
    first, second = make.campaign(session), make.campaign(session)
    for _ in range(work_email.MAILS_A_DAY):
        asked(desk, first, "suzie@corp.example")
    hers = asked(desk, second, "suzie@corp.example")
    assert verification.issue(
        session, desk, OpenCampaign.of(second), hers, mailed[0].code, blinding(second).blinded, make.NOW
    )


@pytest.mark.parametrize(("minutes", "good"), [(5, True), (16, True), (29, True), (31, False)])
def test_a_code_mailed_before_midnight_stays_good_for_a_while_after(
    session: Session, desk: VerificationContext, mailed: list[Recipient], minutes: int, good: bool
) -> None:
    campaign = make.campaign(session)
    midnight = (make.NOW + timedelta(days=1)).astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    asked(desk, campaign, "suzie@corp.example", midnight - timedelta(minutes=1))
    now = midnight + timedelta(minutes=minutes)
    hers = asked(desk, campaign, "suzie@corp.example", now)
    yesterday, today = (each.code for each in mailed)
    if good:
        assert verification.issue(
            session, desk, OpenCampaign.of(campaign), hers, yesterday, blinding(campaign).blinded, now
        )
        return
    with pytest.raises(CodeWrong):
        verification.issue(session, desk, OpenCampaign.of(campaign), hers, yesterday, blinding(campaign).blinded, now)
    assert verification.issue(session, desk, OpenCampaign.of(campaign), hers, today, blinding(campaign).blinded, now)


def test_the_caps_are_written_alike_for_a_new_address_one_asked_about_before_and_one_that_had_its_mails(
    session: Session, desk: VerificationContext, mailed: list[Recipient], monkeypatch: pytest.MonkeyPatch
) -> None:
    """P30: whatever differed here, the time of the answer would tell."""
    monkeypatch.setattr(work_email, "FILLERS", 1)
    campaign, written = make.campaign(session), []
    hers = ["suzie@corp.example"] * (work_email.MAILS_A_DAY + 1) + ["suzie@eu.corp.example"] * 2
    for address in ("mallory@corp.example", *hers):
        with db.transaction() as asking:
            ask(asking, desk, campaign, address)
        written.append(session.execute(select(func.count(), func.sum(MailCap.n))).one())
    assert written == [(4 + 2 * n, 4 + 4 * n) for n in range(7)], "two rows are inserted and two counted up, each time"
    assert [bool(each.address) for each in mailed] == [True, True, True, True, False, True, False]


def test_thirty_two_people_asking_at_once_for_one_address_get_three_mails_and_one_pass(
    engine: Engine, desk: VerificationContext, mailed: list[Recipient]
) -> None:
    """P6: one address in several spellings, at once."""
    with db.transaction() as session:
        slug = make.campaign(session).slug
    spellings = ["suzie@corp.example", "Suzie+a@corp.example", "s.u.zie@corp.example", "SUZIE@corp.example"]
    challenges: list[str] = []

    def one(number: int) -> None:
        with db.transaction() as session:
            campaign = campaigns.find(session, slug)
            challenges.append(ask(session, desk, campaign, spellings[number % 4], number.to_bytes(32)))

    in_threads(one, 32)
    assert sum(each.address is not None for each in mailed) == 3
    outcomes: list[str] = []

    def redeem_code(number: int) -> None:
        with db.transaction() as session:
            campaign = campaigns.find(session, slug)
            proven = verification.Proven("work_email", b"one person".ljust(32))
            try:
                verification.stamp(session, desk.pepper, OpenCampaign.of(campaign), proven, blinding(campaign).blinded)
                outcomes.append("stamped")
            except AlreadyVerified:
                outcomes.append("refused")

    in_threads(redeem_code, 32)
    assert sorted(outcomes) == ["refused"] * 31 + ["stamped"]
    with db.session() as session:
        assert session.scalar(select(func.count()).select_from(Tag)) == 1
        assert session.scalar(select(Issued.n)) == 1


def test_one_pass_redeemed_by_thirty_two_at_once_is_one_signature(engine: Engine) -> None:
    """P6: one pass, at once."""
    with db.transaction() as session:
        made = make.campaign(session)
        slug, held = made.slug, make.a_pass(session, made).held
    outcomes: list[str] = []

    def one(_: int) -> None:
        try:
            with db.transaction() as session:
                signatures.redeem(session, OpenCampaign.of(campaigns.find(session, slug)), held, make.ANONYMOUS)
            outcomes.append("signed")
        except signatures.PassSpent:
            outcomes.append("spent")

    in_threads(one, 32)
    assert sorted(outcomes) == ["signed"] + ["spent"] * 31


def test_a_network_that_uses_no_code_is_stopped_after_sixty(session: Session, desk: VerificationContext) -> None:
    """P23: ten thousand posts from one network; each further one is refused before anything is mailed."""
    campaign = make.campaign(session)
    sent: list[Event] = []
    events.connect(sent.append)
    refused = 0
    for number in range(200):
        try:
            with db.transaction() as asking:
                ask(asking, desk, campaign, f"person{number}@corp.example")
        except NetworkExhausted:
            refused += 1
    assert (len(sent), refused) == (60, 140)


def test_an_office_of_three_hundred_whose_browsers_do_their_proofs_never_meets_the_limit(
    session: Session, desk: VerificationContext, mailed: list[Recipient]
) -> None:
    """P23: colleagues behind one address."""
    campaign = make.campaign(session)
    for number in range(300):
        with db.transaction() as asking:
            challenge = ask(asking, desk, campaign, f"person{number}@corp.example", proven=True)
        asked = blinding(campaign)
        verification.issue(
            session,
            desk,
            OpenCampaign.of(campaign),
            challenge,
            mailed[-1].code,
            asked.blinded,
            make.NOW + timedelta(seconds=number),
        )
    assert verification.issued(session, campaign.id) == {"work_email": 300}


def in_threads(work, n: int) -> None:  # type: ignore[no-untyped-def]
    """Run work(0) … work(n - 1) at once."""
    threads = [threading.Thread(target=work, args=(number,)) for number in range(n)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def closes_only_after(slug: str, work: Callable[[Session, Campaign], object]) -> None:
    """Somebody is at work when the campaign is closed: the close waits for the commit."""

    def close() -> None:
        with db.transaction() as closing:
            epochs.close_campaign(closing, campaigns.find(closing, slug), make.NOW)

    closer = threading.Thread(target=close)
    with db.transaction() as working:
        work(working, campaigns.find(working, slug))
        closer.start()
        until("the close to wait for a lock", lock_waiters)
        assert closer.is_alive()
    closer.join(10)
    assert not closer.is_alive()


def test_a_close_waits_for_a_stamp_under_way_and_leaves_no_tag(engine: Engine) -> None:
    with db.transaction() as session:
        slug = make.campaign(session).slug
    closes_only_after(slug, make.a_pass)
    with db.session() as session:
        assert session.scalar(select(func.count()).select_from(Tag)) == 0
        with pytest.raises(CampaignClosed):
            make.a_pass(session, campaigns.find(session, slug))


def test_a_close_waits_for_a_signature_under_way_and_takes_no_later_one(engine: Engine) -> None:
    with db.transaction() as session:
        made = make.campaign(session)
        held = make.a_pass(session, made).held
        late = make.a_pass(session, made).held
    closes_only_after(
        made.slug, lambda session, campaign: signatures.redeem(session, OpenCampaign.of(campaign), held, make.ANONYMOUS)
    )
    with db.session() as session:
        assert epochs.audit(session, campaigns.find(session, made.slug)).counted == 1
        with pytest.raises(CampaignClosed):
            signatures.redeem(session, OpenCampaign.of(made), late, make.ANONYMOUS)


def test_a_value_that_cannot_be_stamped_leaves_the_challenge_to_the_one_that_can(
    session: Session, desk: VerificationContext, mailed: list[Recipient]
) -> None:
    campaign = make.campaign(session)
    with db.transaction() as asking:
        challenge = ask(asking, desk, campaign, "suzie@corp.example")
    asked, opened = blinding(campaign), OpenCampaign.of(campaign)
    for wrong in (bytes(256), b"\xff" * 256):
        with pytest.raises(BlindedRefused):
            verification.issue(session, desk, opened, challenge, mailed[0].code, wrong, make.NOW)
    stamp = verification.issue(session, desk, opened, challenge, mailed[0].code, asked.blinded, make.NOW)
    assert passes.complete(asked, stamp).held.hw
