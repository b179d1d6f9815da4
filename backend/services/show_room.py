"""A room as its staff see it: who is in, who is next and why, who is held or missed.

Names are shown for those who were called only: whoever stands at the door is checked by full
name and birth date inside the room, nobody else's name is on the screen.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, and_, func, select

from backend.domain.catalogue import Catalogue
from backend.domain.queueing import CallReason, order_calls
from backend.domain.rooms import RoomToday, list_room_queues
from backend.domain.settings import Words
from backend.domain.visit import StepState
from backend.errors import VisitNotFound
from backend.services.resources import Resources
from backend.storage.his_orders import find_preparations
from backend.storage.number_tables import Ticket
from backend.storage.queue_tables import StaffAct, Step
from backend.storage.queues import (
    AWAY,
    IN_SIGHT,
    MAX_SHOWN,
    count_by_lane,
    find_last_call_id,
    get_room_today,
    get_run,
    list_waiting,
)
from backend.storage.repositories import get_person
from backend.storage.visit_tables import Visit

SHOWN_WAITING = 25
IN_ROOM = (StepState.CALLED.value, StepState.SERVING.value)
ASIDE = (StepState.HOLD.value, StepState.MISSED.value)


@dataclass(frozen=True, kw_only=True)
class Patient:
    """Of somebody who was called: checked inside the room by full name and birth date."""

    full_name: str
    birth_date: str | None
    gender: str | None


@dataclass(frozen=True, kw_only=True)
class RoomStep:
    """`notes` name what staff still have to look at; `order` says why it comes where it does."""

    step_id: str
    version: int
    visit_id: str
    number: str
    lane: str
    state: str
    kind: str
    service_id: str
    hold_reason: str | None
    calls: int
    returns: int
    key_at: datetime
    state_at: datetime
    notes: tuple[str, ...]
    order: CallReason | None = None
    patient: Patient | None = None
    preparation: Sequence[Words] = ()
    """What the patient was to do before, as the order says."""


@dataclass(frozen=True, kw_only=True)
class LastAct:
    """What can be undone, and until when."""

    id: str
    kind: str
    actor: str
    number: str | None
    until: datetime


@dataclass(frozen=True, kw_only=True)
class ShownRoom:
    room_id: str
    today: RoomToday
    now: datetime
    last_call: str | None
    current: Sequence[RoomStep]
    waiting: Sequence[RoomStep]
    waiting_by_lane: Mapping[str, int]
    aside: Sequence[RoomStep]
    done: int
    """People who left this room today: the load that the rules of a day in a room speak of."""
    last_act: LastAct | None
    catalogue: Catalogue


_ROWS = (
    select(
        Step.__table__,
        Ticket.number,
        Visit.provisional,
        Visit.verified,
        Visit.known_to_his,
        Visit.priority_declared,
    )
    .join(Ticket, Ticket.visit_id == Step.visit_id)
    .join(Visit, Visit.id == Step.visit_id)
)


def load_room(
    resources: Resources,
    connection: Connection,
    room_id: str,
    *,
    now: datetime,
    shown: int = SHOWN_WAITING,
) -> ShownRoom:
    """The room as it stands now, with the first `shown` who wait. The room is known, see
    `call_next.get_room`.
    """
    catalogue = resources.catalogue.get()
    day = catalogue.today(now)
    queues = list_room_queues(catalogue, room_id)
    tickets = list_waiting(connection, queues, day=day, limit=shown)
    run = get_run(connection, queues, day=day, settings=catalogue.settings)
    calls = order_calls(tickets, run, now=now, settings=catalogue.settings, limit=shown)
    rows = _list_rows(connection, room_id, queues, [call.ticket.id for call in calls], day=day)
    by_id = {row.id: row for row in rows}
    later = [row.id for row in rows if row.position > 0]
    prepared = find_preparations(connection, later) if later else {}

    def show(row: Any, **more: Any) -> RoomStep:
        return _show(row, preparation=prepared.get(row.id, ()), **more)

    return ShownRoom(
        room_id=room_id,
        today=get_room_today(connection, room_id, day=day),
        now=now,
        last_call=find_last_call_id(connection, room_id, day=day),
        current=[
            show(row, patient=_find_patient(resources, connection, row.person_id))
            for row in sorted(rows, key=lambda row: row.state_at)
            # Somebody who waited a moment ago may be in another room of the line by now.
            if row.state in IN_ROOM and row.room_id == room_id
        ],
        waiting=[
            show(by_id[call.ticket.id], order=call.reason)
            for call in calls
            if call.ticket.id in by_id and by_id[call.ticket.id].state == StepState.WAITING
        ],
        waiting_by_lane={
            lane.value: count for lane, count in count_by_lane(connection, queues, day=day).items()
        },
        aside=[
            show(row)
            for row in sorted(rows, key=lambda row: row.state_at, reverse=True)
            if row.state in ASIDE
        ],
        done=_count_done(connection, room_id, day=day),
        last_act=_find_last_act(connection, catalogue, room_id, now=now),
        catalogue=catalogue,
    )


def _list_rows(
    connection: Connection, room_id: str, queues: Sequence[str], waiting: Sequence[str], *, day: Any
) -> Sequence[Any]:
    """Those in the room, those aside, and the waiting ones that are shown."""
    step = Step
    in_room = and_(step.room_id == room_id, step.day == day, IN_SIGHT, step.state.in_(IN_ROOM))
    aside = and_(step.queue_id.in_(queues), step.day == day, AWAY, step.state.in_(ASIDE))
    rows = list(connection.execute(_ROWS.where(in_room)).all())
    rows += connection.execute(_ROWS.where(aside).limit(MAX_SHOWN)).all()
    if waiting:
        rows += connection.execute(_ROWS.where(step.id.in_(waiting))).all()
    return rows


def _show(
    row: Any,
    *,
    order: CallReason | None = None,
    patient: Patient | None = None,
    preparation: Sequence[Words] = (),
) -> RoomStep:
    notes = {
        "check_card": row.provisional,
        "not_synced": not row.known_to_his,
        "show_papers": row.priority_declared,
        "show_identity": not row.verified,
    }
    return RoomStep(
        step_id=row.id,
        version=row.version,
        visit_id=row.visit_id,
        number=row.number,
        lane=row.lane,
        state=row.state,
        kind=row.kind,
        service_id=row.service_id,
        hold_reason=row.hold_reason,
        calls=row.calls,
        returns=row.returns,
        key_at=row.queue_key_at,
        state_at=row.state_at,
        notes=tuple(note for note, wanted in notes.items() if wanted),
        order=order,
        patient=patient,
        preparation=preparation,
    )


def _find_patient(
    resources: Resources, connection: Connection, person_id: str | None
) -> Patient | None:
    if person_id is None:
        return None
    try:
        person = get_person(connection, resources.keys, person_id)
    except VisitNotFound:
        return None
    return Patient(full_name=person.full_name, birth_date=person.birth_date, gender=person.gender)


def _count_done(connection: Connection, room_id: str, *, day: Any) -> int:
    return (
        connection.scalar(
            select(func.count())
            .select_from(Step)
            .where(
                Step.room_id == room_id,
                Step.day == day,
                IN_SIGHT,
                Step.state == StepState.DONE.value,
            )
        )
        or 0
    )


def _find_last_act(
    connection: Connection, catalogue: Catalogue, room_id: str, *, now: datetime
) -> LastAct | None:
    """The newest act at this room that may still be taken back."""
    span = timedelta(seconds=catalogue.settings.undo_within_s)
    row = connection.execute(
        select(StaffAct.__table__)
        .where(StaffAct.room_id == room_id, StaffAct.at > now - span)
        .order_by(StaffAct.at.desc(), StaffAct.id.desc())
        .limit(1)
    ).one_or_none()
    if row is None or row.undone_at is not None:
        return None
    number = None
    if row.steps:
        number = connection.scalar(
            select(Ticket.number)
            .join(Step, Step.visit_id == Ticket.visit_id)
            .where(Step.id == row.steps[-1]["id"])
        )
    return LastAct(id=row.id, kind=row.kind, actor=row.actor, number=number, until=row.at + span)


# --- as JSON -------------------------------------------------------------------------------------


def room_to_json(shown: ShownRoom) -> dict[str, Any]:
    """`RoomNowReply` of the OpenAPI description."""
    catalogue = shown.catalogue
    room = catalogue.rooms[shown.room_id]
    practitioner = catalogue.practitioners.get(shown.today.practitioner_id or "")
    return {
        "id": room.id,
        "code": room.code,
        "name": {"vi": room.name.vi, "en": room.name.en},
        "floor": room.floor,
        "state": shown.today.state.value,
        "reason": shown.today.reason,
        "until": _moment(shown.today.until),
        "doctor": practitioner.titled_name if practitioner else None,
        "doctor_id": practitioner.id if practitioner else None,
        "now": _moment(shown.now),
        "last_call": shown.last_call,
        "current": [_step_to_json(step, catalogue) for step in shown.current],
        "waiting": [_step_to_json(step, catalogue) for step in shown.waiting],
        "waiting_total": sum(shown.waiting_by_lane.values()),
        "waiting_by_lane": dict(shown.waiting_by_lane),
        "aside": [_step_to_json(step, catalogue) for step in shown.aside],
        "done": shown.done,
        "load_aims": list(catalogue.settings.load_aims),
        "rules": {
            "calls_before_missed": catalogue.settings.calls_before_missed,
            "call_again_after_s": catalogue.settings.call_again_after_s,
            "guard_min": dict(catalogue.settings.guard_min),
            "priority_in_a_row": catalogue.settings.priority_in_a_row,
            "results_in_a_row": catalogue.settings.results_in_a_row,
        },
        "undo": None
        if shown.last_act is None
        else {
            "id": shown.last_act.id,
            "kind": shown.last_act.kind,
            "number": shown.last_act.number,
            "until": _moment(shown.last_act.until),
        },
    }


def room_to_text(shown: ShownRoom) -> str:
    return json.dumps(room_to_json(shown), ensure_ascii=False)


def _step_to_json(step: RoomStep, catalogue: Catalogue) -> dict[str, Any]:
    service = catalogue.every_service[step.service_id]
    patient = step.patient
    return {
        "step_id": step.step_id,
        "version": step.version,
        "visit_id": step.visit_id,
        "number": step.number,
        "lane": step.lane,
        "state": step.state,
        "kind": step.kind,
        "service": {"vi": service.name.vi, "en": service.name.en},
        "service_id": step.service_id,
        "hold_reason": step.hold_reason,
        "calls": step.calls,
        "returns": step.returns,
        "since": _moment(step.key_at),
        "state_at": _moment(step.state_at),
        "notes": list(step.notes),
        "order": step.order.value if step.order else None,
        "preparation": [{"vi": words.vi, "en": words.en} for words in step.preparation],
        "patient": None
        if patient is None
        else {
            "full_name": patient.full_name,
            "birth_date": patient.birth_date,
            "gender": patient.gender,
        },
    }


def _moment(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
