"""What compiling an application costs is paid once a process: a thousand tests build the same routes and templates.

None of it changes what is run. Jinja's bytecode cache is keyed by a template's source. What Werkzeug makes of a route is
kept by all that it is made from. And issuer keys, which take longer to find than many a test, are found a few times and
then handed out to campaigns in turn: a test has no more than so many campaigns whose keys must differ. A key that a test
asks for itself is always a new one.
"""

from __future__ import annotations

from itertools import cycle
from types import SimpleNamespace

from flask import Flask
from jinja2 import BytecodeCache
from jinja2.bccache import Bucket
from werkzeug.routing import Rule

from petition import verification
from petition.blindsign import rsabssa

KEYS = 8


class InMemory(BytecodeCache):
    """Compiled templates of this process."""

    def __init__(self) -> None:
        self._kept: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        """Fill a bucket with what was kept for the same source, if anything was."""
        if bucket.key in self._kept:
            bucket.bytecode_from_string(self._kept[bucket.key])

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep what was compiled."""
        self._kept[bucket.key] = bucket.bytecode_to_string()


def keep_routes() -> None:
    """Let a route that was compiled before, with the same parts and defaults, not be compiled again."""
    kept: dict[tuple[object, ...], Rule] = {}
    compiled = Rule.compile

    def once(rule: Rule) -> None:
        converters = tuple(rule.map.converters.items())
        key = (rule.rule, rule.subdomain, rule.host, repr(rule.defaults), rule.merge_slashes, converters)
        same = kept.setdefault(key, rule)
        if same is rule:
            compiled(rule)
            return
        rule._parts, rule._trace, rule._converters = same._parts, same._trace, same._converters
        rule.arguments = set(same.arguments)
        rule._build = same._build.__func__.__get__(rule)  # type: ignore[attr-defined]
        rule._build_unknown = same._build_unknown.__func__.__get__(rule)  # type: ignore[attr-defined]

    Rule.compile = once  # type: ignore[method-assign]


def keep_keys() -> None:
    """Find a few issuer keys, and hand them out in turn."""
    kept: list[rsabssa.PrivateKey] = []
    numbers = cycle(range(KEYS))

    def few() -> rsabssa.PrivateKey:
        number = next(numbers)
        if number == len(kept):
            kept.append(rsabssa.generate_key())
        return kept[number]

    verification.rsabssa = SimpleNamespace(**vars(rsabssa) | {"generate_key": few})  # type: ignore[assignment]


Flask.jinja_options = {**Flask.jinja_options, "bytecode_cache": InMemory()}
keep_routes()
keep_keys()
