"""What the processes of a small installation have in common, made once in the process from which they are forked.

Importing this module reads no setting, connects to nothing and starts no thread. Whatever is made here exists once in
memory; what a process makes for itself exists once more.
"""

from __future__ import annotations

from importlib import import_module
from typing import Final

from sqlalchemy.orm import configure_mappers

from petition.core import i18n
from workers.celery_app import app

ALSO: Final = (
    "petition.tables",
    "petition.web.app",
    "petition.web.serving.worker",
    "psycopg",
    "sqlalchemy.dialects.postgresql.psycopg",
    "workers.follow_ups",
    "workers.schedule",
)


def _make() -> None:
    for name in ALSO:
        import_module(name)
    configure_mappers()
    app.loader.import_default_modules()
    app.finalize()
    for lang in i18n.LANGUAGES:
        i18n.translations(lang)


_make()
