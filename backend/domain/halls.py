"""A department at a glance: which rooms have too much, and when their lines will be empty."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from backend.domain.rooms import RoomState


class LoadLevel(StrEnum):
    """People a room saw today against the three marks of the settings."""

    LIGHT = "light"
    AIMED = "aimed"
    HIGH = "high"
    NEVER = "never"
    """More than a room may ever see in a day."""


class Alarm(StrEnum):
    """Why a room stands on top of the page."""

    LOAD_NEVER = "load_never"
    WAIT = "wait"
    NOT_CALLING = "not_calling"
    """People wait for this room alone, and it calls nobody."""
    LOAD_HIGH = "load_high"


@dataclass(frozen=True, kw_only=True)
class Line:
    """People waiting together; `rooms` is how many rooms call them now."""

    waiting: int
    rooms: int


def judge_load(seen: int, aims: Sequence[int]) -> LoadLevel:
    """`aims` rise: aimed at, too many, never."""
    levels = (LoadLevel.LIGHT, LoadLevel.AIMED, LoadLevel.HIGH, LoadLevel.NEVER)
    return levels[sum(seen >= aim for aim in aims)]


def find_alarms(
    *, level: LoadLevel, longest_wait: timedelta, own_waiting: int, state: RoomState,
    wait_limit_min: int,
) -> list[Alarm]:  # fmt: skip
    """The worst first."""
    alarms = {
        Alarm.LOAD_NEVER: level is LoadLevel.NEVER,
        Alarm.WAIT: longest_wait > timedelta(minutes=wait_limit_min),
        Alarm.NOT_CALLING: state is not RoomState.OPEN and own_waiting > 0,
        Alarm.LOAD_HIGH: level is LoadLevel.HIGH,
    }
    return [alarm for alarm, rings in alarms.items() if rings]


def rank_alarms(alarms: Sequence[Alarm]) -> int:
    """Sorts rooms: the lower, the more it needs somebody."""
    order = list(Alarm)
    return order.index(alarms[0]) if alarms else len(order)


def forecast_end(
    lines: Iterable[Line], minutes_each: float | None, *, now: datetime
) -> datetime | None:
    """When a room will have seen its share of these lines; None when its pace is not known."""
    if minutes_each is None:
        return None
    people = sum(line.waiting / max(line.rooms, 1) for line in lines)
    return now + timedelta(minutes=people * minutes_each)
