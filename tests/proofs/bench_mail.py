"""Bench rows of mail: planning deliveries, and sending them to a sink beside one bare smtplib connection.

The limit of sending is `smtplib.SMTP.sendmail` with the same bytes to the same sink in the same run, before and after.
Each sender is a process of its own. `python -m tests.proofs.bench_mail plan|send` is such a process.
"""

from __future__ import annotations

import os
import smtplib
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import func, select, update

from petition.config import Config
from petition.config.addresses import PROJECT
from petition.core import clock, db
from petition.mail import ListPostbox, SmtpPostbox
from petition.mailing import digests
from petition.mailing.digests import Sender
from petition.mailing.queue import Delivery, DeliveryState
from petition.privacy import keyring
from tests import make
from tests.support import mails
from tests.support.many import peak_megabytes
from workers.loops.sending import send_round

MODULE = "tests.proofs.bench_mail"
DOMAINS = [f"d{number}.example" for number in range(20)]
SECRET, SITE, FROM = "s" * 32, "http://localhost", "letters@undersigned.example"


def mail_rows(bench: Any) -> None:
    """Planning, then sending with one process and with two."""
    n = bench.size["deliveries"]
    with db.transaction() as session:
        campaign = mails.campaign_with_news(session)
        mails.add_readers(session, campaign, n, DOMAINS)
        campaign_id = campaign.id
    seconds, megabytes = numbers(child(bench, "plan", campaign_id.hex()))
    bench.add(f"planning {n:,} deliveries: seconds", seconds, "s", 60, 1, least=False)
    bench.add(f"planning {n:,} deliveries: peak memory", megabytes, "MB", 300, 1, least=False)
    sending_rows(bench, campaign_id)


def sending_rows(bench: Any, campaign_id: bytes) -> None:
    """Rows of sending, against bare smtplib."""
    mails_each = bench.size["sent"]
    with sink() as port:
        content = one_mail(campaign_id)
        before = bare(port, content, mails_each)
        one = sent(bench, port, campaign_id, mails_each, 1)
        two = sent(bench, port, campaign_id, mails_each, 2)
        limit = (before + bare(port, content, mails_each)) / 2
    size = f"{len(content) / 1000:.1f} kB"
    bench.add(f"mails of {size}, one sender, against bare smtplib", one, "/s", limit, 0.5)
    bench.add(f"mails of {size}, two senders, against bare smtplib", two, "/s", limit, 0.5)


@contextmanager
def sink() -> Iterator[int]:
    """The cheap server, in a process of its own."""
    argv = [sys.executable, "-m", "tests.proofs.sink"]
    serving = subprocess.Popen(argv, cwd=PROJECT, stdout=subprocess.PIPE, text=True)
    assert serving.stdout is not None
    try:
        yield int(serving.stdout.readline())
    finally:
        serving.kill()
        serving.wait()
        serving.stdout.close()


def one_mail(campaign_id: bytes) -> bytes:
    """The bytes of one of the mails."""
    make_due(campaign_id, 1)
    postbox = ListPostbox()
    send_round(sender_to(postbox), clock.now)
    return postbox.sent[0].as_bytes()


def sender_to(postbox: Any) -> Sender:
    """A sender without a limit of its own."""
    return Sender(postbox, SITE, SECRET, make.PEPPER, FROM, 0)


def make_due(campaign_id: bytes, n: int) -> None:
    """So many are due, and nothing else."""
    with db.transaction() as session:
        mine = Delivery.campaign_id == campaign_id
        session.execute(update(Delivery).where(mine).values(state=DeliveryState.DROPPED))
        some = select(Delivery.recipient).where(mine).limit(n)
        due = {"state": DeliveryState.PLANNED, "due": clock.now(), "tries": 0, "unanswered": 0}
        session.execute(update(Delivery).where(mine, Delivery.recipient.in_(some)).values(due))


def bare(port: int, content: bytes, n: int) -> float:
    """Mails a second of one smtplib connection."""
    smtp = smtplib.SMTP("127.0.0.1", port)
    began = time.perf_counter()
    for _ in range(n):
        smtp.sendmail(FROM, ["reader@post.example"], content)
    rate = n / (time.perf_counter() - began)
    smtp.close()
    return rate


def sent(bench: Any, port: int, campaign_id: bytes, n: int, senders: int) -> float:
    """Mails a second of sender processes that are warm before they are told to begin."""
    make_due(campaign_id, n)
    running = [process(bench, "send", str(port)) for _ in range(senders)]
    for each in running:
        assert each.stdout is not None
        assert each.stdout.readline() == "ready\n"
    began = time.perf_counter()
    for each in running:
        each.communicate("go\n", timeout=300)
    took = time.perf_counter() - began
    with db.session() as session:
        left = select(func.count()).where(Delivery.state == DeliveryState.PLANNED)
        assert session.scalar(left) == 0
    return n / took


def process(bench: Any, *words: str) -> subprocess.Popen[str]:
    """A Python of its own that plans or sends."""
    argv = [sys.executable, "-m", MODULE, words[0], bench.config.database_url, *words[1:]]
    return subprocess.Popen(argv, cwd=PROJECT, env=os.environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def child(bench: Any, *words: str) -> str:
    """What such a Python printed, once it ended."""
    told, _ = process(bench, *words).communicate(timeout=300)
    return told


def numbers(text: str) -> list[float]:
    """The numbers that it printed."""
    return [float(word) for word in text.split()]


def main(what: str, url: str, argument: str) -> int:
    """In a child: plan an edition, or send what is due."""
    db.connect(url)
    keyring.connect(Config.from_env(os.environ).master_keys)
    if what == "plan":
        began = time.perf_counter()
        with db.transaction() as session:
            digests.plan_all(session, bytes.fromhex(argument), clock.now())
        print(time.perf_counter() - began, peak_megabytes())
        return 0
    sender = sender_to(SmtpPostbox(f"smtp://127.0.0.1:{argument}?tls=none"))
    print("ready", flush=True)
    sys.stdin.readline()
    while send_round(sender, clock.now):
        pass
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:4]))
