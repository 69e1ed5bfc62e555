"""The entry point of `celery -A workers.entry`: it sets a worker or beat up from its environment."""

from petition.config import Config, Process
from petition.core import logs
from workers import follow_ups, schedule
from workers.celery_app import app, connect, set_up

__all__ = ["app"]

config = Config.from_env()
logs.configure(config)
if config.process is Process.BEAT:
    connect(config)
else:
    set_up(config)
follow_ups.wire(config)
schedule.install(config.size)
