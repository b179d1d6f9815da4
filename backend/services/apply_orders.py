"""What the HIS says of a visit's orders and results, put into steps: in one transaction, once.

An order opens a stay in a queue, orders of one service are one stay. Taken back, it closes the
stay. The last result brings the patient back to the room that asked for it. Staff may act at the
same moment: the visit and its queues are locked, and every move goes along the state machine.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select

from backend.domain.catalogue import Catalogue, Service
from backend.domain.orders import (
    KnownOrder,
    Opening,
    OrderPlan,
    OrderStatus,
    PlacedOrder,
    plan_orders,
)
from backend.domain.settings import Words
from backend.domain.visit import OPEN_STATES, TESTS, HoldReason, StepKind, StepState
from backend.services.go_on import (
    DOCTORS,
    SERVED,
    NewStep,
    add_way_back,
    bring_back,
    finish_step,
    insert_step,
    lane_after,
    list_visit_steps,
    make_room,
    open_next_step,
)
from backend.services.keep_act import Act
from backend.storage.his_orders import list_orders, save_order
from backend.storage.queue_tables import Step, StepChange
from backend.storage.queues import lock_queues
from backend.storage.repositories import lock_visit
from backend.storage.unit_of_work import UnitOfWork
from backend.storage.visit_tables import Visit
from his_adapter.models import Order, Report

MAX_PREPARATION_CHARS = 300
SOURCE = "his"


@dataclass(frozen=True, kw_only=True)
class Follower:
    """The job, as whoever acts."""

    actor: str = "job:follow_his"


@dataclass(frozen=True, kw_only=True)
class SeenOrders:
    """What the HIS answered. `reports` is None when it does not list results: then an order that
    is completed counts as released.
    """

    orders: Sequence[Order]
    reports: Sequence[Report] | None


@dataclass(kw_only=True)
class Applied:
    """What came of it, for the log and the audit: ids of steps."""

    opened: list[str] = field(default_factory=list)
    closed: list[str] = field(default_factory=list)
    finished: list[str] = field(default_factory=list)
    back: bool = False

    def __bool__(self) -> bool:
        return bool(self.opened or self.closed or self.finished or self.back)


def apply_orders(
    unit: UnitOfWork, catalogue: Catalogue, visit_id: str, seen: SeenOrders
) -> Applied:
    """Raises ChangedMeanwhile, MoveNotAllowed or IntegrityError when somebody was faster: the
    whole is to be undone and done again. Raises VisitNotFound.
    """
    stored = lock_visit(unit, visit_id)
    queues = {step.queue_id for step in stored.steps if step.state in OPEN_STATES}
    if queues:
        lock_queues(unit, sorted(queues))
    steps = list_visit_steps(unit, visit_id)
    known = {order.ref: order for order in list_orders(unit.connection, visit_id)}
    placed = translate_orders(catalogue, seen)
    plan = plan_orders(placed, known, steps)
    act = Act(
        unit, catalogue, kind="orders", caller=Follower(), room_id=None, reason="his",
        source=SOURCE,
    )  # fmt: skip
    applied = Applied()
    _save(unit, visit_id, placed, known, plan)
    _open(unit, catalogue, act, visit_id, plan.openings, placed, applied)
    for step_id in plan.close:
        if _is_by_order(unit, step_id):
            _close(unit, act, visit_id, step_id)
            applied.closed.append(step_id)
    for step_id in plan.finish:
        _finish(unit, act, visit_id, step_id)
        applied.finished.append(step_id)
    applied.back = bring_back(unit, act, visit_id)
    if applied:
        detail = {
            "opened": applied.opened,
            "closed": applied.closed,
            "finished": applied.finished,
            "back": applied.back,
        }
        act.close(subject=f"visit:{visit_id}", detail=detail)
    return applied


# --- from the HIS's words into ours ---------------------------------------------------------------


def translate_orders(catalogue: Catalogue, seen: SeenOrders) -> list[PlacedOrder]:
    return [
        PlacedOrder(
            ref=order.ref,
            version=order.version,
            kind=order.kind.value,
            status=OrderStatus(order.status.value),
            service_id=service.id if service else None,
            room_id=_find_room(catalogue, service, order),
            preparation=Words(
                vi=order.preparation_vi[:MAX_PREPARATION_CHARS],
                en=order.preparation_en[:MAX_PREPARATION_CHARS],
            ),
            ordered_at=order.ordered_at,
            released=_is_released(order, seen.reports),
        )
        for order in seen.orders
        for service in [find_service(catalogue, order)]
    ]


def find_service(catalogue: Catalogue, order: Order) -> Service | None:
    """Where it is done. A HIS that does not say is understood when there is one such place."""
    if order.service is not None:
        service = catalogue.find_service_by_ref(order.service)
        if service is not None:
            return service if service.room_ids else None
    same = [
        service
        for service in catalogue.services.values()
        if service.kind == order.kind.value and service.room_ids
    ]
    return same[0] if len(same) == 1 else None


def _find_room(catalogue: Catalogue, service: Service | None, order: Order) -> str | None:
    room = catalogue.find_room_by_ref(order.room) if order.room else None
    return room.id if room and service and room.id in service.room_ids else None


def _is_released(order: Order, reports: Sequence[Report] | None) -> bool:
    if reports is None:
        return order.status.value == OrderStatus.COMPLETED
    if any(report.order == order.ref for report in reports):
        return True
    # A result that names no order can only be told apart by its kind and the order being over.
    return order.status.value == OrderStatus.COMPLETED and any(
        report.order is None
        and report.kind.value == order.kind.value
        and report.issued_at >= order.ordered_at
        for report in reports
    )


# --- rows -----------------------------------------------------------------------------------------


def _save(
    unit: UnitOfWork,
    visit_id: str,
    placed: Sequence[PlacedOrder],
    known: dict[str, KnownOrder],
    plan: OrderPlan,
) -> None:
    opened = {ref for opening in plan.openings for ref in opening.refs}
    for order in placed:
        step_id = plan.joined.get(order.ref)
        now = KnownOrder(
            ref=order.ref, version=order.version, status=order.status, step_id=step_id,
            released=order.released,
        )  # fmt: skip
        if order.ref not in opened and known.get(order.ref) != now:
            save_order(unit, order, visit_id=visit_id, step_id=step_id)


def _open(
    unit: UnitOfWork,
    catalogue: Catalogue,
    act: Act,
    visit_id: str,
    openings: Sequence[Opening],
    placed: Sequence[PlacedOrder],
    applied: Applied,
) -> None:
    orders = {order.ref: order for order in placed}
    # Tests come before what follows them, such as the cashier.
    for opening in sorted(openings, key=lambda each: _kind_of(catalogue, each) not in TESTS):
        step_id = _find_elsewhere(unit, visit_id, opening)
        if step_id is None:
            step_id = _insert(unit, catalogue, act, visit_id, opening)
            applied.opened.append(step_id)
        unit.flush()
        for ref in opening.refs:
            save_order(unit, orders[ref], visit_id=visit_id, step_id=step_id)
    steps = list_visit_steps(unit, visit_id)
    with_doctor = [step for step in steps if step.kind in DOCTORS]
    if openings and with_doctor and all(step.state not in OPEN_STATES for step in with_doctor):
        done = [step for step in with_doctor if step.state == StepState.DONE]
        if done:
            add_way_back(unit, act, done[-1])


def _kind_of(catalogue: Catalogue, opening: Opening) -> str:
    return catalogue.services[opening.service_id].kind


def _find_elsewhere(unit: UnitOfWork, visit_id: str, opening: Opening) -> str | None:
    """The person may stand in that line with another number of today: one place is enough."""
    mine = select(Visit.person_id).where(Visit.id == visit_id).scalar_subquery()
    day = select(Visit.day).where(Visit.id == visit_id).scalar_subquery()
    return unit.connection.scalar(
        select(Step.id).where(
            Step.facility_id == unit.facility_id,
            Step.person_id == mine,
            Step.day == day,
            Step.service_id == opening.service_id,
            Step.state.in_(sorted(OPEN_STATES)),
        )
    )


def _insert(
    unit: UnitOfWork, catalogue: Catalogue, act: Act, visit_id: str, opening: Opening
) -> str:
    """A step in its place: a test before the way back, anything else at the end."""
    steps = list_visit_steps(unit, visit_id)
    service = catalogue.services[opening.service_id]
    new = NewStep(service=service, kind=StepKind(service.kind), room_id=opening.room_id)
    back = next((step for step in steps if _is_way_back(step)), None) if new.kind in TESTS else None
    position = max(step.position for step in steps) + 1
    if back is not None:
        position = back.position
        make_room(unit, visit_id, position, places=1)
        if back.hold_reason == HoldReason.RESULTS:
            act.move(back, StepState.HOLD, hold=HoldReason.EARLIER_STEP)
    others = [step for step in steps if step is not back and step.state in OPEN_STATES]
    waits = all(
        step.hold_reason == HoldReason.EARLIER_STEP and step.position >= position for step in others
    )
    step_id, queue_id = insert_step(
        unit, catalogue, steps[-1], new, position=position, waits=waits,
        lane=lane_after(steps[-1]), source=SOURCE, even_closed=True,
    )  # fmt: skip
    act.added(step_id, visit_id=visit_id, queue_id=queue_id)
    return step_id


def _is_way_back(step: Any) -> bool:
    return bool(step.kind == StepKind.RETURN and step.state == StepState.HOLD)


def _is_by_order(unit: UnitOfWork, step_id: str) -> bool:
    """A place that patients took for themselves is theirs, whatever becomes of an order."""
    source = unit.connection.scalar(
        select(StepChange.source).where(
            StepChange.step_id == step_id, StepChange.from_state.is_(None)
        )
    )
    return source in {SOURCE, "caller"}


def _close(unit: UnitOfWork, act: Act, visit_id: str, step_id: str) -> None:
    step = _get_step(unit, visit_id, step_id)
    act.move(step, StepState.CANCELLED)
    open_next_step(unit, act, step)


def _finish(unit: UnitOfWork, act: Act, visit_id: str, step_id: str) -> None:
    """It was done there without anybody calling the number here."""
    step = _get_step(unit, visit_id, step_id)
    if step.state not in SERVED:
        act.move(step, StepState.CALLED)
        step = _get_step(unit, visit_id, step_id)
    finish_step(unit, act, step)


def _get_step(unit: UnitOfWork, visit_id: str, step_id: str) -> Any:
    unit.flush()
    return next(step for step in list_visit_steps(unit, visit_id) if step.id == step_id)
