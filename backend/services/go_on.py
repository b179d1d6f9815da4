"""Where a visit goes when a step is done: one ticket carries the whole way.

reception → examination → tests → back to the same room → cashier → pharmacy. The steps that are
still to come wait on hold; whoever finishes one opens the next. After the last test the way back
to the doctor waits until all results are there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select

from backend.domain.catalogue import Catalogue, Service
from backend.domain.ids import new_id
from backend.domain.placement import list_places, list_queues
from backend.domain.queueing import Lane, count_ahead
from backend.domain.visit import (
    OPEN_STATES,
    TESTS,
    HoldReason,
    StepKind,
    StepState,
    find_mark,
)
from backend.domain.waits import find_wait_min
from backend.errors import ChangeNotAllowed
from backend.services.keep_act import Act
from backend.storage import tables
from backend.storage.repositories import EMPTY_QUEUE, count_waiting
from backend.storage.unit_of_work import UnitOfWork

SERVED = frozenset({StepState.CALLED, StepState.SERVING})


def finish_step(unit: UnitOfWork, act: Act, step: Any, *, at: datetime | None = None) -> None:
    """The patient leaves the room; the next step of the visit opens. `at` None = now.

    Somebody who was called and came in without anybody pressing "in" was served all the same.
    """
    moment = at or unit.now
    through = StepState.SERVING if step.state == StepState.CALLED else None
    act.move(step, StepState.DONE, at=moment, through=through)
    open_next_step(unit, act, step, at=moment)


def list_visit_steps(unit: UnitOfWork, visit_id: str) -> Sequence[Any]:
    return unit.connection.execute(
        select(tables.Step.__table__)
        .where(tables.Step.visit_id == visit_id)
        .order_by(tables.Step.position, tables.Step.id)
    ).all()


def open_next_step(unit: UnitOfWork, act: Act, done: Any, *, at: datetime | None = None) -> None:
    """The first step that waits for an earlier one waits in its own line now, since `at`."""
    steps = list_visit_steps(unit, done.visit_id)
    if any(step.state in OPEN_STATES and step.state != StepState.HOLD for step in steps):
        return
    for step in steps:
        if step.state != StepState.HOLD or step.hold_reason != HoldReason.EARLIER_STEP:
            continue
        if step.kind == StepKind.RETURN:
            # The tests are done; their results are another matter.
            act.move(step, StepState.HOLD, hold=HoldReason.RESULTS)
        else:
            act.move(step, StepState.WAITING, queue_key_at=at or unit.now)
        return


@dataclass(frozen=True, kw_only=True)
class NewStep:
    """A step to come; `room_id` only where the room is chosen, else the shortest line."""

    service: Service
    kind: StepKind
    room_id: str | None = None
    practitioner_id: str | None = None


def add_steps(
    unit: UnitOfWork,
    catalogue: Catalogue,
    act: Act,
    after: Any,
    wanted: Sequence[NewStep],
    *,
    lane: Lane,
    source: str,
) -> list[str]:
    """Appends steps to the visit of `after`; the first waits now unless another step is open.

    Raises ServiceClosed, ChangeNotAllowed when the person has that service open already.
    """
    unit.flush()
    steps = list_visit_steps(unit, after.visit_id)
    taken = {step.service_id for step in steps if step.state in OPEN_STATES}
    position = max(step.position for step in steps) + 1
    busy = any(
        step.state in OPEN_STATES and step.hold_reason != HoldReason.EARLIER_STEP for step in steps
    )
    added = []
    for offset, each in enumerate(wanted):
        if each.service.id in taken:
            raise ChangeNotAllowed
        taken.add(each.service.id)
        waits = not (busy or offset or _earlier_holds(steps))
        step_id = _insert(
            unit, catalogue, after, each, position=position + offset, waits=waits, lane=lane,
            source=source,
        )  # fmt: skip
        act.added(step_id[0], visit_id=after.visit_id, queue_id=step_id[1])
        added.append(step_id[0])
    return added


def check_free(unit: UnitOfWork, step: Any, services: Sequence[str]) -> None:
    """Raises ChangeNotAllowed when the person waits for one of these in another visit."""
    if step.person_id is None:
        return
    unit.flush()
    busy = unit.connection.scalars(
        select(tables.Step.service_id).where(
            tables.Step.facility_id == unit.facility_id,
            tables.Step.person_id == step.person_id,
            tables.Step.day == step.day,
            tables.Step.state.in_(sorted(OPEN_STATES)),
        )
    )
    if set(busy) & set(services):
        raise ChangeNotAllowed


def _earlier_holds(steps: Sequence[Any]) -> bool:
    return any(step.state == StepState.HOLD for step in steps)


def _insert(
    unit: UnitOfWork,
    catalogue: Catalogue,
    after: Any,
    new: NewStep,
    *,
    position: int,
    waits: bool,
    lane: Lane,
    source: str,
) -> tuple[str, str]:
    """The new step's id and queue."""
    loads = count_waiting(unit.connection, list_queues(new.service), day=after.day, key_at=unit.now)
    waiting = {queue: load.people for queue, load in loads.items()}
    place = list_places(catalogue, new.service, now=unit.now, waiting=waiting, room_id=new.room_id)[
        0
    ]
    queue_id = new.room_id or place.queue_id
    room_id = new.room_id or (place.room.id if place.room else None)
    load = loads.get(queue_id, EMPTY_QUEUE)
    ahead = count_ahead(lane, load.ahead_of(lane), catalogue.settings)
    room = catalogue.rooms[room_id] if room_id else None
    wait = find_wait_min(catalogue, new.service, room, ahead, now=unit.now) if waits else None
    state = StepState.WAITING if waits else StepState.HOLD
    step_id = new_id()
    unit.add(
        tables.Step,
        id=step_id,
        visit_id=after.visit_id,
        person_id=after.person_id,
        day=after.day,
        position=position,
        kind=new.kind.value,
        service_id=new.service.id,
        room_id=room_id,
        practitioner_id=new.practitioner_id,
        slot_id=None,
        queue_id=queue_id,
        lane=lane.value,
        queue_key_at=unit.now,
        quota_scopes=[],
        state=state.value,
        hold_reason=None if waits else HoldReason.EARLIER_STEP.value,
        state_at=unit.now,
        wait_low_min=wait[0] if wait else None,
        wait_high_min=wait[1] if wait else None,
    )
    unit.add(
        tables.StepChange,
        id=new_id(),
        visit_id=after.visit_id,
        step_id=step_id,
        mark=find_mark(new.kind, None, state),
        from_state=None,
        to_state=state.value,
        at=unit.now,
        source=source,
        reason=None,
        room_id=room_id,
    )
    return step_id, queue_id


def list_tests(steps: Sequence[Any]) -> list[Any]:
    return [step for step in steps if step.kind in TESTS and step.state != StepState.CANCELLED]
