"""Orders of the HIS and the way through the house: what to open, join, finish and close. Pure.

Orders of one service are one stay in one queue. An order is dealt with once: what staff do with
its step afterwards is theirs, and only the order's own cancellation closes it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from backend.domain.settings import Words
from backend.domain.visit import OPEN_STATES, STEP_MOVES, TESTS, StepKind, StepState


class OrderStatus(StrEnum):
    ACTIVE = "active"
    COMPLETED = "completed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, kw_only=True)
class PlacedOrder:
    """An order as the HIS has it now, in our own ids. `released`: a result of it is out."""

    ref: str
    version: str
    kind: str
    status: OrderStatus
    service_id: str | None
    room_id: str | None
    preparation: Words
    ordered_at: datetime
    released: bool

    @property
    def settled(self) -> bool:
        """Nobody waits for anything of it any more."""
        return self.status is OrderStatus.CANCELLED or self.released


@dataclass(frozen=True, kw_only=True)
class KnownOrder:
    """An order as it was seen last, with the step it led to."""

    ref: str
    version: str
    status: OrderStatus
    step_id: str | None
    released: bool

    @property
    def settled(self) -> bool:
        return self.status is OrderStatus.CANCELLED or self.released


class StepNow(Protocol):
    @property
    def id(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def service_id(self) -> str: ...
    @property
    def state(self) -> str: ...
    @property
    def state_at(self) -> datetime: ...


@dataclass(frozen=True, kw_only=True)
class Opening:
    """One step to open, for these orders."""

    service_id: str
    room_id: str | None
    refs: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class OrderPlan:
    """`joined` maps orders to steps that are there already. `finish` were done in the HIS without
    being called here. `unplaced` are open and nobody knows where.
    """

    openings: tuple[Opening, ...]
    joined: Mapping[str, str]
    close: tuple[str, ...]
    finish: tuple[str, ...]
    unplaced: tuple[str, ...]


def plan_orders(
    placed: Sequence[PlacedOrder], known: Mapping[str, KnownOrder], steps: Sequence[StepNow]
) -> OrderPlan:
    """What one look at a visit's orders changes. Planning again after it was done: nothing.

    Orders that were known and are missing from `placed` count as they were seen last.
    """
    joined: dict[str, str] = {}
    openings: dict[str, list[PlacedOrder]] = {}
    unplaced = []
    for order in sorted(placed, key=lambda each: (each.ordered_at, each.ref)):
        step_id = _step_of(order, known.get(order.ref))
        if step_id is None and order.status is not OrderStatus.CANCELLED:
            step_id = _find_step_to_join(order, steps)
        if step_id is not None:
            joined[order.ref] = step_id
        elif order.status is not OrderStatus.ACTIVE or order.released:
            continue
        elif order.service_id is None:
            unplaced.append(order.ref)
        else:
            openings.setdefault(order.service_id, []).append(order)
    close, finish = _settle(placed, known, joined, steps)
    return OrderPlan(
        openings=tuple(
            Opening(
                service_id=service_id,
                room_id=next((each.room_id for each in orders if each.room_id), None),
                refs=tuple(each.ref for each in orders),
            )
            for service_id, orders in openings.items()
        ),
        joined=joined,
        close=close,
        finish=finish,
        unplaced=tuple(unplaced),
    )


def _step_of(order: PlacedOrder, known: KnownOrder | None) -> str | None:
    """The step it led to before. An order that was taken back and given again is a new one."""
    if known is None:
        return None
    given_again = (
        known.status is OrderStatus.CANCELLED and order.status is not OrderStatus.CANCELLED
    )
    return None if given_again else known.step_id


def _find_step_to_join(order: PlacedOrder, steps: Sequence[StepNow]) -> str | None:
    """A stay that serves this order too: still open, or done after it was given."""
    for step in steps:
        if step.service_id != order.service_id or step.kind == StepKind.RETURN:
            continue
        done_for_it = step.state == StepState.DONE and step.state_at >= order.ordered_at
        if step.state in OPEN_STATES or done_for_it:
            return step.id
    return None


def _settle(
    placed: Sequence[PlacedOrder],
    known: Mapping[str, KnownOrder],
    joined: Mapping[str, str],
    steps: Sequence[StepNow],
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Steps to close because all their orders were taken back, and those that are over."""
    by_step: dict[str, list[tuple[OrderStatus, bool]]] = {}
    now = {order.ref: order for order in placed}
    for ref, seen in known.items():
        if ref not in now and seen.step_id is not None:
            by_step.setdefault(seen.step_id, []).append((seen.status, seen.released))
    for ref, step_id in joined.items():
        by_step.setdefault(step_id, []).append((now[ref].status, now[ref].released))
    close, finish = [], []
    for step in steps:
        orders = by_step.get(step.id)
        if not orders or step.state not in OPEN_STATES:
            continue
        if all(status is OrderStatus.CANCELLED for status, _ in orders):
            if StepState.CANCELLED in STEP_MOVES[StepState(step.state)]:
                close.append(step.id)
        elif all(status is not OrderStatus.ACTIVE or released for status, released in orders):
            finish.append(step.id)
    return tuple(close), tuple(finish)


def are_results_ready(steps: Sequence[StepNow], orders: Sequence[KnownOrder]) -> bool:
    """True once every test of the visit is over and every order of it settled.

    A test that no order speaks of is waited for by people: a machine cannot know its result.
    """
    tests = [step for step in steps if step.kind in TESTS]
    if any(step.state in OPEN_STATES for step in tests):
        return False
    of_tests = {order.step_id for order in orders}
    done = [step for step in tests if step.state == StepState.DONE]
    if any(step.id not in of_tests for step in done):
        return False
    ids = {step.id for step in tests}
    mine = [order for order in orders if order.step_id in ids]
    return bool(mine) and all(order.settled for order in mine)


def choose_visit(
    named: str | None, refs: Mapping[str, frozenset[str]], *, newest: str
) -> str | None:
    """Which of a person's visits of today an order belongs to.

    `refs` maps our visits to what the HIS calls them. An order that names none, or one the HIS
    made on its own, belongs to the `newest`.
    """
    return next((visit for visit, theirs in refs.items() if named in theirs), newest)
