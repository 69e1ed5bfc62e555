"""The data map is whole: no key is written anywhere that no row of it describes."""

from __future__ import annotations

import re
from pathlib import Path

from petition.core import redis_store
from petition.organisers import passkeys
from petition.privacy.data_elsewhere import FILES, KEYS, row_of
from petition.privacy.data_map import DATA_MAP
from petition.verification import work_email
from petition.web import hooks, proof_of_work
from workers.celery_app import QUEUES


def test_every_key_that_the_code_names_stands_in_the_data_map_with_the_life_that_it_gets() -> None:
    written = Path(redis_store.__file__).read_text()
    names = re.findall(r'^_[A-Z_]+: Final = b"([a-z-]+:?)"$', written, re.MULTILINE)
    assert len(names) == 12
    found = {name: row_of(KEYS, f"{name}x" if name.endswith(":") else name) for name in names}
    lives = {name.rstrip(":"): row.seconds for name, row in found.items() if row}
    remembered = max(hooks.REMEMBERED_SECONDS, proof_of_work.LIFE, passkeys.CHALLENGE_SECONDS)
    assert lives == {
        "challenge": redis_store.CHALLENGE_SECONDS,
        "guesses": 24 * 3600 + work_email.AFTER_MIDNIGHT,
        "mails": redis_store.MAIL_WINDOW,
        "asks": redis_store.MAIL_WINDOW,
        "seen": remembered,
        "tab-key": redis_store.TAB_KEY_SECONDS,
        "tabs": redis_store.MAIL_WINDOW,
        "sign-ins": redis_store.SIGN_IN_WINDOW,
        "network-sign-ins": redis_store.SIGN_IN_WINDOW,
        "network-key": redis_store.NETWORK_KEY_SECONDS,
        "events": redis_store.EVENT_SECONDS,
        "code-day": redis_store.CODE_DAY_SECONDS,
    }
    assert [queue for queue in QUEUES if row_of(KEYS, queue) is None] == []


def test_no_name_is_described_twice() -> None:
    rows = [*KEYS, *FILES]
    assert len({row.names for row in rows}) == len(rows)
    assert all(row.datum.life and row.datum.seizure and row.whose and row.why for row in rows)
    assert all(datum.life and datum.seizure for datum in DATA_MAP.values())
