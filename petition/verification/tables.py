"""The rows of the verification side, in a schema of their own: keyed tags, issued counts, issuer keys, caps on mails.

No row here has anything in common with a signature but the campaign. No serial numbers, no time finer than a day.
"""

from __future__ import annotations

from datetime import date

from sqlalchemy.orm import Mapped, mapped_column

from petition.core.db import Base
from petition.core.ids import CampaignId

SCHEMA = {"schema": "verification"}


class Issuer(Base):
    """The private key that stamps passes, sealed; the row is deleted at the close."""

    __tablename__ = "issuer"
    __table_args__ = SCHEMA

    campaign_id: Mapped[CampaignId] = mapped_column(primary_key=True)
    sealed_key: Mapped[bytes]


class Tag(Base):
    """Somebody holds a pass: a keyed tag of the address, 32 bytes; deleted at the close."""

    __tablename__ = "tag"
    __table_args__ = SCHEMA

    campaign_id: Mapped[CampaignId] = mapped_column(primary_key=True)
    tag: Mapped[bytes] = mapped_column(primary_key=True)


class Stamped(Base):
    """A blinded value that was stamped, as a keyed hash, so that a lost reply may be asked for again."""

    __tablename__ = "stamped"
    __table_args__ = SCHEMA

    reply: Mapped[bytes] = mapped_column(primary_key=True)
    day: Mapped[date]


class Issued(Base):
    """How many passes were issued by a method: what the ledger's epochs publish."""

    __tablename__ = "issued"
    __table_args__ = SCHEMA

    campaign_id: Mapped[CampaignId] = mapped_column(primary_key=True)
    method: Mapped[str] = mapped_column(primary_key=True)
    n: Mapped[int]


class MailCap(Base):
    """How often a code for one address was asked for on one day, by a tag that changes each day; and fillers.

    Beyond the cap no mail leaves, and n goes on. Fillers are of nobody: they make all asks write alike (decision 0031).
    """

    __tablename__ = "mail_cap"
    __table_args__ = SCHEMA

    key: Mapped[bytes] = mapped_column(primary_key=True)
    day: Mapped[date]
    n: Mapped[int]


class CodeDay(Base):
    """Codes asked for and used on one day (UTC) of one work domain, for three days: it shows when mails are blocked.

    Once the day is over, a figure under ten is made 0, so that the row of a quiet day tells of nobody.
    """

    __tablename__ = "code_day"
    __table_args__ = SCHEMA

    campaign_id: Mapped[CampaignId] = mapped_column(primary_key=True)
    domain: Mapped[str] = mapped_column(primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    asked: Mapped[int]
    used: Mapped[int]
