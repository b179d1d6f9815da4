"""What a press in a room is answered with: the act once, the room as it stands after it.

The answer that is kept for the same press again is a receipt. It holds no name of a patient, and
the room is read after the commit: nobody waits behind the lock of a queue while a page is drawn.
"""

from __future__ import annotations

import json
from collections.abc import Callable

from backend.services.answer_once import answer_once
from backend.services.note_room_reads import note_room_reads
from backend.services.resources import Resources
from backend.services.show_room import load_room, room_to_text
from backend.storage.repositories import Answer, Intent
from backend.storage.unit_of_work import UnitOfWork


def answer_room(
    resources: Resources, room_id: str, intent: Intent, work: Callable[[UnitOfWork], None]
) -> Answer:
    """Does `work` in one transaction, once however often the press arrives; shows the room.

    Raises what `work` raises, IdempotencyKeyReused, StorageUnavailable.
    """
    receipt = json.dumps({"room_id": room_id})

    def act(unit: UnitOfWork) -> Answer:
        work(unit)
        return Answer(status=200, body=receipt)

    answer_once(resources.database, intent, act)
    with resources.database.read() as connection:
        room = load_room(resources, connection, room_id, now=resources.database.clock())
    note_room_reads(resources.database, room, actor=intent.caller)
    return Answer(status=200, body=room_to_text(room))
