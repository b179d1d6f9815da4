"""Does what a caller wants once, however often the same wish arrives."""

from __future__ import annotations

from collections.abc import Callable

from backend.errors import StorageUnavailable
from backend.storage.database import Database
from backend.storage.repositories import Answer, Intent, find_answer, save_answer
from backend.storage.unit_of_work import UnitOfWork

RACES = 5


class LostRaceError(Exception):
    """Somebody else wrote the same thing first: look again, it is there now."""


def answer_once(database: Database, intent: Intent, work: Callable[[UnitOfWork], Answer]) -> Answer:
    """The first answer to this wish, given now or before; `work` runs in one transaction.

    `work` may raise LostRaceError to be run again from the start. Errors are not remembered: a
    wish that was refused may be granted later. Raises IdempotencyKeyReused, StorageUnavailable.
    """

    def attempt(unit: UnitOfWork) -> Answer:
        first = find_answer(unit, intent)
        if first is not None:
            return first
        answer = work(unit)
        if not save_answer(unit, intent, answer):
            raise LostRaceError
        return answer

    for _ in range(RACES):
        try:
            return database.transact(attempt)
        except LostRaceError:
            continue
    raise StorageUnavailable
