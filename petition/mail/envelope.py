"""The envelope of a mail: MAIL, RCPT and DATA, in one breath where the server allows it (PIPELINING, RFC 2920).

Guards that the line stays in step: each command has its answer read, whatever the first ones were, and a server that
asks for the content of a mail it refused gets an empty one. Content leaves only after all three were answered well.
"""

from __future__ import annotations

import smtplib
from typing import Final, NamedTuple

from petition.mail.postbox import Stage
from petition.mail.timeouts import Bounded

STAGES: Final = (Stage.sender, Stage.recipient, Stage.data)
OK: Final = range(200, 400)
GO_ON: Final = 354
SERVICE_CLOSING: Final = 421


class Answer(NamedTuple):
    """What the server said, and to which command."""

    stage: Stage
    code: int
    text: bytes

    @property
    def is_good(self) -> bool:
        """Whether the mail may go on."""
        return self.code == GO_ON if self.stage is Stage.data else self.code in OK


class Unanswered(Exception):
    """The line broke; `stage` is what was waited for."""

    def __init__(self, stage: Stage) -> None:
        super().__init__(stage)
        self.stage = stage


def send_envelope(smtp: Bounded, sender: str, recipient: str) -> Answer:
    """Name two bare, checked addresses, and ask to send; gives the first bad answer, else the last; raises Unanswered."""
    words = (f"mail FROM:<{sender}>\r\n", f"rcpt TO:<{recipient}>\r\n", "data\r\n")
    together = smtp.has_extn("pipelining")
    answers: list[Answer] = []
    try:
        if together:
            smtp.send("".join(words))
        for stage, word in zip(STAGES, words, strict=True):
            if not together:
                smtp.send(word)
            answers.append(Answer(stage, *smtp.getreply()))
            if answers[-1].code == SERVICE_CLOSING or not (together or answers[-1].is_good):
                break
        return _first_bad(smtp, answers)
    except (smtplib.SMTPException, OSError) as broken:
        raise Unanswered(_waited_for(len(answers), hung=together and _is_hang(broken))) from None


def _first_bad(smtp: Bounded, answers: list[Answer]) -> Answer:
    last = answers[-1]
    first_bad = next((each for each in answers if not each.is_good), last)
    if last.code == GO_ON and first_bad is not last:
        smtp.send(".\r\n")
        smtp.getreply()
    return first_bad


def _waited_for(answered: int, *, hung: bool) -> Stage:
    """Before the first answer it is the line that is in trouble; unless the recipient was named and nothing came."""
    return STAGES[max(answered, 1)] if answered or hung else Stage.connect


def _is_hang(broken: BaseException) -> bool:
    return isinstance(broken, TimeoutError) or isinstance(broken.__context__, TimeoutError)
