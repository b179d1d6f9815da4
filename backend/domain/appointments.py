"""Whether a booked person arrives at the right time and place."""

from __future__ import annotations

from datetime import datetime, timedelta, tzinfo
from enum import StrEnum

from backend.domain.settings import FacilitySettings


class ArrivalState(StrEnum):
    ON_TIME = "on_time"
    EARLY = "early"
    LATE = "late"
    WRONG_DAY = "wrong_day"
    OTHER_FACILITY = "other_facility"


def judge_arrival(
    start: datetime, *, now: datetime, zone: tzinfo, is_here: bool, settings: FacilitySettings
) -> ArrivalState:
    """On time is from `early_min` before the hour to `late_min` after it, both included."""
    if not is_here:
        return ArrivalState.OTHER_FACILITY
    if start.astimezone(zone).date() != now.astimezone(zone).date():
        return ArrivalState.WRONG_DAY
    if now < start - timedelta(minutes=settings.early_min):
        return ArrivalState.EARLY
    if now > start + timedelta(minutes=settings.late_min):
        return ArrivalState.LATE
    return ArrivalState.ON_TIME


def may_arrive(state: ArrivalState) -> bool:
    """Late people are received too, as walk-ins without a place in the booked lane."""
    return state in {ArrivalState.ON_TIME, ArrivalState.LATE}
