"""The list of all checks, in the order in which `doctor` prints them. docs/doctor.md explains each."""

from __future__ import annotations

from typing import Final

from petition.core.i18n import marked as _
from petition.operation.check import Check, each_sender_domain
from petition.operation.checks import clocks, database, machine, mta_sts, public_site, redis_server, relay, sender_dns

CHECKS: Final[tuple[Check, ...]] = (
    Check("settings", _("Settings of production"), machine.settings),
    Check("passwords", _("Passwords of the servers"), machine.passwords),
    Check("files", _("Who may read secrets and data"), machine.files),
    Check("disk", _("Room on the disk"), machine.disk),
    Check("database", _("Database: version"), database.version),
    Check("encoding", _("Database: how text is stored"), database.encoding),
    Check("tables", _("Database: tables of this version"), database.tables),
    Check("roles", _("Database: three roles"), database.roles),
    Check("pooler", _("Database: connections"), database.pooler),
    Check("scrub", _("Order of arrival: removed, with all rights"), database.scrub),
    Check("redis", _("Redis: version"), redis_server.version),
    Check("eviction", _("Redis: nothing is deleted when it is full"), redis_server.eviction),
    Check("persistence", _("Redis: nothing is written to a disk"), redis_server.persistence),
    Check("rights", _("Redis: commands"), redis_server.rights),
    Check("processes", _("Workers and clock (beat)"), machine.processes),
    Check("clock", _("Time of day"), clocks.clocks),
    Check("backup", _("Backups"), machine.backup),
    Check("relay", _("Mail server: connection, TLS, sign-in"), relay.relay),
    Check("mail", _("Mail server: a mail to the operator"), relay.trial_mail, relay.asked_for_mail),
    Check("senders", _("Senders that do not hint at the letter"), sender_dns.senders),
    Check("reception", _("Sender’s domain: takes mail (MX)"), sender_dns.reception, each_sender_domain),
    Check("spf", _("Sender’s domain: who may send (SPF)"), sender_dns.sender_policy, each_sender_domain),
    Check("dkim", _("Sender’s domain: signature (DKIM)"), sender_dns.signing_key, each_sender_domain),
    Check("dmarc", _("Sender’s domain: policy (DMARC)"), sender_dns.policy, each_sender_domain),
    Check("mta-sts", _("Sender’s domain: encrypted reception (MTA-STS)"), mta_sts.transport_policy, each_sender_domain),
    Check("ptr", _("Names of the sending addresses (PTR)"), sender_dns.reverse_names),
    Check("address", _("Public address"), public_site.address),
    Check("certificate", _("Certificate"), public_site.certificate),
    Check("hsts", _("Browsers come over https only (HSTS)"), public_site.strict_transport),
    Check("http", _("From http to https"), public_site.from_http),
    Check("proxy", _("Networks of visitors, as the proxy passes them on"), public_site.proxy),
)
