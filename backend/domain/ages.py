"""Which of the HIS's data may be shown from a copy, and how old. Pure.

Results and money are never shown from a copy: a corrected result or a paid bill would be wrong
and nobody could see it. Whoever cannot be asked at this moment is not guessed at.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo


class DataKind(StrEnum):
    """The seven kinds that are kept in step with the HIS."""

    PATIENT = "patient"
    HISTORY = "history"
    REGISTRATION = "registration"
    ORDERS = "orders"
    RESULTS = "results"
    EINVOICE = "einvoice"
    PAYMENT = "payment"


OLDEST_COPY: Mapping[DataKind, timedelta] = {
    DataKind.PATIENT: timedelta(hours=24),
    DataKind.HISTORY: timedelta(hours=24),
    DataKind.REGISTRATION: timedelta(hours=12),
    DataKind.ORDERS: timedelta(hours=2),
}
"""Kinds that are not here are shown live or not at all."""


class Source(StrEnum):
    LIVE = "live"
    COPY = "copy"
    SILENT = "silent"
    """The HIS did not answer, and a copy would not do."""
    NOT_OFFERED = "not_offered"
    """This HIS does not tell."""


@dataclass(frozen=True, kw_only=True)
class Copy:
    """`stale`: the HIS said since that it changed."""

    fetched_at: datetime
    stale: bool


def may_keep(kind: DataKind) -> bool:
    """Whether a copy of it may be stored at all."""
    return kind in OLDEST_COPY


def may_show(kind: DataKind, copy: Copy | None, *, now: datetime) -> bool:
    """Whether this copy may stand in for an answer of the HIS; its age is shown beside it."""
    oldest = OLDEST_COPY.get(kind)
    if copy is None or oldest is None:
        return False
    if copy.stale and kind is DataKind.ORDERS:
        return False  # somebody would be sent to a place that was taken back
    return now - copy.fetched_at <= oldest


def tell_age(fetched_at: datetime, *, now: datetime, zone: ZoneInfo) -> str:
    """08:12, or 08:12 23/11 when it is not of today: what follows "cập nhật lúc"."""
    local = fetched_at.astimezone(zone)
    today = now.astimezone(zone).date()
    return local.strftime("%H:%M" if local.date() == today else "%H:%M %d/%m")
