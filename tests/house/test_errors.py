"""Every error of the product has a message for people, or a reason why nobody is ever shown it."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from typing import Final

import pytest

import petition
from petition.core.errors import ExpectedError
from petition.web.error_messages import MESSAGES

NEVER_SHOWN: Final = {
    "backup.errors.BackupRefused": "backups are made and restored by commands",
    "backup.errors.BackupBroken": "backups are made and restored by commands",
    "backup.errors.BackupUnsigned": "backups are made and restored by commands",
    "backup.errors.DatabaseHoldsData": "backups are made and restored by commands",
    "backup.errors.LedgerRefused": "backups are made and restored by commands",
    "blindsign.rsabssa.BlindingImpossible": "the applicant's half; a second random factor does not meet it",
    "blindsign.rsabssa.KeyRefused": "keys of campaigns are made here, and read as they were written",
    "blindsign.rsabssa.StampInvalid": "the server finishes only stamps that it made",
    "blindsign.rsabssa.StampingFailed": "a fault of the machine: nobody expects it",
    "blindsign.signer.Refused": "a program that people download",
    "ledger.verify.TooManyFaults": "ends the reading of a bundle, whose faults are printed",
    "bootstrap.embedded.HomeInUse": "nothing serves yet",
    "bootstrap.progress.AlreadyReported": "nothing serves yet",
    "bootstrap.progress.CannotStart": "nothing serves yet",
    "campaigns.mail_settings.MailingFaulty": "drafts raise CampaignIncomplete instead; what is stored was checked",
    "config.settings_file.SettingsFileWrong": "settings are read before anything serves",
    "config.ConfigIncomplete": "the configuration is read before anything serves",
    "core.db.SecondStatement": "a mistake in the code: nobody expects it",
    "core.database_roles.RoleMissing": "nothing serves yet",
    "core.migrate.DatabaseNewer": "nothing serves yet",
    "core.migrate.DatabaseUnfit": "nothing serves yet",
    "core.migrate.EncodingWrong": "nothing serves yet",
    "core.migrate.LedgerOutdated": "nothing serves yet",
    "core.migrate.ServerTooOld": "nothing serves yet",
    "core.encoding.MalformedEncoding": "whoever decodes input catches it and raises what it means there",
    "core.encoding.NotCanonical": "entries are made of texts that forms have checked",
    "core.i18n.LanguageUnknown": "a request has a language of the interface, whatever it asked for",
    "core.normalization.TooManyMarks": "forms and addresses catch it",
    "core.process.NotSetUp": "a mistake in the code: nobody expects it",
    "ledger.checkpoint.CheckpointMalformed": "the ledger reads what it wrote itself",
    "ledger.checkpoint.CheckpointUnsigned": "the ledger reads what it wrote itself",
    "ledger.checkpoint.KeyMalformed": "the ledger reads what it wrote itself",
    "ledger.entries.EntryMalformed": "receipts that people paste raise ReceiptFaulty instead",
    "ledger.merkle.OutsideTree": "calls check sizes against the head first",
    "ledger.merkle.TileTooShort": "the ledger reads what it wrote itself",
    "mail.dkim.DkimKeyWrong": "keys are read before anything serves",
    "mail.envelope.Unanswered": "workers and commands send mail",
    "mail.message.MessageBroken": "workers and commands send mail",
    "mail.postbox.MailDelayed": "workers and commands send mail",
    "mail.postbox.MailRefused": "workers and commands send mail",
    "mail.smtp.LineLost": "workers and commands send mail",
    "mail.smtp.SmtpUrlWrong": "the configuration is read before anything serves",
    "mail.smtp.TlsMissing": "workers and commands send mail",
    "mailing.subscribers.SubscriberGone": "the views of a subscription have a page of their own for it",
    "mailing.subscribers.address_book.AddressUnreadable": "the web opens no address",
    "migrations.version_1.RecordBroken": "nothing serves yet",
    "operation.dns.DnsSilent": "checks of `doctor` turn it into a sentence",
    "operation.dns.ResolverWrong": "an option of a command",
    "operation.outside.NoAddress": "checks of `doctor` turn it into a sentence",
    "operation.outside.NotHttp": "checks of `doctor` turn it into a sentence",
    "operation.outside.OutsideError": "checks of `doctor` turn it into a sentence",
    "operation.outside.TlsBroken": "checks of `doctor` turn it into a sentence",
    "operation.outside.Unreachable": "checks of `doctor` turn it into a sentence",
    "operation.probe.ProbeRefused": "the view of the probe answers 404",
    "operation.spf.SpfBroken": "checks of `doctor` turn it into a sentence",
    "privacy.data_map.DataMapWrong": "nothing serves yet",
    "privacy.vault.SealBroken": "workers open what the web sealed",
    "web.dashboard.access.ProofRequired": "it has an error handler of its own, which shows the sign-in page",
    "web.forms.versions.ChangedMeanwhile": "it has a page of its own, with both versions",
    "web.public.receipt_text.ReceiptFaulty": "the views of a receipt have a sentence of their own beside the field",
    "web.serving.incoming.TooLarge": "the server answers before there is a request",
}
"""Errors of the product that are not expected ones, and why no page and no call ever has to explain them."""


def subclasses(of: type[Exception]) -> Iterator[type[Exception]]:
    """Every class below one, however deep, that the product defines."""
    for each in of.__subclasses__():
        yield from subclasses(each)
        if each.__module__.partition(".")[0] == "petition":
            yield each


@pytest.fixture(scope="module")
def defined() -> frozenset[type[Exception]]:
    """Every class of errors of the product, in whatever module."""
    for module in pkgutil.walk_packages(petition.__path__, "petition."):
        if not module.name.startswith("petition.migrations.") and not module.name.endswith(".__main__"):
            importlib.import_module(module.name)
    return frozenset(subclasses(Exception))


def test_every_expected_error_has_a_message_and_a_status(defined: frozenset[type[Exception]]) -> None:
    expected = [kind for kind in defined if issubclass(kind, ExpectedError) and kind is not ExpectedError]
    silent = [kind.__name__ for kind in expected if not set(kind.__mro__) & MESSAGES.keys()]
    assert (silent, [kind.__name__ for kind in expected if kind.status not in range(400, 600)]) == ([], [])
    assert len(expected) > 50


def test_every_other_error_of_the_product_has_a_reason_why_nobody_is_shown_it(
    defined: frozenset[type[Exception]],
) -> None:
    others = {f"{kind.__module__}.{kind.__name__}" for kind in defined if not issubclass(kind, ExpectedError)}
    assert others == {f"petition.{name}" for name in NEVER_SHOWN}
