"""The Celery queues: kinds of work that must not wait for one another, with their timeouts.

A message is only a hint: apart from codes and trial mails, nothing exists in the queue alone. Results, remote control
and objects in messages are disabled; a task gets ids, or one encrypted text.
"""

from __future__ import annotations

import gc
import mmap
from dataclasses import dataclass
from typing import Final

from celery import Celery
from celery.signals import worker_init, worker_process_init, worker_shutting_down
from kombu import Queue
from kombu.transport import redis

from petition import campaigns
from petition.config import Config, Environment, Process
from petition.core import clock, db, failpoints
from petition.core.process import ProcessValue
from petition.mail import Postbox, postbox_for
from petition.mailing.digests import Sender
from petition.privacy import Vault, keyring
from workers import acknowledgements

CODES: Final = "codes"
LEDGER: Final = "ledger"
MAIL: Final = "mail"
UPKEEP: Final = "upkeep"
QUEUES: Final = (CODES, LEDGER, MAIL, UPKEEP)
VISIBILITY_SECONDS: Final = 900
WAIT_SECONDS: Final = 4
"""Seconds for which a worker waits in one question for a message. It gets the message at once; the rest is idle time."""
LARGEST_KILOBYTES: Final = 250_000
"""A process of a pool that was larger than this is replaced after its task: a large batch leaves no large process."""
# A domain that hangs delays the mails of all other domains for this long.
BULK_TIMEOUT: Final = 8.0

app = Celery(
    "undersigned",
    include=[f"workers.tasks.{name}" for name in ("codes", "digests", "exports", "ledger", "mail", "upkeep")],
)
app.conf.update(
    task_queues=[Queue(name) for name in QUEUES],
    task_default_queue=LEDGER,
    task_create_missing_queues=False,
    task_ignore_result=True,
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    task_soft_time_limit=240,
    task_time_limit=300,
    task_publish_retry=True,
    task_publish_retry_policy={"max_retries": 1, "interval_start": 0, "interval_step": 0, "interval_max": 0},
    worker_prefetch_multiplier=1,
    worker_max_memory_per_child=LARGEST_KILOBYTES,
    worker_enable_remote_control=False,
    worker_send_task_events=False,
    worker_hijack_root_logger=False,
    worker_cancel_long_running_tasks_on_connection_loss=True,
    broker_connection_retry_on_startup=True,
    broker_connection_max_retries=None,
    broker_transport_options={
        "visibility_timeout": VISIBILITY_SECONDS,
        "socket_timeout": 5,
        "socket_connect_timeout": 2,
        "socket_keepalive": True,
        "health_check_interval": 10,
    },
    accept_content=["json"],
    timezone="UTC",
)
acknowledgements.install()
redis.Transport.brpop_timeout = WAIT_SECONDS


@dataclass(frozen=True, slots=True)
class WorkerContext:
    """What the tasks of a worker use. The worker of codes and batches sends no campaign mail."""

    config: Config
    vault: Vault
    postbox: Postbox
    campaign_sender: Sender | None

    @property
    def sender(self) -> Sender:
        """Returns the sender of campaign mail. Calling it in another worker is a programming error."""
        assert self.campaign_sender is not None
        return self.campaign_sender


_context = ProcessValue[WorkerContext]("worker context")
_stop = ProcessValue[mmap.mmap]("stop", mmap.mmap(-1, 1))
"""One byte that the pool's processes share with their parent, which alone receives the signal to stop."""


def connect(config: Config) -> None:
    """Set the address of the queue, which is enough for processes that only send."""
    url = config.broker_url
    app.conf.update(broker_url=url, broker_write_url=url, broker_read_url=url)


def set_up(config: Config) -> None:
    """Open everything that a task needs: clock, database, keys, postbox."""
    connect(config)
    _stop.set(mmap.mmap(-1, 1))  # not that of a process from which this one was forked
    clock.set_offset(config.now_offset)
    campaigns.allow_small_batches(config.env is not Environment.PRODUCTION)
    failpoints.arm(config.failpoint)
    db.connect(config.database_url)
    vault = keyring.connect(config.master_keys)
    prompt = config.process is Process.PROMPT
    sender = None if prompt else sender_of(config, postbox_for(config, BULK_TIMEOUT))
    _context.set(WorkerContext(config, vault, postbox_for(config), sender))


def sender_of(config: Config, postbox: Postbox) -> Sender:
    """Returns the sender of campaign mail."""
    return Sender(
        postbox=postbox,
        base_url=config.base_url,
        secret_key=config.secret_key,
        pepper=config.pepper,
        mail_from=config.mail_from,
        rate=config.mail_rate,
        stopping=stopping,
    )


def stopping() -> bool:
    """Returns whether this worker was asked to stop. Long tasks end after their current piece."""
    return _stop.get()[0] != 0


@worker_shutting_down.connect
def _signal_pool(**_: object) -> None:
    _stop.get()[0] = 1


def worker_context() -> WorkerContext:
    """Returns the context of this worker. Calling it before `set_up` is a programming error."""
    return _context.get()


@worker_init.connect
def _share_memory_with_the_pool(**_: object) -> None:
    """Leave what exists out of garbage collections, so that the pool's processes go on sharing it."""
    gc.collect()
    gc.freeze()


@worker_process_init.connect
def _leave_the_parents_connections(**_: object) -> None:
    db.forked()
