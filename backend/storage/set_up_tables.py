"""How far the first set-up of a hospital has come."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy.orm import Mapped, mapped_column

from backend.storage.base import Base, Id, Json, Name


class FirstSetUp(Base):
    """One row a facility, from the first code on. No row: it was set up by commands alone."""

    __tablename__ = "first_set_up"
    facility_id: Mapped[str] = mapped_column(Id, primary_key=True)
    code_hash: Mapped[str | None] = mapped_column(Id)
    """Of the one-time code for the first administrator; none once it was used."""
    code_expires_at: Mapped[datetime | None]
    administrator_at: Mapped[datetime | None]
    """When the first administrator came in with the code."""
    done: Mapped[list[Any]] = mapped_column(Json)
    """Steps somebody has been through."""
    finished_at: Mapped[datetime | None]
    finished_by: Mapped[str | None] = mapped_column(Name)
