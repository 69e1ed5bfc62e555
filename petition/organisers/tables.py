"""The tables of the organisers' side: their roles and how they sign in. Nothing here leads to a signer.

An organiser is a name, which may be made up; no mail address is stored with it. Secrets are stored as hashes.
"""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from petition.core.db import Base
from petition.core.ids import CampaignId, OrganiserId


class Role(StrEnum):
    """The roles of organisers in a campaign."""

    OWNER = "owner"
    EDITOR = "editor"
    MODERATOR = "moderator"
    OBSERVER = "observer"


class Organiser(Base):
    """Somebody who organises. `id` is 16 random bytes; `name` is unique, ignoring case."""

    __tablename__ = "organiser"

    id: Mapped[OrganiserId] = mapped_column(primary_key=True)
    name: Mapped[str]
    known_as: Mapped[str] = mapped_column(unique=True)
    lang: Mapped[str]
    disabled: Mapped[bool]
    since: Mapped[date]


class Membership(Base):
    """The role of an organiser in a campaign."""

    __tablename__ = "membership"

    campaign_id: Mapped[CampaignId] = mapped_column(primary_key=True)
    organiser_id: Mapped[OrganiserId] = mapped_column(ForeignKey("organiser.id"), primary_key=True, index=True)
    role: Mapped[Role]
    since: Mapped[date]


class Passkey(Base):
    """A public key that signs an organiser in (WebAuthn). `id` is the credential's."""

    __tablename__ = "passkey"

    id: Mapped[bytes] = mapped_column(primary_key=True)
    organiser_id: Mapped[OrganiserId] = mapped_column(ForeignKey("organiser.id"), index=True)
    name: Mapped[str]
    public_key: Mapped[bytes]
    sign_count: Mapped[int]
    since: Mapped[date]
    used: Mapped[date | None]


class RecoveryCode(Base):
    """A code that signs in once, as an argon2 hash. The row is deleted when the code is used."""

    __tablename__ = "recovery_code"

    organiser_id: Mapped[OrganiserId] = mapped_column(ForeignKey("organiser.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    hash: Mapped[str]


class OrganiserSession(Base):
    """One sign-in on one device. `id` is the SHA-256 of the cookie's value."""

    __tablename__ = "visit"

    id: Mapped[bytes] = mapped_column(primary_key=True)
    organiser_id: Mapped[OrganiserId] = mapped_column(ForeignKey("organiser.id"), index=True)
    began: Mapped[datetime]
    seen: Mapped[datetime]
    confirmed: Mapped[datetime]


class Invitation(Base):
    """A link that works once, stored as a hash: it lets somebody join with a role, or signs an organiser in."""

    __tablename__ = "invitation"

    id: Mapped[bytes] = mapped_column(primary_key=True)
    organiser_id: Mapped[OrganiserId | None] = mapped_column(ForeignKey("organiser.id"))
    campaign_id: Mapped[CampaignId | None]
    role: Mapped[Role | None]
    by: Mapped[OrganiserId | None]
    until: Mapped[datetime]
