"""The type of a check: its name, its title on the dashboard, what it looks at, and how."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from petition.operation.context import Context
from petition.operation.findings import Finding


def once(_context: Context) -> Sequence[str]:
    """Returns the one subject of a check that is about the whole installation."""
    return ("",)


def each_sender_domain(context: Context) -> Sequence[str]:
    """Returns the domains of both senders. Without a mail server nothing is sent from them."""
    return context.sender_domains() if context.config.smtp_url else ()


@dataclass(frozen=True, slots=True)
class Check:
    """One check. `look` gets the context and one of `subjects`, and returns a finding; it may raise anything.

    `title` is what owners read on the dashboard, which shows no subject and no sentence.
    """

    name: str
    title: str
    look: Callable[[Context, str], Finding]
    subjects: Callable[[Context], Sequence[str]] = once
