"""The tables of verification, in their own schema: keyed tags, issued counts, issuer keys and mail caps.

A row here shares nothing with a signature except the campaign. There are no serial numbers and no times finer than a
day. Nothing that a verification writes bears a day, a domain or a place among others: of all who asked for codes, the
tables tell how many were verified, and not which of them (decision 0059).
"""

from __future__ import annotations

from datetime import date

from sqlalchemy.orm import Mapped, mapped_column

from petition.core import database_roles
from petition.core.db import Base
from petition.core.ids import CampaignId

SCHEMA = {"schema": "verification"}
REWRITTEN = SCHEMA | {"info": database_roles.REWRITTEN}


class Issuer(Base):
    """The private key that stamps passes, encrypted. The row is deleted at the close."""

    __tablename__ = "issuer"
    __table_args__ = SCHEMA

    campaign_id: Mapped[CampaignId] = mapped_column(primary_key=True)
    sealed_key: Mapped[bytes]


class Tag(Base):
    """A keyed tag of the address of a person who has a pass, 32 bytes. The row is deleted at the close.

    `reply` is a keyed hash of the tag and the blinded value that was stamped, so that a lost reply can be requested
    again.
    """

    __tablename__ = "tag"
    __table_args__ = REWRITTEN

    campaign_id: Mapped[CampaignId] = mapped_column(primary_key=True)
    tag: Mapped[bytes] = mapped_column(primary_key=True)
    reply: Mapped[bytes]


class Issued(Base):
    """The number of passes issued by a method, which the ledger's epochs publish."""

    __tablename__ = "issued"
    __table_args__ = REWRITTEN

    campaign_id: Mapped[CampaignId] = mapped_column(primary_key=True)
    method: Mapped[str] = mapped_column(primary_key=True)
    n: Mapped[int]


class MailCap(Base):
    """The number of codes requested for a person, or for a host of theirs, on one day, under a tag that changes each day.

    Some rows are fillers. No row says which of these it is.

    Beyond the cap no mail leaves, but `n` still increases. Fillers belong to nobody; with them all requests write in
    the same way (decisions 0031 and 0080).
    """

    __tablename__ = "mail_cap"
    __table_args__ = REWRITTEN

    key: Mapped[bytes] = mapped_column(primary_key=True)
    day: Mapped[date]
    n: Mapped[int]


class CodeDay(Base):
    """The codes requested and used on one day (UTC) that is over, for one work domain, for ten days.

    They show whether mails are blocked. While the day lasts, Redis alone counts.

    There is a row where ten codes or more were requested. `used` is 0 under ten, and `share` says how many per cent were
    used at least: 0, 25 or 50.
    """

    __tablename__ = "code_day"
    __table_args__ = SCHEMA

    campaign_id: Mapped[CampaignId] = mapped_column(primary_key=True)
    domain: Mapped[str] = mapped_column(primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    asked: Mapped[int]
    used: Mapped[int]
    share: Mapped[int]
