"""One box in production: `init`, `up --settings`, a letter, a kill, a backup by timer, and a restore on another box."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest
import redis

from petition.bootstrap.embedded import SOCKET_NAME
from petition.config import addresses, settings_file
from petition.core.database_roles import LOST
from seeds.demo import FOUNDING
from tests.support.box import Box, box, path_in, words_of
from tests.support.mail_server import Answers, server
from tests.support.waiting import until

SLUG = "our-letter"


@pytest.fixture(scope="module")
def mails() -> Iterator[tuple[Answers, int]]:
    """The operator's mail server."""
    answers = Answers()
    with server(answers) as port:
        yield answers, port


@pytest.fixture(scope="module")
def one(mails: tuple[Answers, int]) -> Iterator[Box]:
    """A box whose operator has run `init`."""
    with box(mails[1]) as made:
        done = made.init()
        assert done.returncode == 0, done.stderr
        yield made


def letter(folder: Path) -> Path:
    """A campaign file of a real letter: not the demonstration, and with batches that production accepts."""
    for text in FOUNDING.parent.glob("*.md"):
        shutil.copy(text, folder / text.name)
    text = FOUNDING.read_text().replace('slug = "ice-letter"', f'slug = "{SLUG}"')
    text = re.sub(r"^\[demo\]\nis_demo = true\n\n\[demo\.notice\]\n.*\n.*\n", "", text, flags=re.MULTILINE)
    text = text.replace("batch_min = 1\ninterval = 5\n", "batch_min = 5\ninterval = 3600\n")
    file = folder / "letter.toml"
    file.write_text(text)
    return file


def row(home: Path, role: str, sql: str) -> object:
    url = addresses.embedded_database_url(home, role).replace("+psycopg", "")
    with psycopg.connect(url, autocommit=True) as connection:
        found = connection.execute(sql.encode()).fetchone()
    return found[0] if found else None


def told(made: Box, *words: str) -> str:
    """What a command printed; it has to succeed."""
    done = made.command(*words)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_a_letter_in_production_on_one_box_and_on_another_one(
    one: Box, mails: tuple[Answers, int], tmp_path: Path
) -> None:
    """P50: its three database roles; P58: what was there is there after a kill, and on another machine."""
    answers, relay = mails
    with one.up() as process:
        assert one.get("/readyz")[0] == 200
        assert made_durable(one)
        assert LOST not in told(one, "organiser", "list")
        assert no_secret_in_a_command_line(one, process.pid)

        status, headers, _ = one.get(path_in(told(one, "organiser", "invite")))
        assert status == 200
        assert headers["strict-transport-security"].startswith("max-age=")
        assert "default-src 'none'" in headers["content-security-policy"]
        assert one.get("/dev/inbox")[0] == 404
        assert one.get("/organise")[0] in {302, 303}

        told(one, "seed", str(letter(tmp_path)), "--yes")
        status, headers, page = until("the letter", lambda: one.get(f"/c/{SLUG}"), lambda found: found[0] == 200)
        assert "strict-transport-security" in headers
        assert "Marc Benioff" in page
        asked = one.post(f"/api/campaigns/{SLUG}/verify", {"address": "suzie@salesforce.example"})
        assert asked[0] == 202, asked
        ((sender, recipients, mail), *_) = until("the mail with a code", lambda: [*answers.taken])
        assert (sender, recipients) == ("no-reply@accounts.example.net", ["suzie@salesforce.example"])
        assert re.search(r"\b\d{8}\b", words_of(mail))

        process.kill()
        process.wait()
    with one.up() as process:  # at once: it waits for what is left of the first
        assert one.get(f"/c/{SLUG}")[0] == 200
        told(one, "ledger", "verify")
        key, file = tmp_path / "private.key", tmp_path / "letters.backup"
        told(one, "backup", "key", str(key))
        told(one, "backup", "write", str(file))
        process.terminate()
        assert process.wait(30) == 0
    with box(relay) as other:
        restored_on(other, one, key, file)


def made_durable(made: Box) -> bool:
    """What a power cut may cost: nothing of PostgreSQL, everything of Redis. And who may do what."""
    settings = "SELECT string_agg(setting, ' ' ORDER BY name) FROM pg_settings WHERE name = ANY(ARRAY['fsync',"
    settings += "'full_page_writes','listen_addresses','synchronous_commit'])"
    assert row(made.home, addresses.OWNER_ROLE, settings) == "on on  on"
    assert row(made.home, addresses.OWNER_ROLE, "SELECT 'B' < 'a' AND lower('É') = 'é'") is True
    for role in (addresses.APPLICATION_ROLE, addresses.MAINTENANCE_ROLE):
        assert row(made.home, role, "SELECT rolsuper FROM pg_roles WHERE rolname = current_user") is False
    with redis.Redis(unix_socket_path=str(made.home / "run" / SOCKET_NAME)) as store:
        kept = {name: store.config_get(name)[name] for name in ("save", "appendonly", "port", "maxmemory-policy")}
    assert kept == {"save": "", "appendonly": "no", "port": "0", "maxmemory-policy": "noeviction"}
    return True


def no_secret_in_a_command_line(made: Box, pid: int) -> bool:
    """Nothing of the settings that is secret stands where everybody on the machine can read it."""
    settings = settings_file.read(made.settings)
    hidden = [settings["SMTP_URL"], *(value for name, value in settings.items() if "PASSWORD" in name)]
    hidden += [Path(settings[f"PETITION_{name}_KEY_FILE"]).read_text() for name in ("SECRET", "MASTER")]
    family = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
    lines = "\n".join(" ".join(each.cmdline()) for each in family)
    logs = "\n".join(path.read_text() for path in (made.home / "log").glob("*.log"))
    return len(family) > 8 and [secret for secret in hidden if secret in lines or secret in logs] == []


def restored_on(other: Box, one: Box, key: Path, file: Path) -> None:
    """As docs/production.md says: copy what was kept, `init --force`, restore, start. The other one is a smaller machine."""
    shutil.copytree(one.settings.parent, other.settings.parent)
    other.settings.write_text(other.settings.read_text().replace(str(one.folder), str(other.folder)))
    kept = {path.name: path.read_bytes() for path in other.settings.parent.iterdir() if path != other.settings}
    done = other.init("--force", "--size", "small")
    assert done.returncode == 0, done.stderr
    assert {path.name: path.read_bytes() for path in other.settings.parent.iterdir() if path != other.settings} == kept
    printed = told(other, "restore", str(file), "--key", str(key))
    assert printed.startswith("Restored as of ")
    with other.up():
        assert other.get(f"/c/{SLUG}")[0] == 200
        told(other, "ledger", "verify")
        assert told(other, "sending", "status") == "not sent: restored copy\n"
        told(other, "sending", "resume")


def test_production_never_starts_servers_of_its_own_by_accident(one: Box, tmp_path: Path) -> None:
    """Without PETITION_SERVERS it demands addresses, and with it it refuses them."""
    missing = ["DATABASE_URL is missing.", "REDIS_URL is missing."]
    both = "REDIS_URL is set, but PETITION_SERVERS says that this installation runs its own servers: unset one."
    for changes, sentences in (
        ({"PETITION_SERVERS": ""}, missing),
        ({"PETITION_SERVERS": "own"}, ["PETITION_SERVERS is 'own'; it must be given, system or wheel.", *missing]),
        ({"REDIS_URL": "redis://h"}, [both]),
    ):
        lines = settings_file.read(one.settings) | {"PETITION_HOME": str(tmp_path / "home")} | changes
        file = tmp_path / "etc" / "settings.env"
        file.parent.mkdir(exist_ok=True)
        file.touch(0o600)
        file.write_text("".join(settings_file.line(name, value) for name, value in lines.items()))
        done = Box(tmp_path, one.relay, one.port).command("up")
        assert (done.returncode, done.stderr.splitlines()) == (2, sentences)
        assert not (tmp_path / "home").exists()
