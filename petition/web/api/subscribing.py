"""Asking for mail about a campaign: open to everybody, the same answer for every address."""

from __future__ import annotations

from petition.core import clock, db
from petition.mailing import subscribers
from petition.web import page_cache
from petition.web.api.calls import writes
from petition.web.forms import SubscribeForm
from petition.web.network import network
from petition.web.services import services


@writes(
    "/campaigns/<slug>/subscribe",
    "Ask for mail to a personal address; a mail asks to confirm",
    SubscribeForm,
    status=202,
    answer="Asked",
    refusals=(429,),
)
def subscribe(slug: str, form: SubscribeForm) -> dict[str, str]:
    """New, known and suppressed addresses are answered alike."""
    ask_for_mail(slug, form)
    return {"state": "asked"}


def ask_for_mail(slug: str, form: SubscribeForm) -> None:
    """Ask for a page or a call; raises AddressRefused, WorkAddressRefused, AskedTooOften, AskingAway."""
    here = services()
    campaign = here.page_cache.campaign(slug)
    lang = form.language(page_cache.snapshot(slug).languages)
    subscribers.admit(here.redis_store, network)
    with db.transaction() as session:
        subscribers.ask(
            session,
            here.config.pepper,
            campaign.id,
            campaign.policies(),
            str(form.address.data),
            lang,
            form.chosen(),
            clock.now(),
        )
