"""compose.yaml for real, where podman is installed: people sign while containers are killed and scaled, and all of it is recounted."""

from __future__ import annotations

import itertools
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.client import HTTPException
from pathlib import Path
from typing import Any, Final

import pytest

from tests.proofs.load import in_threads
from tests.support.compose import HELD, KEYS, SERVICES
from tests.support.composition import PROCESSES, Composition, composition, secrets_of
from tests.support.figures import Write
from tests.support.foreign_client import Answer, Applicant, modulus, unb64u
from tests.support.waiting import until

pytestmark = pytest.mark.xdist_group("containers")
SLUG: Final = "containers"
PEOPLE: Final = 24
LETTER: Final = """
slug = "containers"
languages = ["en"]
methods = ["work_email"]
organisation = "Example Works"
organisers = {en = "A group of employees."}
addressee = {name = "The director", role = {en = "director"}}
letters = {en = {title = "An open letter", file = "letter.en.md"}}
demands = [{en = "Answer us."}]
domains = {"works.example" = {}}
epochs = {batch_min = 5, interval = 86400}
safety = {public_min = 10}
"""


@pytest.fixture(scope="module")
def composed() -> Iterator[Composition]:
    with composition() as started:
        (started.folder / "letter" / "campaign.toml").write_text(LETTER)
        (started.folder / "letter" / "letter.en.md").write_text("Dear director,\n\nplease answer us.\n")
        assert started.operator("seed", "/letter/campaign.toml", "--yes").strip().endswith(f"{SLUG} is open.")
        yield started


def insisted(composed: Composition, path: str, document: object | None = None) -> Answer:
    """Ask until there is an answer without a fault, as a person who presses the button again does."""

    def asked() -> Answer | None:
        try:
            return composed.call(path, document)
        except (OSError, HTTPException):
            return None

    found = until(path, asked, lambda answer: answer is not None and answer.status < 500, pause=0.2)
    assert found is not None
    return found


def signed(composed: Composition, person: int) -> dict[str, Any]:
    """The whole way of one person, to the receipt."""
    base, address = f"/api/campaigns/{SLUG}", f"suzie{person}@works.example"
    campaign = insisted(composed, base).body
    applicant = Applicant(modulus(unb64u(campaign["groups"][0]["issuer"])), bytes.fromhex(campaign["id"]))
    asked = insisted(composed, f"{base}/verify", {"address": address, "lang": "en"})
    assert asked.status == 202, asked.body
    code = until(f"a code for {address}", lambda: composed.codes(address))[0]
    given = {"challenge": asked.body["challenge"], "code": code, "blinded": applicant.blinded}
    stamped = insisted(composed, f"{base}/pass", given)
    assert stamped.status == 200, stamped.body
    redeemed = {"pass": applicant.complete(stamped.body["stamp"]), "show": "anonymous"}
    answer = insisted(composed, f"{base}/sign", redeemed)
    assert answer.status in {201, 409}, answer.body  # 409: the first answer went down with a container
    return {"spent": True} if answer.status == 409 else answer.body["receipt"]


@pytest.mark.proof
def test_each_container_has_its_own_secrets_and_no_right_to_write_or_to_rise(composed: Composition) -> None:
    """P50, as the engine and the kernel say it."""
    for service in PROCESSES:
        for container in composed.containers(service):
            seen = composed.inspected(container)
            assert seen["HostConfig"]["ReadonlyRootfs"] is True
            assert secrets_of(seen) == HELD[service] & KEYS
            status = Path(f"/proc/{seen['State']['Pid']}/status").read_text()
            fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
            assert {fields[each].strip() for each in ("CapEff", "CapPrm", "CapBnd")} == {"0" * 16}, service
            assert (fields["NoNewPrivs"].strip(), fields["Uid"].split()[0]) == ("1", "10001"), service
            trial = ["podman", "exec", container, "sh", "-c", "echo x > /srv/written"]
            assert b"Read-only file system" in subprocess.run(trial, capture_output=True, check=False).stderr, service


def heartbeats(composed: Composition) -> dict[str, str]:
    """The last sign of life of each worker, which beat asks for through the queue."""
    rows = composed.sql("SELECT worker || ' ' || at FROM heartbeat").splitlines()
    return dict(row.split(" ", 1) for row in rows)


@pytest.mark.proof
def test_the_health_check_of_the_file_succeeds(composed: Composition) -> None:
    """Its command, without its limit of five seconds: an engine on a busy machine needs longer to begin a command."""
    assert composed.succeeds("web", *SERVICES["web"]["healthcheck"]["test"][1:])


@pytest.mark.proof
def test_beat_reaches_both_kinds_of_worker(composed: Composition) -> None:
    until("a heartbeat of each worker", lambda: heartbeats(composed), lambda seen: seen.keys() == {"prompt", "bulk"})


@pytest.mark.proof
def test_everybody_who_signs_while_containers_are_killed_and_scaled_is_counted(
    composed: Composition, figure: Write, tmp_path: Path
) -> None:
    """Two webs and two workers; each kind is killed once, then there are three of each, then one."""
    half = threading.Event()
    done = itertools.count(1)
    receipts: list[dict[str, Any]] = []

    def person(number: int) -> None:
        receipts.append(signed(composed, number))
        if next(done) >= PEOPLE // 4:
            half.set()

    def break_things() -> None:
        assert half.wait(300)
        for service in ("web", "worker-prompt", "worker-bulk", "beat"):
            composed.kill(composed.containers(service)[0])
        composed.compose("up", "-d", "--no-build", "--no-deps", "--scale", "web=3", "web")
        composed.compose("up", "-d", "--no-build", "--no-deps", "--scale", "worker-prompt=3", "worker-prompt")
        composed.kill(composed.containers("postgres")[0])

    people = iter(range(PEOPLE))

    def one(thread: int) -> None:
        if thread == 0:
            break_things()
            return
        while (number := next(people, None)) is not None:
            person(number)

    in_threads(one, 5)
    before = heartbeats(composed)
    until(
        "both workers and beat again",
        lambda: heartbeats(composed),
        lambda seen: seen.items().isdisjoint(before.items()),
    )
    assert len(receipts) == PEOPLE
    closed = composed.operator("close", SLUG, "--yes")
    assert f"{SLUG} is closed for good." in closed
    composed.operator("ledger", "verify")
    bundle = until("the bundle", lambda: insisted(composed, f"/c/{SLUG}/bundle.zip"), lambda it: it.status == 200)
    (tmp_path / "bundle.zip").write_bytes(bundle.body)
    (tmp_path / "verify.py").write_bytes(insisted(composed, "/verify.py").body)
    recount = subprocess.run(
        [sys.executable, "verify.py", "bundle.zip"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert recount.returncode == 0, recount.stdout + recount.stderr
    assert recount.stdout.splitlines()[0].split() == ["counted", str(PEOPLE)]
    figure("people who signed while containers were killed, counted", PEOPLE, f"= {PEOPLE}")
