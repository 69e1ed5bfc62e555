"""What organisers type: texts by language, days, moments, addresses of pages.

Guards the shape of each and collects every sentence before it refuses, so that one answer says all there is to mend.
Looks at the length of what was sent before it does anything else with it. Refuses (FormRefused) what is missing, too long, in the future where only the past can be told, or no address of a page.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Final, TypeVar
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from petition.core.i18n import marked as _
from petition.web.forms import DIGITS, YEARS, FormRefused, is_seen, is_sent_too_long, lines, one_line, too_long
from petition.web.language import gettext

LONGEST_TEXT: Final = 20_000
LONGEST_LINE: Final = 500
LONGEST_LINK: Final = 500
Choice = TypeVar("Choice", bound=StrEnum)


class Typed:
    """A posted form, read field by field; `check` refuses it when a field was wrong."""

    def __init__(self, form: Mapping[str, str]) -> None:
        self._form = form
        self._errors: dict[str, list[str]] = {}

    def check(self) -> None:
        """Raises FormRefused with every sentence there is."""
        if self._errors:
            raise FormRefused(self._errors)

    def refuse(self, name: str, sentence: str) -> None:
        """Note what to mend in a field; `sentence` is marked for translation."""
        self._errors.setdefault(name, []).append(gettext(sentence))

    def texts(self, name: str, languages: Sequence[str], *, every: bool = False) -> dict[str, str]:
        """Texts by language, the empty ones left out. `every`: one in each language, else one at least is not asked."""
        read = {lang: self._read(f"{name}-{lang}", LONGEST_TEXT, lines) for lang in languages}
        for lang, text in read.items():
            self._plain(f"{name}-{lang}", text, LONGEST_TEXT)
            if every and not text and f"{name}-{lang}" not in self._errors:
                self.refuse(f"{name}-{lang}", _("Fill this in."))
        return {lang: text for lang, text in read.items() if text}

    def lines(self, name: str, languages: Sequence[str], *, every: bool = False) -> dict[str, str]:
        """The same for texts of one line."""
        read = {lang: self._read(f"{name}-{lang}", LONGEST_LINE, one_line) for lang in languages}
        for lang, text in read.items():
            self._plain(f"{name}-{lang}", text, LONGEST_LINE)
            if every and not text and f"{name}-{lang}" not in self._errors:
                self.refuse(f"{name}-{lang}", _("Fill this in."))
        return {lang: text for lang, text in read.items() if text}

    def day(self, name: str, today: date) -> date:
        """A day that is not in the future."""
        try:
            read = date.fromisoformat(self._read(name))
        except ValueError:
            self.refuse(name, _("Write a day as 2026-11-24."))
            return today
        if read > today:
            self.refuse(name, _("This day has not come yet."))
        return read

    def moment(self, name: str, zone: ZoneInfo, now: datetime) -> datetime:
        """A moment to come, typed in a time zone, in UTC."""
        try:
            read = datetime.fromisoformat(self._read(name))
        except ValueError:
            self.refuse(name, _("Write a day and a time as 2026-11-24T18:30."))
            return now
        if read.year not in YEARS:
            self.refuse(name, _("Write a day and a time as 2026-11-24T18:30."))
            return now
        moment = (read if read.tzinfo else read.replace(tzinfo=zone)).astimezone(UTC)
        if moment <= now:
            self.refuse(name, _("This time has passed."))
        return moment

    def link(self, name: str) -> str:
        """The address of a page, or nothing."""
        read = self._read(name, LONGEST_LINK)
        if read and not is_link(read):
            self.refuse(name, _("Write the address of a page, from https:// on."))
        self._not_longer(name, read, LONGEST_LINK)
        return read

    def choice(self, name: str, known: type[Choice]) -> Choice:
        """One of a list."""
        try:
            return known(self._read(name, how=str))
        except ValueError:
            self.refuse(name, _("Choose one from the list."))
            return next(iter(known))

    def number(self, name: str, least: int, most: int) -> int:
        """A whole number within limits."""
        read = "".join(self._read(name).split())
        if not DIGITS.fullmatch(read) or not least <= int(read) <= most:
            sentence = gettext(_("Write a whole number from %(least)s to %(most)s."), least=least, most=most)
            self._errors.setdefault(name, []).append(sentence)
            return least
        return int(read)

    def ticked(self, name: str) -> bool:
        """Whether a box was ticked."""
        return bool(self._form.get(name))

    def _read(self, name: str, longest: int = LONGEST_LINE, how: Callable[[str], str] = str.strip) -> str:
        """A text in the spelling that its kind has; one that is refused before it is spelled counts as empty."""
        sent = self._form.get(name, "")
        if is_sent_too_long(sent, longest):
            self._errors.setdefault(name, []).append(too_long(longest))
            return ""
        try:
            return how(sent)
        except ValueError as refused:
            self._errors.setdefault(name, []).append(str(refused))
            return ""

    def _plain(self, name: str, text: str, longest: int) -> None:
        self._not_longer(name, text, longest)
        if not is_seen(text):
            self.refuse(name, _("This text holds characters that cannot be seen. Type it instead of pasting it."))

    def _not_longer(self, name: str, text: str, longest: int) -> None:
        if len(text) > longest:
            self._errors.setdefault(name, []).append(too_long(longest))


def is_link(text: str) -> bool:
    """Whether a text is the address of a page of the web: http or https, a host, nobody's password, no spaces."""
    try:
        parts = urlsplit(text)
        host, _port = parts.hostname or "", parts.port
    except ValueError:
        return False
    plain = text.isprintable() and not any(c.isspace() or c in '<>"\\' for c in text)
    return plain and parts.scheme in {"http", "https"} and "." in host.strip(".") and parts.username is None
