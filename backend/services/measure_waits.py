"""Whether the wait ranges held that patients were told: per room and day."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import Connection

from backend.domain.waits import Accuracy, Promise, judge_promises
from backend.storage.waits import list_promises


@dataclass(frozen=True, kw_only=True)
class MeasuredWaits:
    """`whole` is None when nothing was promised that day; rooms without promises are missing."""

    day: date
    whole: Accuracy | None
    by_room: Mapping[str, Accuracy]


def measure_waits(
    connection: Connection, facility_id: str, rooms: Sequence[str], *, day: date
) -> MeasuredWaits:
    """The first call of every step of that day against the range told when it was made."""
    promises: dict[str, list[Promise]] = defaultdict(list)
    for room_id, promise in list_promises(connection, facility_id, rooms, day=day):
        promises[room_id].append(promise)
    judged = {room: judge_promises(each) for room, each in promises.items()}
    return MeasuredWaits(
        day=day,
        whole=judge_promises([each for held in promises.values() for each in held]),
        by_room={room: accuracy for room, accuracy in judged.items() if accuracy is not None},
    )
