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

from sqlalchemy import select, update

from backend.domain.catalogue import Catalogue, Service
from backend.domain.ids import new_id
from backend.domain.orders import are_results_ready
from backend.domain.placement import find_closed_place, list_places, list_queues
from backend.domain.queueing import Lane, count_ahead
from backend.domain.returning import waits_for_results
from backend.domain.visit import (
    OPEN_STATES,
    TESTS,
    HoldReason,
    StepKind,
    StepState,
    find_mark,
)
from backend.domain.waits import find_wait_min
from backend.errors import ChangedMeanwhile, ChangeNotAllowed, ServiceClosed
from backend.services.keep_act import Act
from backend.storage.his_orders import list_orders
from backend.storage.his_tables import HisOrder
from backend.storage.queue_tables import Step, StepChange
from backend.storage.repositories import EMPTY_QUEUE, count_waiting
from backend.storage.unit_of_work import UnitOfWork

SERVED = frozenset({StepState.CALLED, StepState.SERVING})
DOCTORS = frozenset({StepKind.EXAMINATION, StepKind.RETURN})
"""Where tests are ordered, and where their results are looked at."""


def finish_step(unit: UnitOfWork, act: Act, step: Any, *, at: datetime | None = None) -> None:
    """The patient leaves the room; the next step of the visit opens. `at` None = now.

    Somebody who was called and came in without anybody pressing "in" was served all the same.
    """
    moment = at or unit.now
    through = StepState.SERVING if step.state == StepState.CALLED else None
    act.move(step, StepState.DONE, at=moment, through=through)
    if step.kind in DOCTORS:
        add_way_back(unit, act, step)
    open_next_step(unit, act, step, at=moment)


def list_visit_steps(unit: UnitOfWork, visit_id: str) -> Sequence[Any]:
    return unit.connection.execute(
        select(Step.__table__).where(Step.visit_id == visit_id).order_by(Step.position, Step.id)
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
            bring_back(unit, act, done.visit_id, at=at)
        else:
            act.move(step, StepState.WAITING, queue_key_at=at or unit.now)
        return


def bring_back(unit: UnitOfWork, act: Act, visit_id: str, *, at: datetime | None = None) -> bool:
    """Puts the patient into the line of the doctor once the HIS has released the last result.

    Only a way back that waits for results moves, so it happens once whoever sees it first.
    """
    steps = list_visit_steps(unit, visit_id)
    back = next((step for step in steps if waits_for_results(step)), None)
    if back is None or not are_results_ready(steps, list_orders(unit.connection, visit_id)):
        return False
    ready_with_results(act, back, now=at or unit.now)
    return True


def ready_with_results(act: Act, step: Any, *, now: datetime) -> None:
    """All results are there: the patient waits for the same doctor again, in lane R.

    A priority ticket stays one. Raises ChangedMeanwhile for a step that waits for no results.
    """
    if step.state != StepState.HOLD or not waits_for_results(step):
        raise ChangedMeanwhile
    lane = Lane.PRIORITY if step.lane == Lane.PRIORITY else Lane.RESULTS
    act.move(step, StepState.WAITING, lane=lane.value, queue_key_at=now)


def add_way_back(unit: UnitOfWork, act: Act, done: Any) -> None:
    """Whoever leaves the doctor for tests that the HIS ordered comes back to the same room.

    Does nothing without such tests, or when the way back is there already.
    """
    tests = [
        step
        for step in list_visit_steps(unit, done.visit_id)
        if step.kind in TESTS and step.state in OPEN_STATES
    ]
    ordered = select(HisOrder.step_id).where(HisOrder.step_id.in_([step.id for step in tests]))
    if not tests or unit.connection.execute(ordered.limit(1)).first() is None:
        return
    if done.person_id is not None and done.service_id in list_busy_services(unit, done):
        return
    position = max(step.position for step in [*tests, done]) + 1
    make_room(unit, done.visit_id, position, places=1)
    step_id = new_id()
    queue_id = done.room_id or done.queue_id
    add_step_row(
        unit,
        id=step_id,
        visit_id=done.visit_id,
        person_id=done.person_id,
        day=done.day,
        position=position,
        kind=StepKind.RETURN.value,
        service_id=done.service_id,
        room_id=done.room_id,
        practitioner_id=done.practitioner_id,
        queue_id=queue_id,
        lane=lane_after(done).value,
        state=StepState.HOLD,
        wait=None,
        source="his",
    )
    act.added(step_id, visit_id=done.visit_id, queue_id=queue_id)
    unit.flush()


def make_room(unit: UnitOfWork, visit_id: str, position: int, *, places: int) -> None:
    """Steps from `position` on come so many places later."""
    unit.connection.execute(
        update(Step)
        .where(Step.visit_id == visit_id, Step.position >= position)
        .values(position=Step.position + places)
    )


def lane_after(step: Any) -> Lane:
    """Priority goes with the person; having been booked or back with results does not."""
    lane = Lane(step.lane)
    return lane if lane in {Lane.PRIORITY, Lane.EMERGENCY} else Lane.NORMAL


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
        step_id = insert_step(
            unit, catalogue, after, each, position=position + offset, waits=waits, lane=lane,
            source=source,
        )  # fmt: skip
        act.added(step_id[0], visit_id=after.visit_id, queue_id=step_id[1])
        added.append(step_id[0])
    return added


def check_free(unit: UnitOfWork, step: Any, services: Sequence[str]) -> None:
    """Raises ChangeNotAllowed when the person waits for one of these in another visit."""
    if step.person_id is not None and list_busy_services(unit, step) & set(services):
        raise ChangeNotAllowed


def list_busy_services(unit: UnitOfWork, step: Any) -> set[str]:
    """What the person of this step waits for today, in any visit."""
    unit.flush()
    return set(
        unit.connection.scalars(
            select(Step.service_id).where(
                Step.facility_id == unit.facility_id,
                Step.person_id == step.person_id,
                Step.day == step.day,
                Step.state.in_(sorted(OPEN_STATES)),
            )
        )
    )


def _earlier_holds(steps: Sequence[Any]) -> bool:
    return any(step.state == StepState.HOLD for step in steps)


def insert_step(
    unit: UnitOfWork,
    catalogue: Catalogue,
    after: Any,
    new: NewStep,
    *,
    position: int,
    waits: bool,
    lane: Lane,
    source: str,
    even_closed: bool = False,
) -> tuple[str, str]:
    """The new step's id and queue. Raises ServiceClosed unless `even_closed`: a room that takes
    orders works, whatever its hours say.
    """
    loads = count_waiting(unit.connection, list_queues(new.service), day=after.day, key_at=unit.now)
    waiting = {queue: load.people for queue, load in loads.items()}
    try:
        places = list_places(
            catalogue, new.service, now=unit.now, waiting=waiting, room_id=new.room_id
        )
    except ServiceClosed:
        if not (even_closed and new.service.room_ids):
            raise
        places = [find_closed_place(catalogue, new.service, waiting=waiting)]
    place = places[0]
    queue_id = new.room_id or place.queue_id
    room_id = new.room_id or (place.room.id if place.room else None)
    load = loads.get(queue_id, EMPTY_QUEUE)
    ahead = count_ahead(lane, load.ahead_of(lane), catalogue.settings)
    room = catalogue.rooms[room_id] if room_id else None
    wait = find_wait_min(catalogue, new.service, room, ahead, now=unit.now) if waits else None
    step_id = new_id()
    add_step_row(
        unit,
        id=step_id,
        visit_id=after.visit_id,
        person_id=after.person_id,
        day=after.day,
        position=position,
        kind=new.kind.value,
        service_id=new.service.id,
        room_id=room_id,
        practitioner_id=new.practitioner_id,
        queue_id=queue_id,
        lane=lane.value,
        state=StepState.WAITING if waits else StepState.HOLD,
        wait=wait,
        source=source,
    )
    return step_id, queue_id


def add_step_row(
    unit: UnitOfWork,
    *,
    state: StepState,
    wait: tuple[int, int] | None,
    source: str,
    **values: Any,
) -> None:
    """A step of a visit that is under way, and its first change. On hold it waits for others."""
    unit.add(
        Step,
        **values,
        slot_id=None,
        queue_key_at=unit.now,
        quota_scopes=[],
        state=state.value,
        hold_reason=HoldReason.EARLIER_STEP.value if state is StepState.HOLD else None,
        state_at=unit.now,
        wait_low_min=wait[0] if wait else None,
        wait_high_min=wait[1] if wait else None,
    )
    unit.add(
        StepChange,
        id=new_id(),
        visit_id=values["visit_id"],
        step_id=values["id"],
        mark=find_mark(values["kind"], None, state),
        from_state=None,
        to_state=state.value,
        at=unit.now,
        source=source,
        reason=None,
        room_id=values["room_id"],
    )


def list_tests(steps: Sequence[Any]) -> list[Any]:
    return [step for step in steps if step.kind in TESTS and step.state != StepState.CANCELLED]
