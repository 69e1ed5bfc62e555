"""What `init` asks, in which order, and why. Each answer is checked at once by the code that reads it at each start."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

import click

from petition.config import Servers, Size
from petition.config.answers import problem_of
from petition.mail.smtp import SmtpUrlWrong, parse_smtp_url

ROOMY: Final = 1_900_000_000
"""Bytes of memory from which the normal size is suggested: a machine that is sold with 2 GB."""
Answers = dict[str, str]
"""Settings by name."""
Refused = Callable[[str, str], str]
"""Returns why the value of a setting cannot be used, in one sentence, or an empty text."""


@dataclass(frozen=True, slots=True)
class Question:
    """One setting that is asked for, and the option that says it.

    `why` is printed before it. `default` makes a suggestion from the answers so far; without one an answer is required.
    `tidy` makes a setting of what people type, and `complete` asks for what is still missing in it, such as a password.
    `note` says something about an accepted answer.
    """

    name: str
    option: str
    text: str
    why: str
    default: Callable[[Answers], str | None] = lambda _: None
    tidy: Callable[[str], str] = str.strip
    complete: Callable[[str], str] = lambda value: value
    note: Callable[[Answers], str] = lambda _: ""
    wanted: Callable[[Answers], bool] = lambda _: True


def with_scheme(text: str) -> str:
    """Returns an address with https:// where people left it out."""
    text = text.strip()
    return text if "://" in text or not text else f"https://{text}"


def as_contact(text: str) -> str:
    """Returns a contact with mailto: before a bare mail address."""
    text = text.strip()
    return f"mailto:{text}" if re.fullmatch(r"[^\s:/@,]+@[^\s:/@,]+", text) else text


def domain_of(sender: str) -> str:
    """Returns the domain of a sender, with or without a name before it."""
    return sender.rpartition("@")[2].rstrip("> ").lower()


def _same_domain(answers: Answers) -> str:
    if domain_of(answers["MAIL_FROM"]) != domain_of(answers["CODE_MAIL_FROM"]):
        return ""
    return (
        "Both senders are at the same domain. Then the log of the employer's mail server shows who asked for a code of "
        "the letter: use another domain here if you can."
    )


def _letters(answers: Answers) -> str:
    return f"letters@{urlsplit(answers.get('PETITION_BASE_URL', '')).hostname}"


def memory() -> int:
    """Returns how many bytes of memory this machine has."""
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def _size_for(memory: int) -> str:
    return Size.SMALL if memory < ROOMY else Size.NORMAL


ADDRESSES: Final = (
    Question(
        "PETITION_BASE_URL",
        "--address",
        "Public address, such as https://letters.example.org",
        "People open the letter at this address. A proxy with TLS stands before this program.",
        tidy=with_scheme,
    ),
    Question(
        "MAIL_FROM",
        "--mail-from",
        "Sender of the letter's mail",
        "Subscribers get mail from this address.",
        default=_letters,
    ),
    Question(
        "CODE_MAIL_FROM",
        "--code-mail-from",
        "Sender of the mail with a code",
        "Codes go to work addresses, and the employer can read the log of that mail server. It must not hint at the "
        "letter: use a neutral address at another domain than the one above.",
        note=_same_domain,
    ),
)
CHOICES: Final = (
    Question(
        "PETITION_SECURITY_CONTACT",
        "--security-contact",
        "Contact for security faults, mailto:… or https://… (optional)",
        "Published at /.well-known/security.txt.",
        default=lambda _: "",
        tidy=as_contact,
    ),
    Question(
        "PETITION_SIZE",
        "--size",
        "Size: normal or small",
        "small: fewer and smaller processes, for a machine with 1 GB of memory. normal: everything else.",
        default=lambda _: _size_for(memory()),
    ),
    Question(
        "PETITION_SERVERS",
        "--servers",
        "PostgreSQL and Redis: system, given or wheel",
        "system: own servers in the data folder, with the programs of the packages of this system. given: servers of yours. "
        "wheel: own servers with the programs that came with this one as Python packages.",
        default=lambda answers: Servers.GIVEN if answers.get("DATABASE_URL") else Servers.SYSTEM,
    ),
)
YOUNG: Final = (
    "The programs of the wheels are young: few people run them, and security updates may come late. They are meant for "
    "development."
)


def ask(questions: Iterable[Question], known: Mapping[str, str], *, defaults: bool, refused: Refused) -> Answers:
    """Returns the answers: known ones, defaults, and what somebody types. Raises click.UsageError.

    A known answer is checked, too. With `defaults` nobody is asked, and all missing answers are named at once. `refused`
    says why a complete answer cannot be used; one that was typed is asked for again.
    """
    answers, missing = dict(known), list[str]()
    for question in questions:
        if not question.wanted(answers):
            continue
        found = _answer(question, answers, defaults=defaults, refused=refused)
        if found is None:
            missing.append(question.option)
            continue
        answers[question.name] = found
        if not missing and (note := question.note(answers)):
            click.echo(note, err=True)
    if missing:
        raise click.UsageError(f"There is no answer for {', '.join(missing)}.")
    return answers


def _answer(question: Question, answers: Answers, *, defaults: bool, refused: Refused) -> str | None:
    if question.name in answers:
        value = _checked(question, answers[question.name], answers)
        value = value if defaults else question.complete(value)
        if problem := refused(question.name, value):
            raise click.UsageError(problem)
        return value
    if defaults:
        return question.default(answers)
    click.echo(f"\n{question.why}", err=True)
    while problem := refused(question.name, value := question.complete(_typed(question, answers))):
        click.echo(problem, err=True)
    return value


def _typed(question: Question, answers: Answers) -> str:
    return str(
        click.prompt(
            question.text,
            default=question.default(answers),
            show_default=bool(question.default(answers)),
            value_proc=lambda text: _checked(question, text, answers),
            err=True,
        )
    )


def _checked(question: Question, text: str, answers: Mapping[str, str]) -> str:
    """Returns the setting that somebody's answer makes. Raises click.UsageError with the sentence that refuses it."""
    value = question.tidy(text)
    if not value and question.default({**answers}) == "":
        return value
    if not value:
        raise click.UsageError(f"{question.name} is missing.")
    if problem := problem_of(question.name, value, answers):
        raise click.UsageError(problem)
    if question.name == "SMTP_URL":
        _require_relay(value)
    return value


def _require_relay(url: str) -> None:
    try:
        parse_smtp_url(url)
    except SmtpUrlWrong as wrong:
        raise click.UsageError(str(wrong)) from None
