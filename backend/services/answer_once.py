"""Does what a caller wants once, however often the same wish arrives."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy.exc import IntegrityError

from backend.storage.database import Database
from backend.storage.repositories import Answer, Intent, find_answer, save_answer
from backend.storage.unit_of_work import UnitOfWork

LOST_RACES = 5


def answer_once(database: Database, intent: Intent, work: Callable[[UnitOfWork], Answer]) -> Answer:
    """The first answer to this wish, given now or before; `work` runs in one transaction.

    When somebody else writes first what exists only once (this wish's answer, this person's open
    step) everything is undone and looked at again: it is there now. Errors are not remembered: a
    wish that was refused may be granted later. Raises IdempotencyKeyReused, StorageUnavailable.
    """

    def attempt(unit: UnitOfWork) -> Answer:
        first = find_answer(unit, intent)
        if first is not None:
            return first
        answer = work(unit)
        save_answer(unit, intent, answer)
        return answer

    for _ in range(LOST_RACES):
        try:
            return database.transact(attempt)
        except IntegrityError:
            continue
    return database.transact(attempt)
