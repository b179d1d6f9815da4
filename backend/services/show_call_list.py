"""Who is to be called at a room, as a list that works on paper: numbers only, nobody's name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, select

from backend.domain.catalogue import Room
from backend.domain.queueing import order_calls
from backend.domain.rooms import list_room_queues
from backend.domain.settings import Words
from backend.services.resources import Resources
from backend.services.show_room import IN_ROOM
from backend.storage.number_tables import Ticket
from backend.storage.queue_tables import Step
from backend.storage.queues import MAX_SHOWN, count_by_lane, get_run, list_waiting
from backend.storage.visit_tables import Visit


@dataclass(frozen=True, kw_only=True)
class ListedNumber:
    number: str
    lane: str
    service: Words
    arrived_at: datetime


@dataclass(frozen=True, kw_only=True)
class CallList:
    """`waiting` in the order of calling, MAX_SHOWN at most of `waiting_total`."""

    room: Room
    at: datetime
    inside: Sequence[str]
    waiting: Sequence[ListedNumber]
    waiting_total: int


def load_call_list(
    resources: Resources, connection: Connection, room_id: str, *, now: datetime
) -> CallList:
    """The room is known, see `call_next.get_room`."""
    catalogue = resources.catalogue.get()
    day = catalogue.today(now)
    queues = list_room_queues(catalogue, room_id)
    tickets = list_waiting(connection, queues, day=day)
    run = get_run(connection, queues, day=day, settings=catalogue.settings)
    calls = order_calls(tickets, run, now=now, settings=catalogue.settings, limit=MAX_SHOWN)
    step, ticket, visit = Step, Ticket, Visit
    rows = connection.execute(
        select(step.id, step.lane, step.service_id, step.state, ticket.number, visit.created_at)
        .join(ticket, ticket.visit_id == step.visit_id)
        .join(visit, visit.id == step.visit_id)
        .where(
            step.id.in_([call.ticket.id for call in calls])
            | ((step.room_id == room_id) & (step.day == day) & step.state.in_(IN_ROOM))
        )
    ).all()
    by_id = {row.id: row for row in rows}
    return CallList(
        room=catalogue.rooms[room_id],
        at=now,
        inside=sorted(row.number for row in rows if row.state in IN_ROOM),
        waiting=[
            ListedNumber(
                number=row.number,
                lane=row.lane,
                service=catalogue.every_service[row.service_id].name,
                arrived_at=row.created_at,
            )
            for row in (by_id[call.ticket.id] for call in calls if call.ticket.id in by_id)
            if row.state not in IN_ROOM
        ],
        waiting_total=sum(count_by_lane(connection, queues, day=day).values()),
    )


def sheet_facts(sheet: CallList, *, zone: ZoneInfo, lang: str) -> dict[str, Any]:
    """What the sheet prints of a list, in the words of one language."""
    at = sheet.at.astimezone(zone)
    lines = [
        {
            "number": line.number,
            "lane": line.lane,
            "service": line.service.vi if lang == "vi" else line.service.en,
            "arrived": line.arrived_at.astimezone(zone).strftime("%H:%M"),
        }
        for line in sheet.waiting
    ]
    return {
        "sheet": sheet,
        "sheet_at": at.strftime("%H:%M"),
        "sheet_day": at.strftime("%d/%m/%Y"),
        "lines": lines,
    }
