"""From a room to the next places: tests and back, another room, another service, cashier."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from backend.domain.catalogue import Catalogue
from backend.domain.rooms import list_room_queues
from backend.domain.visit import OPEN_STATES, TESTS, HoldReason, StepKind, StepState
from backend.errors import (
    ReasonNeeded,
    RoomNotFound,
    ValidationFailed,
)
from backend.services.act_on_step import StepReason, get_room_step
from backend.services.answer_room import answer_room
from backend.services.call_next import get_room
from backend.services.go_on import (
    SERVED,
    NewStep,
    add_steps,
    check_free,
    finish_step,
    lane_after,
    list_visit_steps,
)
from backend.services.keep_act import Act, check_version
from backend.services.recognise_caller import Caller
from backend.services.resources import Resources
from backend.storage.his_tables import HisOrder
from backend.storage.queues import lock_queues
from backend.storage.repositories import Answer, Intent
from backend.storage.unit_of_work import UnitOfWork

MAX_STEPS = 8


@dataclass(frozen=True, kw_only=True)
class Destination:
    service_id: str
    room_id: str | None = None


@dataclass(frozen=True, kw_only=True)
class SendOnWish:
    """`to` in the order they are to be done. `come_back`: afterwards to this room, with results;
    None = when there is a test among them.
    """

    to: Sequence[Destination]
    version: int | None = None
    come_back: bool | None = None


def send_on(
    resources: Resources,
    room_id: str,
    step_id: str,
    wish: SendOnWish,
    *,
    caller: Caller,
    intent: Intent,
) -> Answer:
    """The patient is done here for now and goes on with the same ticket; the room afterwards.

    Raises RoomNotFound, StepNotFound, ServiceNotFound, ServiceClosed, ChangedMeanwhile,
    MoveNotAllowed, ChangeNotAllowed for a service that is open for this person already,
    ValidationFailed, StorageUnavailable.
    """
    catalogue = resources.catalogue.get()
    get_room(catalogue, room_id, caller)
    wanted = _list_wanted(catalogue, wish)

    def work(unit: UnitOfWork) -> None:
        lock_queues(unit, list_room_queues(catalogue, room_id))
        step = get_room_step(unit, catalogue, step_id, room_id=room_id)
        check_version(step, wish.version)
        act = Act(unit, catalogue, kind="send_on", caller=caller, room_id=room_id)
        steps = list(wanted)
        tests = any(each.kind in TESTS for each in wanted)
        if tests if wish.come_back is None else wish.come_back:
            service = catalogue.every_service[step.service_id]
            steps.append(
                NewStep(
                    service=service,
                    kind=StepKind.RETURN,
                    room_id=room_id,
                    practitioner_id=step.practitioner_id,
                )
            )
        if step.state in SERVED:
            finish_step(unit, act, step)
        # What an order of the HIS has opened meanwhile is not opened again.
        there = _list_open(unit, step)
        steps = [each for each in steps if each.service.id not in there]
        check_free(unit, step, [each.service.id for each in steps])
        added = add_steps(unit, catalogue, act, step, steps, lane=lane_after(step), source="caller")
        act.close(subject=f"step:{step_id}", detail={"added": added})

    return answer_room(resources, room_id, intent, work)


def _list_open(unit: UnitOfWork, step: Any) -> set[str]:
    """Services that orders have opened for this visit, and the way back from them."""
    unit.flush()
    steps = [each for each in list_visit_steps(unit, step.visit_id) if each.state in OPEN_STATES]
    opened = set(
        unit.connection.scalars(
            select(HisOrder.step_id).where(HisOrder.step_id.in_([each.id for each in steps]))
        )
    )
    if not opened:
        return set()
    return {each.service_id for each in steps if each.id in opened or each.kind == StepKind.RETURN}


def _list_wanted(catalogue: Catalogue, wish: SendOnWish) -> list[NewStep]:
    if not 0 < len(wish.to) <= MAX_STEPS:
        raise ValidationFailed("to takes 1 to 8 services")
    wanted = []
    for each in wish.to:
        service = catalogue.get_service(each.service_id)
        if each.room_id is not None and each.room_id not in service.room_ids:
            raise RoomNotFound
        wanted.append(NewStep(service=service, kind=StepKind(service.kind), room_id=each.room_id))
    return wanted


@dataclass(frozen=True, kw_only=True)
class TransferWish:
    """To another room of the same service, or to another service: the place in line is kept."""

    room_id: str
    service_id: str | None = None
    version: int | None = None
    reason: StepReason | None = None


def transfer_step(
    resources: Resources,
    room_id: str,
    step_id: str,
    wish: TransferWish,
    *,
    caller: Caller,
    intent: Intent,
) -> Answer:
    """The room the patient leaves, afterwards. Keeps the ticket's key (QU-15).

    Raises what `send_on` raises, and ReasonNeeded.
    """
    catalogue = resources.catalogue.get()
    get_room(catalogue, room_id, caller)
    if wish.reason is None:
        raise ReasonNeeded
    reason = wish.reason.value

    def work(unit: UnitOfWork) -> None:
        lock_queues(unit, list_room_queues(catalogue, room_id))
        step = get_room_step(unit, catalogue, step_id, room_id=room_id)
        check_version(step, wish.version)
        service = catalogue.get_service(wish.service_id or step.service_id)
        if wish.room_id not in service.room_ids or wish.room_id == room_id:
            raise RoomNotFound
        if service.id != step.service_id:
            check_free(unit, step, [service.id])
        act = Act(unit, catalogue, kind="transfer", caller=caller, room_id=room_id, reason=reason)
        move_to_room(act, step, wish.room_id, service_id=service.id)
        act.close(subject=f"step:{step_id}", detail={"to": wish.room_id})

    return answer_room(resources, room_id, intent, work)


def move_to_room(act: Act, step: Any, room_id: str, *, service_id: str | None = None) -> None:
    """Into another room's own queue with the same key; whoever was called waits there again."""
    to = StepState.WAITING if step.state in SERVED else StepState(step.state)
    act.move(
        step,
        to,
        hold=HoldReason(step.hold_reason) if to is StepState.HOLD else None,
        room_id=room_id,
        queue_id=room_id,
        practitioner_id=None,
        service_id=service_id or step.service_id,
    )
