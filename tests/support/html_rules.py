"""Rules of HTML that a browser forgives and a checker does not: what the Nu checker reported, and faults of those kinds.

It is no validator. It reads tags with the standard library's parser, so a fault is one of the page as it was sent.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Final

VOID: Final = frozenset("area base br col embed hr img input link meta source track wbr".split())
BOOLEAN: Final = frozenset(
    "allowfullscreen async autofocus checked controls defer disabled formnovalidate hidden inert ismap itemscope loop multiple "
    "muted nomodule novalidate open playsinline readonly required reversed selected".split()
)
REFERRING: Final = frozenset(
    "for list form aria-labelledby aria-describedby aria-controls aria-owns aria-details headers".split()
)
OBSOLETE: Final = frozenset(
    "align bgcolor border cellpadding cellspacing valign nowrap clear language frameborder scrolling".split()
)
NO_VALUE: Final = frozenset({"file", "image"})
BLOCKS: Final = frozenset(
    "address article aside blockquote details div dl fieldset figure footer form h1 h2 h3 h4 h5 h6 header hr main nav ol p pre "
    "section table ul".split()
)
PHRASES: Final = frozenset(
    "p h1 h2 h3 h4 h5 h6 span a b i em strong small label legend summary code s sup button".split()
)
"""Elements without blocks in them. A link may hold blocks, but ours do not."""
PRESSED: Final = frozenset("a button input select textarea label iframe summary".split())
INSIDE: Final = {
    "li": {"ul", "ol"}, "dt": {"dl", "div"}, "dd": {"dl", "div"}, "option": {"select", "optgroup", "datalist"}, "tr": {"thead", "tbody", "tfoot", "table"},
    "td": {"tr"}, "th": {"tr"}, "thead": {"table"}, "tbody": {"table"}, "caption": {"table"}, "legend": {"fieldset"},
    "summary": {"details"}, "figcaption": {"figure"},
}  # fmt: skip
HOLDS: Final = {
    "ul": {"li"},
    "ol": {"li"},
    "tr": {"td", "th"},
    "tbody": {"tr"},
    "thead": {"tr"},
    "select": {"option", "optgroup"},
}
FOREIGN: Final = frozenset({"svg", "math"})


@dataclass
class _Checker(HTMLParser):
    faults: list[str] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    templates: list[str] = field(default_factory=list)
    wanted: list[tuple[str, str]] = field(default_factory=list)
    open: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Look at one element where it begins."""
        self._attributes(tag, attrs)
        if not FOREIGN & set(self.open):
            self._place(tag, dict(attrs))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Look at an element of a picture that ends where it begins."""
        self._attributes(tag, attrs)
        self.faults += [f"<{tag}/>"] if tag not in VOID and not FOREIGN & set(self.open) else []

    def handle_endtag(self, tag: str) -> None:
        """Look whether the element that ends is the one that began last."""
        if not self.open or self.open[-1] != tag:
            self.faults.append(f"</{tag}> in <{self.open[-1] if self.open else ''}>")
        if tag in self.open:
            while self.open.pop() != tag:
                pass

    def _attributes(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names, given = [name for name, _ in attrs], dict(attrs)
        self.faults += [f"<{tag}> has {name} twice" for name in set(names) if names.count(name) > 1]
        self.faults += [
            f"<{tag} {name}={value}>" for name, value in attrs if name in BOOLEAN and value not in {None, "", name}
        ]
        self.faults += [f"<{tag} {name}>" for name in names if name in OBSOLETE]
        self.faults += [
            f"<{tag} {name}={value}>" for name, value in attrs if value in {"None", "True", "False", "Undefined"}
        ]
        if tag == "input" and given.get("type") in NO_VALUE and "value" in given:
            self.faults.append(f"<input type={given['type']} value>")
        if "id" in given:
            (self.templates if "template" in self.open else self.ids).append(given["id"] or "")
            self.faults += (
                [f"<{tag} id={given['id']!r}>"] if not given["id"] or any(map(str.isspace, given["id"])) else []
            )
        self.wanted += [
            (name, each) for name in names if name in REFERRING for each in (given[name] or "").split() or [""]
        ]

    def _place(self, tag: str, given: dict[str, str | None]) -> None:
        above = self.open[-1] if self.open else ""
        if tag in BLOCKS and PHRASES & {above}:
            self.faults.append(f"<{tag}> in <{above}>")
        hidden = tag == "input" and given.get("type") == "hidden"
        if tag in PRESSED and not hidden and {"a", "button"} & set(self.open):
            self.faults.append(f"<{tag}> to be pressed in another")
        if tag in INSIDE and above not in INSIDE[tag]:
            self.faults.append(f"<{tag}> in <{above}>")
        if above in HOLDS and tag not in HOLDS[above] | {"script", "template"}:
            self.faults.append(f"<{tag}> in <{above}>")
        if tag == "form" and "form" in self.open:
            self.faults.append("<form> in a form")
        if tag == "img" and "alt" not in given:
            self.faults.append("<img> without alt")


def faults(html: str) -> list[str]:
    """What is wrong with a page, each in a few words."""
    checker = _Checker()
    checker.feed(html)
    checker.close()
    found = checker.faults + [f"<{tag}> does not end" for tag in checker.open]
    found += [f"two elements have the id {name}" for name in set(checker.ids) if checker.ids.count(name) > 1]
    found += [
        f"{name} names {wanted!r}, which is not there"
        for name, wanted in checker.wanted
        if wanted not in checker.ids + checker.templates
    ]
    found += [] if html.lower().startswith("<!doctype html>") else ["no doctype"]
    return sorted(set(found))
