"""A backup: whole, sealed, of one moment; and a copy made from it that is harmless and keeps every signer's last word."""

from __future__ import annotations

import hashlib
import io
import random
import secrets
import shutil
import threading
import tracemalloc
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from zipfile import ZipFile

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from sqlalchemy import Engine, MetaData, create_engine, select, text
from sqlalchemy.engine import make_url

from petition import backup, campaigns, epochs, organisers, publication, signatures
from petition.backup import (
    BackupBroken,
    BackupRefused,
    BackupUnsigned,
    DatabaseHoldsData,
    LedgerRefused,
    Order,
    Restored,
    dump,
    ledger_replay,
    replay,
)
from petition.backup.stream import (
    CHUNK,
    END,
    INFO,
    MAGIC,
    SEALED_KEY_BYTES,
    SIGNATURE_BYTES,
    SIGNED,
    SUITE,
    TAG,
    UNPADDED_MAGIC,
    UNSIGNED_MAGIC,
    Opening,
    Sealing,
    padded,
)
from petition.bootstrap import EmbeddedServices
from petition.campaigns import Campaign, CampaignState, OpenCampaign
from petition.campaigns.milestones import MilestoneKind, ReachedMilestone
from petition.config.addresses import APPLICATION_ROLE, OWNER_ROLE
from petition.core import database_roles, db, heartbeats, migrate
from petition.core.db import Base
from petition.epochs.history import Epoch
from petition.ledger import log
from petition.ledger.entries import Removal, Visibility
from petition.mailing import queue, subscribers
from petition.mailing.queue.pauses import RESTORED
from petition.mailing.subscribers import Audience, enter
from petition.organisers import audit_log as journals
from petition.organisers.actor import Actor, Operator
from petition.organisers.audit_log import Action, AuditEntry
from petition.privacy import keyring, scrub_state
from petition.privacy.scrub import SAW_ARRIVALS, Scrubbed, scrub
from petition.publication import bundle_file
from petition.signatures import DisplayChoice, PassSpent, SignatureState, bulk_removal
from petition.signatures.tables import Pending, Signature, Spent
from petition.verification.tables import Issued, Issuer, Tag
from tests import make
from tests.support.services import as_role, owner_of, roles_of

URL = "http://localhost"
KEY = X25519PrivateKey.generate()
MIB = 1024 * 1024
MAKER = Ed25519PrivateKey.generate()
LATER = make.NOW + timedelta(seconds=10)
NAMED = DisplayChoice(Visibility.NAME, name="Suzie Quux")


@pytest.fixture
def elsewhere(services: EmbeddedServices, engine: Engine) -> Iterator[str]:
    """The address of a database without tables, for the application."""
    url = make_url(services.database_url)
    name = f"copy_{secrets.token_hex(6)}"
    admin = create_engine(url.set(database="postgres"), isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    yield as_role(url.set(database=name).render_as_string(hide_password=False), APPLICATION_ROLE)
    db.disconnect()
    with admin.connect() as connection:
        connection.execute(text(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)"))
    admin.dispose()


def backed_up(tmp_path: Path, name: str = "a.backup") -> Path:
    path = tmp_path / name
    backup.write(db.engine(), path, KEY.public_key(), MAKER, make.NOW)
    return path


def restored(path: Path, tmp_path: Path, **more: object) -> Restored:
    """Restore as the owner into the database that this process works with as the application."""
    roles = roles_of(db.engine().url.render_as_string(hide_password=False))
    order = Order(path, KEY, [MAKER.public_key()], tmp_path / "home", roles=roles, **more)  # type: ignore[arg-type]
    owner = owner_of(db.engine())
    try:
        return backup.restore(owner, order, LATER)
    finally:
        owner.dispose()
        db.disconnect()


def rows() -> dict[str, list[tuple[object, ...]]]:
    """Every row of every table."""
    with db.session() as session:
        return {
            table.fullname: sorted(map(tuple, session.execute(select(table)).all()), key=repr)
            for table in Base.metadata.sorted_tables
        }


def bundle_of(campaign: Campaign, tmp_path: Path, name: str) -> Path:
    """The public bundle as it is now."""
    with db.session() as session:
        found = session.get_one(Campaign, campaign.id)
        bundle_file.write_bundle(session, found, tmp_path)
    return Path(shutil.copy(bundle_file.bundle_path(tmp_path, campaign.slug), tmp_path / name))


def faults_of(campaign: Campaign) -> list[str]:
    with db.session() as session:
        return epochs.audit(session, session.get_one(Campaign, campaign.id)).faults


def head_of(campaign: Campaign) -> log.Head:
    with db.session() as session:
        return log.head_of(session, campaign.id)


def close_epoch(campaign: Campaign, seconds: int = 10) -> None:
    with db.transaction() as session:
        epochs.close_epoch(session, session.get_one(Campaign, campaign.id), make.NOW + timedelta(seconds=seconds))


def a_campaign(**changes: object) -> Campaign:
    with db.transaction() as session:
        return make.campaign(session, **changes)  # type: ignore[arg-type]


def sign(campaign: Campaign, *wishes: DisplayChoice) -> list[signatures.Receipt]:
    with db.transaction() as session:
        found = session.get_one(Campaign, campaign.id)
        return [make.signature(session, found, wish) for wish in wishes]


# --- The file -----------------------------------------------------------------------------------------------------


def sealed(data: bytes) -> bytes:
    file = io.BytesIO()
    sealing = Sealing(file, KEY.public_key(), MAKER)
    sealing.write(data)
    sealing.finish()
    return file.getvalue()


def opened(data: bytes, size: int) -> bytes:
    opening = Opening(io.BytesIO(data), KEY, [MAKER.public_key()])
    found = opening.read(size)
    opening.finish()
    return found


@pytest.mark.parametrize("size", [1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK, 3 * CHUNK + 5])
def test_what_is_sealed_opens_again_whatever_its_length(size: int) -> None:
    data = secrets.token_bytes(size)
    assert opened(sealed(data), size) == data


def test_chunks_that_are_cut_swapped_repeated_or_of_another_file_do_not_open() -> None:
    data = secrets.token_bytes(3 * CHUNK + 5)
    whole, other = sealed(data), sealed(data)
    start, step = len(MAGIC) + SEALED_KEY_BYTES + SIGNATURE_BYTES, CHUNK + TAG
    head, chunks = whole[:start], [whole[at : at + step] for at in range(start, len(whole), step)]
    stranger = other[start : start + step]
    altered = [
        head,
        head + b"".join(chunks[:-1]),
        head + b"".join(chunks[1:]),
        head + chunks[1] + chunks[0] + b"".join(chunks[2:]),
        head + chunks[0] + b"".join(chunks),
        head + stranger + b"".join(chunks[1:]),
        other[:start] + b"".join(chunks),
        whole + b"x",
        whole + chunks[-1],
        whole[:-1],
        b"",
    ]
    for each in altered:
        with pytest.raises(BackupBroken):
            opened(each, len(data))
    with pytest.raises(BackupBroken):
        opened(whole, len(data) - 1)


def test_who_only_has_the_public_key_makes_no_backup_that_is_taken(engine: Engine, tmp_path: Path) -> None:
    """The key that seals is public: a file counts by its maker's signature, which covers its head and so each chunk."""
    data, stranger, file = secrets.token_bytes(100), Ed25519PrivateKey.generate(), io.BytesIO()
    forging = Sealing(file, KEY.public_key(), stranger)
    forging.write(data)
    forging.finish()
    forged, genuine = file.getvalue(), sealed(data)
    place = len(MAGIC) + SEALED_KEY_BYTES
    borrowed = forged[:place] + genuine[place : place + SIGNATURE_BYTES] + forged[place + SIGNATURE_BYTES :]
    headed = genuine[: place + SIGNATURE_BYTES] + forged[place + SIGNATURE_BYTES :]
    for each in (forged, borrowed, headed):
        with pytest.raises(BackupBroken):
            opened(each, 100)
    (tmp_path / "forged").write_bytes(forged)
    with pytest.raises(BackupBroken, match=r"^This installation did not make this backup, .* with --from\.$"):
        restored(tmp_path / "forged", tmp_path)
    assert Opening(io.BytesIO(forged), KEY, [MAKER.public_key(), stranger.public_key()]).read(100) == data


def of_the_first_version(data: bytes) -> bytes:
    """A file as the first version of the format wrote it: nobody signed it."""
    key = secrets.token_bytes(32)
    head = UNSIGNED_MAGIC + SUITE.encrypt(key, KEY.public_key(), INFO[UNSIGNED_MAGIC])
    return head + ChaCha20Poly1305(key).encrypt(bytes(11) + b"\1", data, hashlib.sha256(head).digest())


@pytest.mark.parametrize("size", [1, 9 * MIB, 9 * MIB + 1, 100 * MIB + 1, 12345678901, 2**40 + 1])
def test_a_file_is_padded_by_twelve_per_cent_at_most_or_up_to_a_whole_mebibyte(size: int) -> None:
    length = padded(size)
    assert 0 <= length - size < MIB or length / size <= 1.12
    assert length % MIB == 0
    assert padded(length) == length


def test_whoever_compares_two_files_without_the_key_does_not_see_what_came_between(
    engine: Engine, tmp_path: Path
) -> None:
    campaign, before = a_campaign(), backed_up(tmp_path, "before")
    sign(campaign, NAMED, make.ANONYMOUS)
    close_epoch(campaign)
    after = backed_up(tmp_path, "after")
    assert before.stat().st_size == after.stat().st_size
    lengths = {len(sealed(bytes(size))) for size in (0, 1, CHUNK - 1, CHUNK, MIB - 1)}
    assert lengths == {before.stat().st_size}
    assert len(sealed(bytes(MIB))) > before.stat().st_size


def made_by_hand(magic: bytes, data: bytes) -> bytes:
    """A signed file with exactly these bytes inside, padding and all; the second version of the format had none."""
    key = secrets.token_bytes(32)
    head = magic + SUITE.encrypt(key, KEY.public_key(), INFO[magic])
    head += MAKER.sign(SIGNED + head)
    box, cover, parts = ChaCha20Poly1305(key), hashlib.sha256(head).digest(), [head]
    chunks = [data[at : at + CHUNK] for at in range(0, len(data), CHUNK)]
    for number, chunk in enumerate(chunks, 1):
        nonce = (number - 1).to_bytes(11, "big") + bytes([number == len(chunks)])
        parts.append(box.encrypt(nonce, chunk, cover))
    return b"".join(parts)


def test_a_file_of_the_second_version_is_restored_as_before(engine: Engine, tmp_path: Path) -> None:
    assert opened(made_by_hand(UNPADDED_MAGIC, b"rows"), 4) == b"rows"
    with pytest.raises(BackupBroken, match="more in it"):
        opened(made_by_hand(UNPADDED_MAGIC, b"rows\x80"), 4)
    sign(a_campaign(), NAMED)
    data, before, old = _inside(backed_up(tmp_path)), rows(), tmp_path / "old"
    old.write_bytes(made_by_hand(UNPADDED_MAGIC, data.rstrip(b"\0")[:-1]))
    restored(old, tmp_path, replace=True)
    assert rows()["pending"] == before["pending"] != []


@pytest.mark.parametrize(
    "padding", [b"", END, END + bytes(MIB), bytes(MIB - 4), END + bytes(MIB - 6) + b"x", END + END + bytes(MIB - 6)]
)
def test_padding_of_another_form_or_length_is_refused(padding: bytes) -> None:
    assert opened(made_by_hand(MAGIC, b"rows" + END + bytes(MIB - 5)), 4) == b"rows"
    with pytest.raises(BackupBroken):
        opened(made_by_hand(MAGIC, b"rows" + padding), 4)


def test_a_file_that_nobody_signed_is_taken_only_where_that_is_said(tmp_path: Path, engine: Engine) -> None:
    """Backups of earlier versions; one that is signed gains nothing by posing as one of them."""
    old = of_the_first_version(b"rows")
    (tmp_path / "old").write_bytes(old)
    with pytest.raises(BackupUnsigned, match=r"^This backup does not prove who made it: .* add --unsigned\.$"):
        restored(tmp_path / "old", tmp_path)
    assert Opening(io.BytesIO(old), KEY, [], unsigned=True).read(4) == b"rows"
    signed = sealed(b"rows")
    stripped = UNSIGNED_MAGIC + signed[len(MAGIC) : len(MAGIC) + SEALED_KEY_BYTES]
    stripped += signed[len(MAGIC) + SEALED_KEY_BYTES + SIGNATURE_BYTES :]
    with pytest.raises(BackupBroken):
        Opening(io.BytesIO(stripped), KEY, [], unsigned=True)
    with pytest.raises(BackupBroken, match="did not make"):
        Opening(io.BytesIO(signed), KEY, [], unsigned=True)


def test_each_of_200_flipped_bits_is_refused_and_the_database_is_as_it_was(engine: Engine, tmp_path: Path) -> None:
    campaign = a_campaign()
    sign(campaign, NAMED, make.ANONYMOUS)
    close_epoch(campaign)
    path = backed_up(tmp_path)
    whole, before, dice = path.read_bytes(), rows(), random.Random(200)
    broken = tmp_path / "broken.backup"
    for place in [*range(0, 120, 5), *(dice.randrange(len(whole)) for _ in range(176))]:
        altered = bytearray(whole)
        altered[place] ^= 1 << dice.randrange(8)
        broken.write_bytes(altered)
        with pytest.raises(BackupBroken):
            restored(broken, tmp_path, replace=True)
    assert rows() == before


def test_a_foreign_file_an_empty_one_and_a_wrong_key_are_refused(engine: Engine, owner: Engine, tmp_path: Path) -> None:
    path, foreign = backed_up(tmp_path), tmp_path / "foreign"
    for content in (b"", b"PK\3\4", path.read_bytes()[:60]):
        foreign.write_bytes(content)
        with pytest.raises(BackupBroken):
            restored(foreign, tmp_path)
    wrong = Order(path, X25519PrivateKey.generate(), [MAKER.public_key()], tmp_path)
    with pytest.raises(BackupBroken, match="does not open"):
        backup.restore(owner, wrong, LATER)


def test_a_file_of_the_right_key_that_this_program_did_not_write_is_refused(engine: Engine, tmp_path: Path) -> None:
    """Whoever has the public key can seal anything; names in it never become SQL."""
    heads = [
        b"\0\0\0\2{}",
        b"\xff\xff\xff\xff",
        _framed(b'{"v":1,"revision":"9999","made":"2026-11-25T00:00:00+00:00","tables":[]}'),
        _framed(
            b'{"v":1,"revision":"0007","made":"2026-11-25T00:00:00+00:00",'
            b'"tables":[{"name":"halt; DROP TABLE halt","columns":["what"]}]}'
        ),
        _framed(
            b'{"v":1,"revision":"0007","made":"2026-11-25T00:00:00+00:00",'
            b'"tables":[{"name":"halt","columns":["what","x\\""]}]}'
        ),
    ]
    for head in heads:
        path = tmp_path / "forged"
        path.write_bytes(sealed(head))
        with pytest.raises(BackupRefused):
            restored(path, tmp_path)


def _framed(data: bytes) -> bytes:
    return len(data).to_bytes(4, "big") + data


def test_a_backup_is_for_its_owner_only_and_never_overwrites(engine: Engine, tmp_path: Path) -> None:
    path = backed_up(tmp_path)
    assert path.stat().st_mode & 0o777 == 0o600
    before = path.read_bytes()
    with pytest.raises(BackupRefused, match="there already"):
        backed_up(tmp_path)
    assert path.read_bytes() == before
    assert [each.name for each in tmp_path.iterdir()] == ["a.backup"]


def test_a_full_disk_names_the_file_and_leaves_nothing_behind(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match=r"No space left on device: '.*a\.backup'"):
        backed_up(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_neither_pepper_nor_master_key_nor_a_name_in_clear_is_in_the_file(engine: Engine, tmp_path: Path) -> None:
    from tests.support.services import MASTER_KEY

    campaign = a_campaign()
    sign(campaign, NAMED)
    path = backed_up(tmp_path)
    assert b"Suzie" not in path.read_bytes()
    inside = _inside(path)
    assert b"Suzie Quux" in inside
    for secret in (make.PEPPER, MASTER_KEY.encode()):
        assert secret not in inside
        assert secret.hex().encode() not in inside


def _inside(path: Path) -> bytes:
    opening, found = Opening(io.BytesIO(path.read_bytes()), KEY, [MAKER.public_key()]), b""
    while opening._next is not None:
        found += opening._chunk()
    return found


def test_the_order_in_which_people_came_is_not_in_the_file(engine: Engine, tmp_path: Path) -> None:
    campaign = a_campaign()
    with db.transaction() as session:
        tags = [secrets.token_bytes(32) for _ in range(40)]
        for tag in tags:
            session.add(Tag(campaign_id=campaign.id, tag=tag, reply=bytes(32)))
            session.flush()
    inside = _inside(backed_up(tmp_path))
    places = [inside.index(tag) for tag in tags]
    assert places != sorted(places)
    assert [inside.index(tag) for tag in sorted(tags)] == sorted(places)


def test_a_backup_is_of_one_moment_although_others_write_and_the_scrub_rewrites(
    engine: Engine, maintenance: Engine, tmp_path: Path
) -> None:
    campaign = a_campaign()
    sign(campaign, *[make.ANONYMOUS] * 20)
    stop = threading.Event()
    faults: list[Exception] = []

    def busy(act: Callable[[], object]) -> None:
        while not stop.is_set():
            try:
                act()
            except Exception as error:
                if "lock timeout" not in str(error) and "deadlock" not in str(error):  # the scrub gives way, or they do
                    faults.append(error)

    acts = [lambda: sign(campaign, make.ANONYMOUS), lambda: close_epoch(campaign), lambda: scrub(maintenance)]
    threads = [threading.Thread(target=busy, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    paths = [backed_up(tmp_path, f"{number}.backup") for number in range(4)]
    stop.set()
    for thread in threads:
        thread.join()
    assert faults == []
    for path in paths:
        restored(path, tmp_path, replace=True)
        assert faults_of(campaign) == []
        with db.session() as session:
            spent, pending, logged = (
                len(session.scalars(select(each.hw)).all()) for each in (Spent, Pending, Signature)
            )
            issued, tags = session.scalars(select(Issued.n)).one(), len(session.scalars(select(Tag.tag)).all())
        assert spent == pending + logged >= 20
        assert issued == tags >= spent


def test_a_large_table_passes_through_a_small_memory(engine: Engine, tmp_path: Path) -> None:
    line = "x" * 400
    with db.transaction() as session:
        session.execute(
            text(
                "INSERT INTO entry (campaign_id, index, leaf, line) SELECT decode(repeat('ab', 16), 'hex'), n, "
                "sha256(n::text::bytea), :line FROM generate_series(0, 99999) n"
            ),
            {"line": line},
        )
    tracemalloc.start()
    path = backed_up(tmp_path)
    writing = tracemalloc.get_traced_memory()[1]
    tracemalloc.reset_peak()
    restored(path, tmp_path, replace=True)
    reading = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert path.stat().st_size > 45_000_000
    assert writing < 12_000_000
    assert reading < 12_000_000


# --- The way back -------------------------------------------------------------------------------------------------


def a_whole_installation() -> Campaign:
    """A row in most tables."""
    campaign = a_campaign(goals=((MilestoneKind.COUNT, 1),))
    sign(campaign, NAMED, DisplayChoice(Visibility.ROLE, role="Engineer"), make.ANONYMOUS)
    close_epoch(campaign)
    sign(campaign, make.ANONYMOUS)
    with db.transaction() as session:
        found = session.get_one(Campaign, campaign.id)
        owner = organisers.enrol(session, "Omar", "en", make.NOW)
        organisers.join(session, found.id, owner.id, organisers.Role.OWNER, make.NOW)
        journals.write(session, found.id, Actor(owner.id, make.NOW), Action.CAMPAIGN_CHANGED)
        enter(session, make.PEPPER, found.id, found.policies(), Audience.ORGANISER, "omar@post.example", "en", make.NOW)
    return campaign


def but(found: dict[str, list[tuple[object, ...]]], *tables: str) -> dict[str, list[tuple[object, ...]]]:
    return {name: held for name, held in found.items() if name not in tables}


def test_every_row_comes_back_in_another_database_and_the_copy_sends_nothing(
    engine: Engine, elsewhere: str, tmp_path: Path
) -> None:
    campaign = a_whole_installation()
    with db.transaction() as session:
        assert queue.current_pauses(session, URL) == []
    before, path = rows(), backed_up(tmp_path)
    db.connect(elsewhere)
    restored(path, tmp_path)
    assert but(rows(), "sender", "owed", "publication") == but(before, "sender", "owed", "publication")
    assert migrate.is_current(elsewhere)
    assert faults_of(campaign) == []
    with db.transaction() as session:
        assert queue.current_pauses(session, URL) == [RESTORED]
        queue.resume(session, "all", URL)
    with db.transaction() as session:
        assert queue.current_pauses(session, URL) == []


def test_a_copy_sends_nothing_in_place_and_when_the_original_had_never_sent(engine: Engine, tmp_path: Path) -> None:
    a_whole_installation()
    never = backed_up(tmp_path)
    restored(never, tmp_path, replace=True)
    with db.transaction() as session:
        assert queue.current_pauses(session, URL) == [RESTORED]
        queue.resume(session, "all", URL)
    restored(backed_up(tmp_path, "b.backup"), tmp_path, replace=True)
    with db.transaction() as session:
        assert queue.current_pauses(session, URL) == [RESTORED]


def test_life_goes_on_in_a_copy(engine: Engine, elsewhere: str, tmp_path: Path) -> None:
    campaign = a_whole_installation()
    with db.transaction() as session:
        held = make.a_pass(session, session.get_one(Campaign, campaign.id)).held
        signatures.redeem(session, OpenCampaign.of(session.get_one(Campaign, campaign.id)), held, make.ANONYMOUS)
    path = backed_up(tmp_path)
    db.connect(elsewhere)
    restored(path, tmp_path)
    sign(campaign, make.ANONYMOUS)
    close_epoch(campaign, 20)
    assert (head_of(campaign).counted, faults_of(campaign)) == (6, [])
    with db.transaction() as session:
        found = session.get_one(Campaign, campaign.id)
        with pytest.raises(PassSpent), session.begin_nested():
            signatures.redeem(session, OpenCampaign.of(found), held, make.ANONYMOUS)
        journals.write(session, found.id, Operator(make.NOW), Action.CAMPAIGN_CHANGED)
    with db.session() as session:
        assert session.scalars(select(AuditEntry.number).order_by(AuditEntry.number)).all() == [1, 2, 3]


def test_whoever_holds_a_page_of_the_original_gets_the_page_of_the_copy(engine: Engine, tmp_path: Path) -> None:
    campaign = a_campaign()
    (receipt,) = sign(campaign, NAMED)
    close_epoch(campaign)
    path = backed_up(tmp_path)
    with db.transaction() as session:
        signatures.hide(session, OpenCampaign.of(session.get_one(Campaign, campaign.id)), receipt.withdraw)
        epochs.refresh_stale(session, LATER)
    with db.session() as session:
        held = publication.load(session, campaign.slug)
    restored(path, tmp_path, replace=True)
    with db.session() as session:
        page = publication.load(session, campaign.slug, held.version)
    assert [each.name for each in page.first_names] == ["Suzie Quux"]


def test_rows_that_no_table_takes_are_the_fault_of_the_file(engine: Engine, tmp_path: Path) -> None:
    head = b'{"v":1,"revision":"0007","made":"2026-11-25T00:00:00+00:00","tables":[{"name":"halt","columns":["what","since","words"]}]}'
    path = tmp_path / "forged"
    path.write_bytes(sealed(_framed(head) + _framed(b"no rows at all") + _framed(b"")))
    with pytest.raises(BackupBroken, match="not written by this program"):
        restored(path, tmp_path)


def test_nobody_is_signed_in_after_a_restore_and_no_link_works_again(engine: Engine, tmp_path: Path) -> None:
    a_whole_installation()
    with db.transaction() as session:
        organisers.invite(session, None, None, Operator(make.NOW))
        subscribers.unread.keep(session, b"A report.", [], "no-reply@accounts.example", make.NOW.date())
    restored(backed_up(tmp_path), tmp_path, replace=True)
    found = rows()
    assert [found[name] for name in ("visit", "invitation", "export", "unread_report")] == [[], [], [], []]


def test_a_database_that_holds_data_is_left_alone_and_the_figures_are_said(engine: Engine, tmp_path: Path) -> None:
    path = backed_up(tmp_path)
    a_whole_installation()
    before = rows()
    with pytest.raises(DatabaseHoldsData) as refusal:
        restored(path, tmp_path)
    assert str(refusal.value) == (
        "The database is not empty; --replace --yes would delete 1 campaigns, 3 signatures, 1 waiting signatures, 1 subscribers, "
        "1 organisers."
    )
    assert rows() == before
    restored(path, tmp_path, replace=True)
    assert rows()["campaign"] == []


def test_tables_of_another_program_are_left_alone(engine: Engine, elsewhere: str, tmp_path: Path) -> None:
    path = backed_up(tmp_path)
    db.connect(elsewhere)
    other = owner_of(db.engine())
    with other.begin() as connection:
        connection.execute(text("CREATE TABLE campaign (id int)"))
    other.dispose()
    with pytest.raises(BackupRefused, match="another program"):
        restored(path, tmp_path)


def backed_up_by(revision: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A backup as an earlier version wrote it: the database is taken down to its tables, which are read from there."""
    migrate.downgrade(as_role(db.engine().url.render_as_string(hide_password=False), OWNER_ROLE), revision)
    tables = MetaData()
    for schema in (None, "verification"):
        tables.reflect(db.engine(), schema)
    tables.remove(tables.tables["alembic_version"])
    with monkeypatch.context() as older:
        older.setattr(Base, "metadata", tables)
        older.setattr(dump, "SAW_ARRIVALS", tuple(name for name in SAW_ARRIVALS if name in tables.tables))
        older.setattr(migrate, "is_newest", lambda _: True)
        owner = owner_of(db.engine())  # the application has no grants on tables of that time
        path = tmp_path / "a.backup"
        backup.write(owner, path, KEY.public_key(), MAKER, make.NOW)
        owner.dispose()
        return path


@pytest.mark.parametrize("revision", [f"{number:04}" for number in range(1, 10)])
def test_an_older_backup_is_brought_up_to_date(
    engine: Engine, elsewhere: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, revision: str
) -> None:
    """The backup of each earlier version has the tables and columns of its time, and spells states as it did then."""
    campaign = a_campaign()
    sign(campaign, NAMED)
    path = backed_up_by(revision, tmp_path, monkeypatch)
    db.connect(elsewhere)
    restored(path, tmp_path)
    assert migrate.is_current(elsewhere)
    with db.session() as session:
        assert session.scalars(select(Pending.name)).all() == ["Suzie Quux"]
        assert session.get_one(Campaign, campaign.id).stopped == []
    close_epoch(campaign)
    assert faults_of(campaign) == []


def test_the_backup_of_the_version_before_comes_back_row_by_row(
    engine: Engine, elsewhere: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Version 0007 had names of states, heartbeats as slots, no moment of an opening, no hosts by name and no tickets.

    It kept the hashes by which lost replies are requested again without their tags.
    """
    campaign = a_whole_installation()
    with db.transaction() as session:
        session.get_one(Campaign, campaign.id).domains = {"corp.example": {"dots": True, "plus": True}}
        head = log.head_of(session, campaign.id)
        head.opened_at = head.epoch_at
        heartbeats.beat(session, "prompt", make.NOW)
        scrub_state.record(session, Scrubbed(rewritten=True, wal_switched=False, checkpointed=True), make.NOW)
    before = rows()
    path = backed_up_by("0007", tmp_path, monkeypatch)
    db.connect(elsewhere)
    restored(path, tmp_path)
    changed = ("sender", "owed", "publication", "pending", "signature", "waiting_act", "verification.tag")
    assert but(rows(), *changed) == but(before, *changed)


def test_every_migration_goes_down_to_nothing_and_up_again(engine: Engine, owner: Engine) -> None:
    a_whole_installation()
    with owner.begin() as connection:
        migrate.within(connection, migrate.BASE)
        migrate.within(connection, migrate.HEAD)
        database_roles.grant(connection, roles_of(owner.url.render_as_string(hide_password=False)))
    assert rows()["campaign"] == []


def test_a_master_key_that_does_not_open_the_keys_is_told_before_anything_changes(
    engine: Engine, elsewhere: str, tmp_path: Path
) -> None:
    from cryptography.fernet import Fernet

    a_campaign()
    path = backed_up(tmp_path)
    db.connect(elsewhere)
    keyring.connect([Fernet.generate_key().decode()])
    with pytest.raises(BackupRefused, match="PETITION_MASTER_KEY"):
        restored(path, tmp_path)
    with db.engine().connect() as connection:
        assert connection.scalar(text("SELECT to_regclass('campaign')")) is None


# --- The newer ledger ---------------------------------------------------------------------------------------------


def state_of(campaign: Campaign, receipt: signatures.Receipt) -> tuple[SignatureState, str]:
    with db.session() as session:
        row = session.scalars(
            select(Signature).where(Signature.campaign_id == campaign.id, Signature.leaf == receipt.leaf)
        ).one()
        return row.state, row.name


def test_what_signers_and_organisers_did_after_the_backup_is_done_again(
    engine: Engine, elsewhere: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for each in (ledger_replay, replay):
        monkeypatch.setattr(each, "AT_ONCE", 2)  # in portions, as if there were thousands
    campaign = a_campaign(goals=((MilestoneKind.COUNT, 5),))
    names = [
        DisplayChoice(Visibility.NAME, name=f"{name} Example")
        for name in ("Alice", "Bob", "Carol", "Dave", "Erin", "Frank")
    ]
    stays, withdraws, hides, removed = sign(campaign, *names[:4])
    close_epoch(campaign)
    waits, waits_and_hides, waits_and_withdraws = sign(campaign, names[4], names[5], make.ANONYMOUS)
    path = backed_up(tmp_path)

    with db.transaction() as session:
        found = session.get_one(Campaign, campaign.id)
        for each in (withdraws, waits_and_withdraws):
            signatures.withdraw(session, OpenCampaign.of(found), each.withdraw)
        for each in (hides, waits_and_hides):
            signatures.hide(session, OpenCampaign.of(found), each.withdraw)
        index = signatures.status(session, OpenCampaign.of(found), removed.leaf).index
        wave = bulk_removal.begin(session, found, [index], Removal.FRAUD, Actor(b"o" * 16, make.NOW), {})
        bulk_removal.advance(session, wave)
    later = sign(campaign, DisplayChoice(Visibility.NAME, name="Grace Example"), make.ANONYMOUS)
    with db.transaction() as session:
        found = session.get_one(Campaign, campaign.id)
        held = make.a_pass(session, found).held
        signatures.redeem(session, OpenCampaign.of(found), held, make.ANONYMOUS)
    close_epoch(campaign, 20)
    close_epoch(campaign, 30)
    newer, there, before = bundle_of(campaign, tmp_path, "newer.zip"), head_of(campaign), rows()

    db.connect(elsewhere)
    found = restored(path, tmp_path / "other", ledgers=[newer])

    brought = found.replayed[campaign.slug]
    assert (brought.signed, brought.ended, brought.bodies, brought.late, brought.passes) == (6, 3, 2, 0, 3)
    here = head_of(campaign)
    told = ("size", "root", "checkpoint", "counted", "withdrawn", "removed", "issued", "epoch", "day")
    assert [getattr(here, name) for name in told] == [getattr(there, name) for name in told]
    assert faults_of(campaign) == []
    assert state_of(campaign, stays) == (SignatureState.LOGGED, "Alice Example")
    assert state_of(campaign, withdraws) == (SignatureState.WITHDRAWN, "")
    assert state_of(campaign, hides) == (SignatureState.HIDDEN, "")
    assert state_of(campaign, removed) == (SignatureState.REMOVED, "")
    assert state_of(campaign, waits) == (SignatureState.LOGGED, "Erin Example")
    assert state_of(campaign, waits_and_hides) == (SignatureState.HIDDEN, "")
    assert state_of(campaign, waits_and_withdraws) == (SignatureState.WITHDRAWN, "")
    assert state_of(campaign, later[0]) == (SignatureState.LOGGED, "Grace Example")
    after = rows()
    same = ("signature", "entry", "tile", "spent", "pending", "waiting_act", "waiting_removal", "milestone")
    place = {name: at for at, name in enumerate(Signature.__table__.c.keys())}
    anonymous = {row[place["leaf"]] for row in before["signature"] if row[place["show"]] is Visibility.ANONYMOUS}
    for found_rows in (before, after):  # a bundle does not tell who is anonymous, so a restored copy may not know
        kept = [row for row in found_rows["signature"] if row[place["leaf"]] not in anonymous]
        # Nor does it tell tickets, or which values of a chain took a name off the pages.
        found_rows["signature"] = [
            [value for name, value in zip(place, row, strict=True) if name not in {"ticket", "used"}] for row in kept
        ]
    assert len(before["signature"]) >= 5
    assert [name for name in same if after[name] != before[name]] == []
    assert after["verification.issued"] == before["verification.issued"]
    with db.session() as session:
        notes = session.scalars(select(Epoch.checkpoint).order_by(Epoch.number)).all()
    epoch = Epoch.__table__.c.keys().index("checkpoint")
    assert set(notes) == {row[epoch] for row in before["epoch"]}
    with db.transaction() as session:
        again = session.get_one(Campaign, campaign.id)
        with pytest.raises(PassSpent), session.begin_nested():
            signatures.redeem(session, OpenCampaign.of(again), held, make.ANONYMOUS)
    assert bundle_of(campaign, tmp_path, "again.zip").read_bytes() == newer.read_bytes()


def test_a_removal_that_waited_in_the_backup_and_was_taken_back_is_not_carried_out(
    engine: Engine, elsewhere: str, tmp_path: Path
) -> None:
    campaign = a_campaign()
    kept, gone = sign(campaign, NAMED, DisplayChoice(Visibility.NAME, name="Mallory Quux"))
    close_epoch(campaign)
    begun = []
    with db.transaction() as session:
        found = session.get_one(Campaign, campaign.id)
        for each in (kept, gone):
            index = signatures.status(session, OpenCampaign.of(found), each.leaf).index
            begun.append(bulk_removal.begin(session, found, [index], Removal.FRAUD, Actor(b"o" * 16, make.NOW), {}))
            bulk_removal.advance(session, begun[-1])
    path = backed_up(tmp_path)
    with db.transaction() as session:
        bulk_removal.undo(session, bulk_removal.find(session, campaign.id, begun[0].id))
    close_epoch(campaign, 20)
    newer = bundle_of(campaign, tmp_path, "newer.zip")
    db.connect(elsewhere)
    restored(path, tmp_path / "other", ledgers=[newer])
    close_epoch(campaign, 30)
    assert state_of(campaign, kept) == (SignatureState.LOGGED, "Suzie Quux")
    assert state_of(campaign, gone) == (SignatureState.REMOVED, "")
    assert (head_of(campaign).counted, faults_of(campaign)) == (1, [])


def test_a_restored_ledger_goes_on_from_the_newer_one(engine: Engine, elsewhere: str, tmp_path: Path) -> None:
    campaign = a_campaign()
    sign(campaign, NAMED, make.ANONYMOUS)
    path = backed_up(tmp_path)
    close_epoch(campaign)
    newer = bundle_of(campaign, tmp_path, "newer.zip")
    db.connect(elsewhere)
    restored(path, tmp_path / "other", ledgers=[newer])
    assert head_of(campaign).slot == 2
    sign(campaign, make.ANONYMOUS)
    with db.transaction() as session:
        assert epochs.close_due(session, campaign.id, LATER) is None
    close_epoch(campaign, 20)
    assert (head_of(campaign).counted, head_of(campaign).epoch, faults_of(campaign)) == (3, 2, [])


def test_names_under_seal_are_deleted_or_kept_as_the_operator_says(
    engine: Engine, elsewhere: str, tmp_path: Path
) -> None:
    campaign = a_campaign()
    sealed_name, shown = sign(campaign, DisplayChoice(Visibility.NAME, name="Alice Example", publish_at=9), NAMED)
    close_epoch(campaign)
    path, same = backed_up(tmp_path), bundle_of(campaign, tmp_path, "same.zip")
    db.connect(elsewhere)
    restored(path, tmp_path / "other", ledgers=[same], keep_sealed=True)
    assert state_of(campaign, sealed_name) == (SignatureState.LOGGED, "Alice Example")
    restored(path, tmp_path / "other", ledgers=[same], replace=True)
    assert state_of(campaign, sealed_name) == (SignatureState.HIDDEN, "")
    assert state_of(campaign, shown) == (SignatureState.LOGGED, "Suzie Quux")
    assert faults_of(campaign) == []


def test_a_close_and_a_translation_after_the_backup_are_replayed(
    engine: Engine, elsewhere: str, tmp_path: Path
) -> None:
    campaign = a_campaign()
    sign(campaign, make.ANONYMOUS)
    path = backed_up(tmp_path)
    with db.transaction() as session:
        found = session.get_one(Campaign, campaign.id)
        epochs.add_translation(session, found, "de", "Ein Brief", "# Ein Brief\n\nBitte antworten.\n")
        epochs.change(session, found, CampaignState.CLOSED, LATER)
    newer = bundle_of(campaign, tmp_path, "newer.zip")
    db.connect(elsewhere)
    restored(path, tmp_path / "other", ledgers=[newer])
    assert (head_of(campaign).counted, faults_of(campaign)) == (1, [])
    with db.session() as session:
        found = session.get_one(Campaign, campaign.id)
        assert (found.state, found.closed, found.languages) == (CampaignState.CLOSED, LATER.date(), ["en", "fr", "de"])
        assert [each.title for each in found.letters if each.lang == "de"] == ["Ein Brief"]
        assert session.scalars(select(Issuer.sealed_key)).all() == session.scalars(select(Tag.tag)).all() == []
    assert bundle_of(campaign, tmp_path, "again.zip").read_bytes() == newer.read_bytes()


def test_a_milestone_that_was_reached_meanwhile_is_history_and_mailed_to_nobody(
    engine: Engine, elsewhere: str, tmp_path: Path
) -> None:
    campaign = a_campaign(goals=((MilestoneKind.COUNT, 2),))
    path = backed_up(tmp_path)
    sign(campaign, make.ANONYMOUS, make.ANONYMOUS)
    close_epoch(campaign)
    newer = bundle_of(campaign, tmp_path, "newer.zip")
    db.connect(elsewhere)
    restored(path, tmp_path / "other", ledgers=[newer])
    with db.session() as session:
        assert [(each.value, each.epoch) for each in session.scalars(select(ReachedMilestone))] == [(2, 1)]
    assert {row[1] for row in rows()["owed"]} == {"bundle"}


def test_a_bundle_that_does_not_continue_the_backup_is_refused_and_nothing_is_restored(
    engine: Engine, elsewhere: str, tmp_path: Path
) -> None:
    campaign, other = a_campaign(), a_campaign()
    sign(campaign, NAMED, make.ANONYMOUS)
    close_epoch(campaign)
    older = bundle_of(campaign, tmp_path, "older.zip")
    fork_from = backed_up(tmp_path, "fork.backup")
    sign(campaign, make.ANONYMOUS)
    close_epoch(campaign, 20)
    path = backed_up(tmp_path)
    sign(campaign, make.ANONYMOUS)
    close_epoch(campaign, 30)
    newer = bundle_of(campaign, tmp_path, "newer.zip")
    cut = tmp_path / "cut.zip"
    cut.write_bytes(newer.read_bytes()[:-200])
    edited = tmp_path / "edited.zip"
    with ZipFile(newer) as source, ZipFile(edited, "w") as target:
        for name in source.namelist():
            target.writestr(name, source.read(name).replace(b"Suzie", b"Susie"))
    new = a_campaign()
    sign(new, make.ANONYMOUS)
    close_epoch(new)
    unknown = bundle_of(new, tmp_path, "unknown.zip")
    assert other.slug != new.slug

    db.connect(elsewhere)
    restored(fork_from, tmp_path / "x")
    sign(campaign, make.ANONYMOUS, make.ANONYMOUS, make.ANONYMOUS)
    close_epoch(campaign, 40)
    close_epoch(campaign, 50)
    close_epoch(campaign, 60)
    forked = bundle_of(campaign, tmp_path, "forked.zip")
    before = rows()
    said = {
        older: "is older than the backup: it has 4 entries, the backup 6.",
        cut: "it is not a whole bundle",
        edited: "body of entry",
        unknown: "was not open in this backup",
        forked: "the first 6 entries are not the ones",
        tmp_path / "nothing.zip": "there is no such file",
        path: "it is not a whole bundle",
    }
    for bundle, sentence in said.items():
        with pytest.raises(LedgerRefused, match=sentence):
            restored(path, tmp_path / "x", replace=True, ledgers=[bundle])
    assert rows() == before
    restored(path, tmp_path / "x", replace=True, ledgers=[newer])
    assert head_of(campaign).counted == 4


def test_production_restores_no_open_letter_with_batches_under_five(engine: Engine, tmp_path: Path) -> None:
    """P41: a backup of a demonstration opens no letter that production would not open."""
    campaign = a_campaign(batch_min=4)
    path = backed_up(tmp_path)
    campaigns.allow_small_batches(False)
    with pytest.raises(BackupRefused, match=rf"The letter {campaign.slug} is open, and its batches may hold fewer"):
        restored(path, tmp_path, replace=True)
    campaigns.allow_small_batches(True)
    restored(path, tmp_path, replace=True)


def test_no_second_history_begins_beside_the_one_that_was_published(engine: Engine, tmp_path: Path) -> None:
    campaign = a_campaign()
    sign(campaign, make.ANONYMOUS)
    path = backed_up(tmp_path)
    close_epoch(campaign)
    with db.session() as session:
        bundle_file.write_bundle(session, session.get_one(Campaign, campaign.id), tmp_path / "home")
    published = bundle_file.bundle_path(tmp_path / "home", campaign.slug)
    before = rows()
    with pytest.raises(BackupRefused) as refusal:
        restored(path, tmp_path, replace=True)
    assert f"add --ledger {published}, or move that file away" in str(refusal.value)
    assert rows() == before
    restored(path, tmp_path, replace=True, ledgers=[published])
    assert faults_of(campaign) == []
