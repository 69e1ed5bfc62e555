"""This module describes what a request for approval will do, from its `about`: sentence, button, and texts to read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final

from petition.campaigns.milestones import UNKNOWN
from petition.core import i18n
from petition.core.i18n import marked as _
from petition.organisers.approvals import ApprovalKind, ApprovalRequest
from petition.privacy import DomainPolicy
from petition.privacy.daily_figures import tens
from petition.signatures import Concealed
from petition.web.dashboard.drafts.forms import language_name
from petition.web.labels import REMOVAL_REASONS, TEAM_ROLES
from petition.web.language import gettext, ngettext, spoken

About = Mapping[str, Any]
Policies = Mapping[str, Mapping[str, Any]]
HOSTS_ADDED: Final = _("Added to the hosts of %(domain)s: %(hosts)s.")
HOSTS_REMOVED: Final = _("Removed from the hosts of %(domain)s: %(hosts)s.")
NOW_REFUSED: Final = _("Refused from now on: %(names)s.")
NOW_ACCEPTED: Final = _("No longer refused: %(names)s.")
LEGAL_TITLES: Final[Mapping[str, str]] = MappingProxyType({"privacy": _("Privacy notice"), "imprint": _("Imprint")})


def describe_request(request: ApprovalRequest) -> tuple[str, str]:
    """Return what a request will do, and the label of its button, in this request's language."""
    return SENTENCES[request.act](request.about)


def texts_of_request(request: ApprovalRequest) -> list[tuple[str, str]]:
    """Return the texts that a request would make public, each with its heading, in the language they are written in."""
    about = request.about
    if request.act is ApprovalKind.TRANSLATION:
        return [(language_name(about["lang"]), f"{about['title']}\n\n{about['markdown']}")]
    if request.act is ApprovalKind.LEGAL_TEXTS:
        texts = [(name, lang, text) for name, each in about["legal"].items() for lang, text in each.items() if text]
        return [(f"{gettext(LEGAL_TITLES[name])} – {language_name(lang)}", text) for name, lang, text in texts]
    return []


def _open(about: About) -> tuple[str, str]:
    n = int(about["demands"])
    languages = ", ".join(language_name(lang) for lang in about["languages"])
    sentences = [
        ngettext(
            "The letter is opened for signatures with %(n)s demand, in: %(languages)s. Its text cannot change afterwards.",
            "The letter is opened for signatures with %(n)s demands, in: %(languages)s. Its text cannot change afterwards.",
            n, n=_number(n), languages=languages,
        ),
        gettext(
            _(
                "A batch holds %(batch)s signatures or more and comes once in %(interval)s at most. The count is public "
                "from %(public)s signatures on."
            ),
            interval=i18n.duration(about["interval"], spoken()),
            batch=_number(about["batch_min"]), public=_number(about["public_min"]),
        ),
    ]  # fmt: skip
    if about["names_from"]:
        sentences.append(
            gettext(_("Names are public from %(n)s signatures on."), n=_opening_number(about["names_from"]))
        )
    if about["opens"]:
        sentences.append(gettext(_("It opens on %(day)s at %(time)s (UTC)."), **_moment(about["opens"])))
    if about["closes"]:
        sentences.append(gettext(_("It closes by itself on %(day)s at %(time)s (UTC)."), **_moment(about["closes"])))
    return " ".join(sentences), gettext(_("Open the letter"))


def _remove(about: About) -> tuple[str, str]:
    n, reason = int(about["n"]), REMOVAL_REASONS[about["why"]]
    sentence = ngettext(
        "%(count)s signature is taken out of the count, %(why)s; the ledger says so. Signatures that came since are not touched.",
        "%(count)s signatures are taken out of the count, %(why)s; the ledger says so. Signatures that came since are not touched.",
        n, count=_number(n), why=gettext(reason),
    )  # fmt: skip
    return sentence, ngettext("Remove %(count)s signature", "Remove %(count)s signatures", n, count=_number(n))


def _hide(about: About) -> tuple[str, str]:
    entry = _number(int(about["signer"]["entry"]))
    if Concealed(about["what"]) is Concealed.COMMENT:
        sentence = _(
            "This comment is deleted for good. The name stays on the page and the signature counts, but the file that "
            "people recount does not prove what it shows any more."
        )
        return gettext(sentence), gettext(_("Hide the comment of entry %(n)s"), n=entry)
    sentence = _(
        "This name, with role, team and comment, is deleted for good. The signature counts as an anonymous one."
    )
    return gettext(sentence), gettext(_("Hide the name of entry %(n)s"), n=entry)


def _mail(about: About) -> tuple[str, str]:
    many = i18n.at_least(tens(int(about["readers"])), spoken())
    sentence = gettext(_("An update is published and mailed to %(n)s subscribers."), n=many)
    read = gettext(_("Read its words under Updates before you approve."))
    return " ".join([sentence, _when(about["due"]), read]), gettext(_("Mail %(n)s subscribers"), n=many)


def _when(due: str) -> str:
    if not due:
        return gettext(_("It is sent as soon as it is approved."))
    return gettext(_("It is sent on %(day)s at %(time)s (UTC)."), **_moment(due))


def _moment(text: str) -> dict[str, str]:
    moment = datetime.fromisoformat(text)
    return {"day": i18n.date_long(moment.date(), spoken()), "time": f"{moment:%H:%M}"}


def _close(about: About) -> tuple[str, str]:
    counted, waiting = int(about.get("signatures", 0)), int(about.get("waiting", 0))
    sentence = ngettext(
        "The campaign accepts no more signatures: it ends with %(count)s signature.",
        "The campaign accepts no more signatures: it ends with %(count)s signatures.",
        counted,
        count=_number(counted),
    )
    many, few = (
        _("On the day before this was asked, 10 signatures or more waited for the last batch."),
        _("On the day before this was asked, fewer than 10 signatures waited for the last batch."),
    )
    more = gettext(many if waiting else few)
    never = gettext(_("It cannot be opened again, and the keys that made passes are destroyed."))
    if about.get("closes"):
        at = _("It closes on %(day)s at %(time)s (UTC), or 24 hours after the approval if that is later.")
        when = gettext(at, **_moment(about["closes"]))
    else:
        when = gettext(_("It closes 24 hours after the approval."))
    keep = gettext(_("Until then any owner can keep it open."))
    return f"{sentence} {more} {when} {keep} {never}", gettext(_("Close the campaign"))


def _translation(about: About) -> tuple[str, str]:
    sentence = gettext(
        _(
            "A translation is added to the letter, in: %(language)s. It is public at once and cannot change. Read it "
            "below before you approve."
        ),
        language=language_name(about["lang"]),
    )
    return sentence, gettext(_("Publish this translation"))


def _names_sooner(about: About) -> tuple[str, str]:
    before, after = int(about["before"]), about["after"]
    sentence = (
        gettext(
            _("Names of people who sign from now on open at %(after)s signatures instead of %(before)s."),
            after=_opening_number(int(after)), before=_opening_number(before),
        )
        if after is not None
        else gettext(
            _("Names of people who sign from now on do not wait for %(before)s signatures any more."),
            before=_opening_number(before),
        )
    )  # fmt: skip
    kept = gettext(_("Names that were signed before keep the number that they were promised."))
    return f"{sentence} {kept}", gettext(_("Open names sooner"))


def _opening_number(n: int) -> str:
    return gettext(_("an unknown number of")) if n == UNKNOWN else _number(n)


def _legal_texts(_about: About) -> tuple[str, str]:
    sentence = gettext(_("The privacy notice and the imprint are replaced. Read them below before you approve."))
    return sentence, gettext(_("Change the legal texts"))


def _domains(about: About) -> tuple[str, str]:
    policies = sorted(about["domains"].items())
    hosts = [f"@{host}" for name, policy in policies for host in (name, *policy.get("hosts", ()))]
    shared = [f"{local}@{name}" for name, policy in policies for local in policy.get("shared", ())]
    figures = {name: _number(int(about[name])) for name in ("added", "removed", "changed")}
    sentence = gettext(
        _(
            "After that, these work addresses may sign: %(names)s. %(added)s added, %(removed)s removed, "
            "%(changed)s changed."
        ),
        names=", ".join(hosts),
        **figures,
    )
    sentences = [sentence, *_domain_changes(about.get("before", about["domains"]), about["domains"])]
    if shared:
        sentences.append(gettext(_("Refused as shared mailboxes: %(names)s."), names=", ".join(shared)))
    return " ".join(sentences), gettext(_("Change the domains"))


def _domain_changes(before: Policies, after: Policies) -> Iterator[str]:
    """Describe what changes at which domain. How accepted addresses are read never does."""
    for name in sorted(before.keys() - after.keys()):
        yield gettext(_("%(domain)s is removed."), domain=name)
    for name in sorted(after.keys() - before.keys()):
        yield from _describe_new_domain(name, after)
    for name in sorted(after.keys() & before.keys()):
        yield from _describe_changed_domain(name, before[name], after[name])


def _describe_new_domain(name: str, after: Policies) -> Iterator[str]:
    read = DomainPolicy.read(name, after[name])
    tags = gettext(_("tags dropped") if read.plus else _("tags kept"))
    dots = gettext(_("dots dropped") if read.dots else _("dots kept"))
    yield gettext(_("%(domain)s is added: %(words)s."), domain=name, words=f"{tags}, {dots}")
    for above in sorted(other for other in after if name.endswith(f".{other}") or other.endswith(f".{name}")):
        lower, upper = sorted((name, above), key=len, reverse=True)
        twice = _("%(domain)s lies below %(name)s: somebody with an address at both can sign twice.")
        yield gettext(twice, domain=lower, name=upper)


def _describe_changed_domain(name: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    hosts, shared = (_differences(before, after, key) for key in ("hosts", "shared"))
    for sentence, found in zip((HOSTS_ADDED, HOSTS_REMOVED), hosts, strict=True):
        if found:
            yield gettext(sentence, domain=name, hosts=", ".join(found))
    for sentence, found in zip((NOW_REFUSED, NOW_ACCEPTED), shared, strict=True):
        if found:
            yield gettext(sentence, names=", ".join(f"{local}@{name}" for local in found))


def _differences(before: Mapping[str, Any], after: Mapping[str, Any], key: str) -> tuple[list[str], list[str]]:
    """Return what a list of a policy gains and what it loses."""
    was, will = set(before.get(key, ())), set(after.get(key, ()))
    return sorted(will - was), sorted(was - will)


def _export_names(about: About) -> tuple[str, str]:
    n = int(about["names"])
    sentence = ngettext(
        "A file with the name of %(count)s public signer is made. It is deleted after a day.",
        "A file with the names of %(count)s public signers is made. It is deleted after a day.",
        n,
        count=_number(n),
    )
    return sentence, ngettext("Export %(count)s name", "Export %(count)s names", n, count=_number(n))


def _remove_owner(about: About) -> tuple[str, str]:
    name, to = about["name"], about.get("to")
    if to:
        values = {"name": name, "role": gettext(TEAM_ROLES[to])}
        sentence = gettext(_("%(name)s is no longer an owner of this campaign. New role: %(role)s."), **values)
        return sentence, gettext(_("Change the role of 1 owner"))
    sentence = gettext(
        _("%(name)s, an owner, leaves the team and no longer has any right in this campaign."), name=name
    )
    return sentence, gettext(_("Remove 1 owner"))


def _number(n: int) -> str:
    return i18n.number(n, spoken())


SENTENCES: Final[Mapping[ApprovalKind, Callable[[About], tuple[str, str]]]] = MappingProxyType(
    {
        ApprovalKind.OPEN: _open,
        ApprovalKind.REMOVE: _remove,
        ApprovalKind.HIDE: _hide,
        ApprovalKind.MAIL: _mail,
        ApprovalKind.CLOSE: _close,
        ApprovalKind.TRANSLATION: _translation,
        ApprovalKind.DOMAINS: _domains,
        ApprovalKind.EXPORT_NAMES: _export_names,
        ApprovalKind.NAMES_SOONER: _names_sooner,
        ApprovalKind.LEGAL_TEXTS: _legal_texts,
        ApprovalKind.REMOVE_OWNER: _remove_owner,
    }
)
"""What each act will do, and the label of its button. A test checks that every act has a line."""
