"""The task that mails a trial: to the sealed address, once, from what the draft says now."""

from __future__ import annotations

from sqlalchemy import Engine

from petition import organisers
from petition.config import Config
from petition.core import clock, db
from petition.mail import inbox_folder, read_inbox
from petition.organisers.actor import Actor
from petition.privacy import seal_address
from petition.usecases import updates
from tests import make
from workers import celery_app
from workers.tasks.mail import mail_trial


def test_a_trial_arrives_at_the_address_that_was_sealed_and_an_old_one_nowhere(engine: Engine, config: Config) -> None:
    celery_app.set_up(config)
    with db.transaction() as session:
        campaign = make.campaign(session)
        omar = organisers.enrol(session, "Omar", "en", clock.now()).id
        text = {"en": "We **met** them.", "fr": "Nous les avons **rencontrés**."}
        draft = updates.write(session, campaign, text, Actor(omar, clock.now())).hex()
    vault = celery_app.worker_context().vault
    mail_trial(draft, seal_address(vault, "omar@post.example", "fr", clock.now()))
    mail_trial(draft, seal_address(vault, "omar@post.example", "fr", make.NOW.replace(year=2020)))
    mail_trial(draft, "not sealed")
    mail_trial("00", seal_address(vault, "omar@post.example", "fr", clock.now()))
    (mail,) = read_inbox(inbox_folder(config), 10)
    assert (mail.to, "rencontrés" in mail.text) == ("omar@post.example", True)
    db.engine().dispose()
