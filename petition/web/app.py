"""The application factory. Every Flask app is made by `build`, never at import time."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from flask import Flask
from jinja2 import StrictUndefined
from werkzeug.routing import IntegerConverter

from petition.config import Config, Environment
from petition.config.addresses import PROJECT
from petition.core import db, logs
from petition.core.redis_store import RedisStore
from petition.privacy import keyring
from petition.verification import VerificationContext
from petition.web import assets, errors, headers, health, hooks, language, overload, page_cache, probe
from petition.web.api import blueprint
from petition.web.dashboard.blueprints import BLUEPRINTS
from petition.web.form_parser import BoundedRequest
from petition.web.forms import versions
from petition.web.public import (
    change,
    checkpoints,
    downloads,
    inbox,
    letter,
    pages,
    receipt,
    security_txt,
    share,
    sign,
    signers,
    subscribe,
    subscription,
    tab_key,
)
from petition.web.services import NAME, Services
from petition.web.sizes import LARGEST_FORM

TEMPLATES: Final = PROJECT / "templates"
PAGES: Final = (
    letter, signers, pages, sign, receipt, change, subscribe, subscription, downloads, checkpoints, share, inbox,
    tab_key, security_txt,
)  # fmt: skip


class Number(IntegerConverter):
    """A wsgi_app number in a URL, of at most nine digits. A longer number matches no route."""

    regex = r"[0-9]{1,9}"


def build(config: Config, static: Path = assets.FOLDER) -> Flask:
    """Build the application for one configuration. Its database and Redis are connected on first use."""
    app = Flask("petition", root_path=str(PROJECT / "petition"), template_folder=str(TEMPLATES), static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = LARGEST_FORM
    app.request_class = BoundedRequest
    app.url_map.converters["int"] = Number
    app.testing = config.env is Environment.TEST and not config.failpoint
    app.jinja_env.undefined = StrictUndefined
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    logs.configure(config)
    db.connect(config.database_url)
    app.extensions[NAME] = services = _services(config)
    language.register(app)
    app.jinja_env.filters["drawn"] = versions.drawn
    errors.register(app)
    overload.register(app, services)
    assets.serve(app, static)
    for module in (blueprint, health, hooks, probe, *PAGES, *BLUEPRINTS):
        app.register_blueprint(module.bp)
    wsgi_app = headers.SecurityHeaders(headers.CachedPages(app.wsgi_app, services.page_cache), config)
    app.wsgi_app = wsgi_app  # type: ignore[method-assign]
    return app


def _services(config: Config) -> Services:
    vault, redis_store = keyring.connect(config.master_keys), RedisStore(config.redis_url)
    verification = VerificationContext(redis_store, vault, config.pepper)
    return Services(config, redis_store, vault, verification, page_cache.from_database())
