"""Caches the public pages in a web process: the snapshot of each campaign, and the bytes made from it.

It protects the database from page views. Each campaign is queried at most once a second, by one thread, while the other
threads use the cached value. A page is made once for each version and language. While the database is away, the cached
pages are still served. The cache cannot grow without limit: beyond a fixed number, the pages that were read longest ago
are evicted, and a slug without a campaign is looked up at most once a second.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Lock
from typing import Any, Final, Generic, TypeVar

from flask import Response, current_app, request
from sqlalchemy import exc

from petition import campaigns, publication
from petition.campaigns import LONGEST_SLUG, SLUG, CampaignUnknown, OpenCampaign
from petition.core import db
from petition.publication import Listed, Snapshot
from petition.web.page import PAGES_CACHED, Page, make

FRESH_SECONDS: Final = 1.0
OLD_SECONDS: Final = 10.0
"""The age of a page that is sent to somebody who would be refused otherwise."""
LARGEST_READY: Final = 1024 * 1024
"""Bytes. A page that is larger is sent by a thread, which may wait for its reader."""
MOST_PAGES: Final = 600
MOST_SLUGS: Final = 2_000
MOST_ADDRESSES: Final = 4_000
HTML: Final = "text/html; charset=utf-8"

T = TypeVar("T")
Value = TypeVar("Value")
Key = tuple[str, str, str]
Address = tuple[str, str]
Clock = Callable[[], float]
Listing = tuple[Listed, ...]


class CachedValue(Generic[Value]):
    """One value that is refreshed at most once a second. `load_newer` returns a newer value, or None."""

    __slots__ = ("_clock", "_load_newer", "_refreshed_at", "_refreshing", "value")

    def __init__(self, load_newer: Callable[[Value | None], Value | None], clock: Clock) -> None:
        self._load_newer = load_newer
        self._clock = clock
        self._refreshed_at = float("-inf")
        self._refreshing = Lock()
        self.value: Value | None = None

    def read(self) -> Value | None:
        """Returns the cached value, or None if nothing is known.

        It is at most a second old. It may be older while another thread refreshes it or while the database is away.
        """
        if self._clock() - self._refreshed_at >= FRESH_SECONDS and self._refreshing.acquire(
            blocking=self.value is None
        ):
            try:
                self._refresh()
            finally:
                self._refreshing.release()
        return self.value

    @property
    def is_settled(self) -> bool:
        """Returns whether `read` would return the value at once: it is fresh, or somebody refreshes it."""
        return self._clock() - self._refreshed_at < FRESH_SECONDS or self._refreshing.locked()

    @property
    def is_recent(self) -> bool:
        """Returns whether the value was the newest one `OLD_SECONDS` ago."""
        return self._clock() - self._refreshed_at < OLD_SECONDS

    def _refresh(self) -> None:
        if self._clock() - self._refreshed_at < FRESH_SECONDS:
            return
        try:
            newer = self._load_newer(self.value)
        except exc.SQLAlchemyError as error:
            if self.value is None or not _is_away(error):
                raise
            newer = None
        self.value = self.value if newer is None else newer
        self._refreshed_at = self._clock()


class PageCache:
    """The snapshots and pages of one process. Three functions read them from the database."""

    def __init__(
        self,
        load: Callable[[str, int], Snapshot | None],
        listed: Callable[[], Listing],
        find: Callable[[str], OpenCampaign | None],
        clock: Clock = time.monotonic,
    ) -> None:
        self._load, self._listed, self._find, self._clock = load, listed, find, clock
        self.forget()

    def forget(self) -> None:
        """Empty the cache, as at the start of the process."""
        self._snapshots: dict[str, CachedValue[Snapshot]] = {}
        self._campaigns: dict[str, CachedValue[OpenCampaign]] = {}
        self._listing = CachedValue(self._newer_listing, self._clock)
        self._pages: dict[Key, Page] = {}
        self._locks: dict[Key, Lock] = {}
        self._addresses: dict[Address, Key] = {}

    def snapshot(self, slug: str) -> Snapshot:
        """Returns the public snapshot of a campaign. Raises CampaignUnknown."""
        return self._read(self._snapshots, slug, self._newer_snapshot)

    def campaign(self, slug: str) -> OpenCampaign:
        """Returns the campaign as plain values, at most a second old. Raises CampaignUnknown.

        Use it for its domains, lists and keys. The database decides whether the campaign is open.
        """
        return self._read(self._campaigns, slug, self._found)

    def listing(self) -> Listing:
        """Returns every public campaign."""
        return self._listing.read() or ()

    def page(
        self, key: Key, source: T, render: Callable[[T], str | bytes], kind: str = HTML, caching: str = PAGES_CACHED
    ) -> Page:
        """Returns the page with this key. It is made by `render` from `source` if there is none for that source.

        While another thread makes it, an older page is returned.
        """
        page = self._pages.get(key)
        if page is None or page.source is not source:
            page = self._make_page(key, page, lambda: make(source, render(source), kind, caching))
        page.last_read = self._clock()
        return page

    def store_address(self, address: Address, key: Key) -> None:
        """Store which page a path and query string lead to. They lead everybody to the same page."""
        if len(self._addresses) >= MOST_ADDRESSES:
            self._addresses.clear()
        self._addresses[address] = key

    def current(self, address: Address) -> Page | None:
        """Returns the page at an address, if it exists and is current."""
        key = self._addresses.get(address)
        page = None if key is None else self._pages.get(key)
        if key is None or page is None or not self._is_current(key[0], page):
            return None
        page.last_read = self._clock()
        return page

    def has_page(self, address: Address) -> bool:
        """Returns whether a page at an address exists, current or not. It never waits for the database."""
        return self._addresses.get(address) in self._pages

    def ready(self, address: Address, *, old: bool = False) -> Page | None:
        """Returns the page at an address if it is no larger than `LARGEST_READY` and current. It never waits.

        With `old` it may have been current `OLD_SECONDS` ago, unless this process knows that it is not current any more: a
        name that somebody hid must not come back.
        """
        key = self._addresses.get(address)
        page = None if key is None else self._pages.get(key)
        if key is None or page is None or len(page.plain.body) > LARGEST_READY:
            return None
        source: CachedValue[Any] | None = self._snapshots.get(key[0]) if key[0] else self._listing
        if page.source is not None:
            if source is None or source.value is not page.source:
                return None
            if not (source.is_settled or (old and source.is_recent)):
                return None
        page.last_read = self._clock()
        return page

    def known_language(self, slug: str) -> str | None:
        """Returns the first language of a campaign whose snapshot is here. It never waits for the database."""
        known = self._snapshots.get(slug)
        return known.value.languages[0] if known is not None and known.value is not None else None

    def _is_current(self, slug: str, page: Page) -> bool:
        source: CachedValue[Any] | None = self._snapshots.get(slug) if slug else self._listing
        try:
            return page.source is None or (source is not None and source.read() is page.source)
        except exc.SQLAlchemyError:
            return False

    def _make_page(self, key: Key, old: Page | None, make_page: Callable[[], Page]) -> Page:
        lock = self._locks.setdefault(key, Lock())
        if not lock.acquire(blocking=old is None):
            return old or self._make_page(key, None, make_page)
        try:
            newest = self._pages.get(key)
            if newest is not old and newest is not None:
                return newest
            self._pages[key] = made = make_page()
            self._evict_oldest()
            return made
        finally:
            self._locks.pop(key, None)
            lock.release()

    def _evict_oldest(self) -> None:
        if len(self._pages) > MOST_PAGES:
            oldest = sorted(self._pages.copy().items(), key=lambda item: item[1].last_read)
            for key, _ in oldest[: MOST_PAGES // 10]:
                self._pages.pop(key, None)

    def _read(
        self, values: dict[str, CachedValue[Value]], slug: str, load_newer: Callable[[str, Value | None], Value | None]
    ) -> Value:
        cached = values.get(slug) or self._add_value(values, slug, load_newer)
        value = cached.read()
        if value is None:
            raise CampaignUnknown(slug)
        return value

    def _add_value(
        self, values: dict[str, CachedValue[Value]], slug: str, load_newer: Callable[[str, Value | None], Value | None]
    ) -> CachedValue[Value]:
        if len(slug) > LONGEST_SLUG or not SLUG.fullmatch(slug):
            raise CampaignUnknown(slug)
        if len(values) >= MOST_SLUGS:
            for each in [each for each, known in values.copy().items() if known.value is None]:
                values.pop(each, None)
        return values.setdefault(slug, CachedValue(lambda known: load_newer(slug, known), self._clock))

    def _newer_snapshot(self, slug: str, known: Snapshot | None) -> Snapshot | None:
        return self._load(slug, known.version if known else -1)

    def _found(self, slug: str, _known: OpenCampaign | None) -> OpenCampaign | None:
        return self._find(slug)

    def _newer_listing(self, known: Listing | None) -> Listing | None:
        listing = self._listed()
        return None if listing == known else listing


def from_database() -> PageCache:
    """Make a page cache that reads the database of this process, with one query for a snapshot and one for the list."""
    return PageCache(_load, _listed, _find)


def snapshot(slug: str) -> Snapshot:
    """Returns the public snapshot of a campaign. Raises CampaignUnknown."""
    return _page_cache().snapshot(slug)


def listing() -> Listing:
    """Returns every public campaign."""
    return _page_cache().listing()


def cached_page(
    slug: str,
    lang: str,
    name: str,
    render: Callable[[Snapshot], str | bytes],
    *,
    kind: str = HTML,
    caching: str = PAGES_CACHED,
) -> Response:
    """Returns a page about a campaign, the same for everybody. `name` distinguishes it from the campaign's other pages.

    Raises CampaignUnknown.
    """
    cache = _page_cache()
    return _respond(cache, (slug, lang, name), cache.snapshot(slug), render, kind, caching)


def cached_listing(
    lang: str, name: str, render: Callable[[Listing], str | bytes], *, kind: str = HTML, caching: str = PAGES_CACHED
) -> Response:
    """Returns a page about all campaigns."""
    cache = _page_cache()
    return _respond(cache, ("", lang, name), cache.listing(), render, kind, caching)


def cached_text(
    lang: str, name: str, render: Callable[[Any], str | bytes], *, kind: str = HTML, caching: str = PAGES_CACHED
) -> Response:
    """Returns a page about no campaign. It is made once in the life of the process; `render` gets None."""
    return _respond(_page_cache(), ("", lang, name), None, render, kind, caching)


def _respond(
    cache: PageCache, key: Key, source: T, render: Callable[[T], str | bytes], kind: str, caching: str
) -> Response:
    page, environ = cache.page(key, source, render, kind, caching), request.environ
    cache.store_address((environ["PATH_INFO"], environ.get("QUERY_STRING", "")), key)
    return page.answer(environ)


def _page_cache() -> PageCache:
    cache = current_app.extensions["undersigned"].page_cache
    assert isinstance(cache, PageCache)
    return cache


def _is_away(error: exc.SQLAlchemyError) -> bool:
    return isinstance(error, exc.TimeoutError) or (isinstance(error, exc.DBAPIError) and db.is_away(error))


def _load(slug: str, known: int) -> Snapshot | None:
    with db.session() as session:
        return publication.load(session, slug, known)


def _listed() -> Listing:
    with db.session() as session:
        return tuple(publication.listed(session))


def _find(slug: str) -> OpenCampaign | None:
    with db.session() as session:
        try:
            return campaigns.find_opened(session, slug)
        except CampaignUnknown:
            return None
