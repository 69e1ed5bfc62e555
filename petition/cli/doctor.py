"""`doctor`: whether everything around this installation is in order, a line for each check."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Final

import click
from sqlalchemy.exc import SQLAlchemyError

from petition import campaigns, config, operation
from petition.cli.common import opened, refuse
from petition.core import clock
from petition.mail import MessageBroken
from petition.operation import CHECKS, Context, Dns, Finding, ResolverWrong, Verdict
from petition.operation.checks.machine import secret_paths
from petition.operation.checks.relay import trial_message
from petition.privacy.addresses import is_work_domain

WORDS: Final = {Verdict.OK: "OK", Verdict.WARNING: "warning", Verdict.FAULT: "fault"}
SHAPE: Final = 1
"""The version of what `--json` prints."""


@click.command()
@click.option(
    "--mail-to", metavar="ADDRESS", default="", help="Also mail this address, from both senders. Give your own."
)
@click.option("--resolver", metavar="ADDRESS[:PORT]", default="", help="Ask this DNS server, not the system’s.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for monitors.")
def doctor(mail_to: str, resolver: str, *, as_json: bool) -> None:
    """Check servers, mail, DNS, certificate, proxy, clock, disk and backups; exit code 1 on a fault."""
    with opened() as settings:
        now = clock.now()
        try:
            dns = Dns(resolver)
        except ResolverWrong as wrong:
            refuse(str(wrong))
        paths = secret_paths(config.files_with_secrets(settings.home), settings.dkim)
        context = Context(settings, clock.now, dns, mail_to, paths)
        if mail_to:
            _require_own_address(mail_to, context)
        findings = operation.run(context, CHECKS)
    click.echo(_as_json(findings, now) if as_json else _as_lines(findings))
    sys.exit(1 if operation.worst(each.verdict for each in findings) is Verdict.FAULT else 0)


def _require_own_address(address: str, context: Context) -> None:
    """Exit unless an address can get the mail: a work address would show the mail to the addressee."""
    try:
        trial_message(address, context.config.mail_from, context.clock())
    except MessageBroken:
        refuse("--mail-to must be one mail address, such as you@example.org.")
    try:
        with context.reading() as session:
            is_work = is_work_domain(address.rpartition("@")[2].lower(), campaigns.work_domains(session))
    except SQLAlchemyError:
        refuse(
            "Without the database it is not known whether this is a work address: leave out --mail-to until it answers."
        )
    if is_work:
        refuse("This is a work address: the employer would see the mail. Use a personal one.")


def _as_lines(findings: Sequence[Finding]) -> str:
    names = [f"{each.name} {each.about}".rstrip() for each in findings]
    width = max(map(len, names))
    lines = [
        f"{WORDS[each.verdict]:<8} {name:<{width}}  {each.sentence}" for name, each in zip(names, findings, strict=True)
    ]
    counts = Counter(each.verdict for each in findings)
    total = f"{counts[Verdict.OK]} OK, {counts[Verdict.WARNING]} warnings, {counts[Verdict.FAULT]} faults."
    return "\n".join([*lines, total])


def _as_json(findings: Sequence[Finding], now: datetime) -> str:
    checks = [
        {"check": each.name, "about": each.about, "verdict": each.verdict.value, "sentence": each.sentence}
        for each in findings
    ]
    verdict = operation.worst(each.verdict for each in findings).value
    return json.dumps(
        {"v": SHAPE, "at": now.isoformat(timespec="seconds"), "verdict": verdict, "checks": checks}, indent=2
    )
