"""A visit as callers see it: `VisitReply` of the OpenAPI description, as JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from backend.domain.catalogue import Catalogue, Room, Service
from backend.domain.placement import describe_landmark, describe_rooms
from backend.domain.queueing import Lane, count_ahead
from backend.domain.returning import find_step_to_return_to, get_current_step
from backend.domain.settings import Words
from backend.domain.ticket import name_department, name_service
from backend.domain.visit import OPEN_STATES, StepState
from backend.domain.waits import find_wait_min
from backend.storage.his_orders import find_preparations
from backend.storage.repositories import EMPTY_QUEUE, StoredVisit, count_waiting, get_visit


@dataclass(frozen=True, kw_only=True)
class ShownStep:
    id: str
    state: StepState
    service: Service
    room: Room | None
    people_ahead: int
    kind: str
    queue_id: str
    hold_reason: str | None = None
    state_at: datetime
    returns: int = 0
    calls: int = 0


@dataclass(frozen=True, kw_only=True)
class ShownVisit:
    """Everything a visit's reply is made of; `ticket` as printed."""

    id: str
    existing: bool
    visit_kind: str
    number: str
    lane: str
    priority_group: str | None
    provisional: bool
    verified: bool
    changes: int
    created_at: datetime
    print_state: str
    steps: Sequence[ShownStep]
    ticket: dict[str, Any]


def get_state(steps: Sequence[ShownStep]) -> StepState:
    """That of the step the patient is at."""
    return get_current_step(steps).state


def find_change_deadline(
    visit: ShownVisit, catalogue: Catalogue, *, now: datetime
) -> datetime | None:
    """Until when the patient may choose another service, or None when that is over."""
    deadline = visit.created_at + timedelta(seconds=catalogue.settings.change_within_s)
    waiting = [step.state for step in visit.steps] == [StepState.WAITING]
    return deadline if waiting and not visit.changes and now < deadline else None


def can_cancel(visit: ShownVisit) -> bool:
    """Any time before being called: no step has gone further than waiting."""
    states = {step.state for step in visit.steps}
    return bool(states & OPEN_STATES) and states <= {
        StepState.WAITING,
        StepState.HOLD,
        StepState.MISSED,
        StepState.CANCELLED,
    }


def visit_to_json(visit: ShownVisit, catalogue: Catalogue, *, now: datetime) -> dict[str, Any]:
    deadline = find_change_deadline(visit, catalogue, now=now)
    state = get_state(visit.steps)
    to_return = find_step_to_return_to(visit.steps, catalogue.settings, now=now)
    actions = ["return"] if to_return else []
    actions += ["change"] if deadline else []
    actions += ["cancel"] if can_cancel(visit) else []
    actions += ["reprint"] if state in OPEN_STATES else []
    return {
        "id": visit.id,
        "existing": visit.existing,
        "state": state.value,
        "visit_kind": visit.visit_kind,
        "number": visit.number,
        "lane": visit.lane,
        "priority_group": visit.priority_group,
        "provisional": visit.provisional,
        "verified": visit.verified,
        "steps": [_step_to_json(step, catalogue, now=now) for step in visit.steps],
        "actions": actions,
        "change_until": deadline.isoformat() if deadline else None,
        "print_state": visit.print_state,
        "ticket": visit.ticket,
    }


def visit_to_text(visit: ShownVisit, catalogue: Catalogue, *, now: datetime) -> str:
    return json.dumps(visit_to_json(visit, catalogue, now=now), ensure_ascii=False)


def _step_to_json(step: ShownStep, catalogue: Catalogue, *, now: datetime) -> dict[str, Any]:
    room, floor = describe_rooms(catalogue, step.service, step.room)
    return {
        "id": step.id,
        "kind": step.kind,
        "state": step.state.value,
        "hold_reason": step.hold_reason,
        "service_id": step.service.id,
        "service": _label(name_service(step.service)),
        "department": _label(name_department(catalogue, step.service)),
        "room": _label(room),
        "floor": floor,
        "landmark": _label(describe_landmark(catalogue, step.service, step.room)),
        "people_ahead": step.people_ahead,
        "wait_min": find_wait_min(catalogue, step.service, step.room, step.people_ahead, now=now)
        if step.state is StepState.WAITING
        else None,
    }


def _label(words: Words) -> dict[str, str]:
    return {"vi": words.vi, "en": words.en}


def load_visit(
    connection: Connection,
    catalogue: Catalogue,
    visit_id: str,
    *,
    existing: bool = False,
) -> ShownVisit:
    """The visit as it stands now. Raises VisitNotFound."""
    stored = get_visit(connection, visit_id, facility_id=catalogue.facility_id)
    return show_stored(connection, catalogue, stored, existing=existing)


def show_stored(
    connection: Connection, catalogue: Catalogue, stored: StoredVisit, *, existing: bool
) -> ShownVisit:
    visit = stored.visit
    return ShownVisit(
        id=visit.id,
        existing=existing,
        visit_kind=visit.kind,
        number=visit.number,
        lane=visit.lane,
        priority_group=visit.priority_group,
        provisional=visit.provisional,
        verified=visit.verified,
        changes=visit.changes,
        created_at=visit.created_at,
        print_state=visit.print_state,
        ticket=_add_preparation(connection, stored),
        steps=[
            ShownStep(
                id=step.id,
                state=StepState(step.state),
                service=catalogue.every_service[step.service_id],
                room=catalogue.rooms.get(step.room_id) if step.room_id else None,
                people_ahead=_count_ahead(connection, catalogue, step),
                kind=step.kind,
                queue_id=step.queue_id,
                hold_reason=step.hold_reason,
                state_at=step.state_at,
                returns=step.returns,
                calls=step.calls,
            )
            for step in stored.steps
        ],
    )


def _add_preparation(connection: Connection, stored: StoredVisit) -> dict[str, Any]:
    """The ticket as it was printed, with what orders since then ask of the patient."""
    content: dict[str, Any] = stored.visit.content
    still_open = [step.id for step in stored.steps if step.state in OPEN_STATES]
    found = find_preparations(connection, still_open) if len(stored.steps) > 1 else {}
    words = [each for sentences in found.values() for each in sentences]
    if not words:
        return content
    vietnamese = [each.vi for each in words]
    if content["vi"] is None:
        return content | {"notes": [*content["notes"], *vietnamese]}
    return content | {
        "notes": [*content["notes"], *(each.en for each in words)],
        "vi": content["vi"] | {"notes": [*content["vi"]["notes"], *vietnamese]},
    }


def _count_ahead(connection: Connection, catalogue: Catalogue, step: Any) -> int:
    """People called before this step, itself left out. None are when it no longer waits."""
    if step.state != StepState.WAITING:
        return 0
    loads = count_waiting(connection, [step.queue_id], day=step.day, key_at=step.queue_key_at)
    lane = Lane(step.lane)
    waiting = dict(loads.get(step.queue_id, EMPTY_QUEUE).ahead_of(lane))
    waiting[lane] = max(waiting.get(lane, 0) - 1, 0)
    return count_ahead(lane, waiting, catalogue.settings)
