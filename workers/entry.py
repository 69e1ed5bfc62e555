"""The entry point of `celery -A workers.entry`: it sets the worker up from its environment."""

from petition.config import Config
from petition.core import logs
from workers import follow_ups, schedule
from workers.celery_app import app, set_up

__all__ = ["app"]

config = Config.from_env()
logs.configure(config)
set_up(config)
follow_ups.wire(config)
schedule.install()
