"""Messages for the workers of a whole installation."""

from __future__ import annotations

from celery import Celery

from petition.config import Config


def send_task(config: Config, name: str, queue: str, *arguments: object) -> None:
    """Put a message into a queue, as the web or beat does."""
    with Celery(broker=config.broker_url, set_as_current=False) as app:
        app.send_task(name, args=list(arguments), queue=queue, ignore_result=True)
