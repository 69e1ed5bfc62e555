"""The envelope of a mail: MAIL, RCPT and DATA, sent together if the server allows it (PIPELINING, RFC 2920).

Commands and responses stay in step: the response to each command is read, whatever the earlier ones were, and a server
that asks for the content of a mail that it refused gets an empty one. The content is sent only after all three
responses were positive.
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
    """The server's response, and the stage of its command."""

    stage: Stage
    code: int
    text: bytes

    @property
    def is_good(self) -> bool:
        """Returns whether the mail may continue."""
        return self.code == GO_ON if self.stage is Stage.data else self.code in OK


class Unanswered(Exception):
    """The connection broke. `stage` is the stage whose response was awaited."""

    def __init__(self, stage: Stage) -> None:
        super().__init__(stage)
        self.stage = stage


def send_envelope(smtp: Bounded, sender: str, recipient: str) -> Answer:
    """Send the envelope for two bare, checked addresses. Returns the first bad answer, else the last one.

    Raises Unanswered.
    """
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
    """Returns the stage that failed: before the first answer it is the connection, or after a hang the recipient."""
    return STAGES[max(answered, 1)] if answered or hung else Stage.connect


def _is_hang(broken: BaseException) -> bool:
    return isinstance(broken, TimeoutError) or isinstance(broken.__context__, TimeoutError)
