"""Tables of staff: who may come in, and who is in."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from backend.storage.base import Base, Code, Id, Json, Name, primary


class UserAccount(Base):
    """A member of staff."""

    __tablename__ = "user_account"
    __table_args__ = (UniqueConstraint("facility_id", "name"),)
    id: Mapped[str] = primary()
    facility_id: Mapped[str] = mapped_column(Id)
    name: Mapped[str] = mapped_column(Name)
    """What is typed to sign in, in small letters."""
    display_name: Mapped[str] = mapped_column(Name)
    roles: Mapped[list[Any]] = mapped_column(Json)
    """Codes of domain.roles.StaffRole."""
    room_ids: Mapped[list[Any]] = mapped_column(Json)
    """Rooms this person may call for; empty: all."""
    password_hash: Mapped[str] = mapped_column(Text)
    must_change_password: Mapped[bool]
    password_until: Mapped[datetime | None]
    """A one-time password is worth nothing after this."""
    password_changed_at: Mapped[datetime]
    sealed_totp: Mapped[bytes | None]
    totp_confirmed_at: Mapped[datetime | None]
    """The second factor counts from here on."""
    totp_step: Mapped[int | None] = mapped_column(BigInteger)
    """Time step of the last code that was taken: it is not taken again."""
    recovery_hashes: Mapped[list[Any]] = mapped_column(Json)
    failed_tries: Mapped[int]
    locked_until: Mapped[datetime | None]
    last_login_at: Mapped[datetime | None]
    disabled_at: Mapped[datetime | None]
    created_at: Mapped[datetime]


class UserSession(Base):
    """One sign-in of one browser. The browser holds the token, the row its hash."""

    __tablename__ = "user_session"
    __table_args__ = (UniqueConstraint("token_hash"),)
    id: Mapped[str] = primary()
    facility_id: Mapped[str] = mapped_column(Id)
    user_id: Mapped[str] = mapped_column(
        Id, ForeignKey("user_account.id", ondelete="CASCADE"), index=True
    )
    token_hash: Mapped[str] = mapped_column(Code)
    created_at: Mapped[datetime] = mapped_column(index=True)
    last_seen_at: Mapped[datetime]
    way: Mapped[str] = mapped_column(Code)
    """How the person proved who they are: password or single_sign_on."""
    second_factor_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    address_hash: Mapped[str] = mapped_column(Code)


class ApiToken(Base):
    """Lets a program act as a member of staff."""

    __tablename__ = "api_token"
    __table_args__ = (UniqueConstraint("token_hash"),)
    id: Mapped[str] = primary()
    facility_id: Mapped[str] = mapped_column(Id)
    user_id: Mapped[str] = mapped_column(
        Id, ForeignKey("user_account.id", ondelete="CASCADE"), index=True
    )
    token_hash: Mapped[str] = mapped_column(Code)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    last_used_at: Mapped[datetime | None]
    """To the hour."""
    revoked_at: Mapped[datetime | None]
