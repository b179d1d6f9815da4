"""Cash at the counter: a slip with the codes of the bills, and a place in the cashier's line."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import select

from backend.domain.catalogue import Catalogue, Service
from backend.domain.dues import BillFacts, Dues
from backend.domain.placement import describe_landmark, describe_rooms
from backend.domain.receipt import PaidLine, SlipFacts, compose_slip
from backend.domain.visit import OPEN_STATES, StepKind
from backend.errors import ServiceClosed
from backend.events import Event
from backend.services.answer_once import answer_once
from backend.services.go_on import NewStep, add_steps, lane_after, list_visit_steps
from backend.services.keep_act import Act
from backend.services.recognise_caller import Caller
from backend.services.resources import Resources
from backend.services.show_dues import get_quote
from backend.services.start_payment import choose
from backend.storage.number_tables import Ticket
from backend.storage.repositories import Answer, Intent
from backend.storage.unit_of_work import UnitOfWork
from backend.storage.visit_tables import Visit
from payments.models import Money


@dataclass(frozen=True, kw_only=True)
class CashWish:
    """As a wish to pay by QR, without the way."""

    dues_id: str
    bill_ids: Sequence[str]
    advance_vnd: int | None
    language: Literal["vi", "en"]


def find_cashier(catalogue: Catalogue) -> Service | None:
    return next(
        (each for each in catalogue.services.values() if each.kind == StepKind.CASHIER), None
    )


def pay_in_cash(resources: Resources, wish: CashWish, *, kiosk: Caller, intent: Intent) -> Answer:
    """201 with the slip. Whoever has a ticket of today waits at the cashier with its number.

    Raises ScanExpired, AmountNotAllowed.
    """
    catalogue = resources.catalogue.get()
    with resources.database.read() as connection:
        dues, _ = get_quote(resources, connection, wish.dues_id, kiosk=kiosk)
    bills = choose(dues, wish.bill_ids, wish.advance_vnd, catalogue)

    def queue(unit: UnitOfWork) -> Answer:
        number = _take_place(unit, catalogue, dues, kiosk=kiosk)
        subject = f"visit:{dues.visit_id or 'none'}"
        unit.audit(Event.CASH_CHOSEN, actor=kiosk.actor, subject=subject, detail={})
        slip = _compose(catalogue, wish, bills, number, unit)
        body = {"slip": slip, "number": number}
        return Answer(status=201, body=json.dumps(body, ensure_ascii=False))

    return answer_once(resources.database, intent, queue)


def _take_place(unit: UnitOfWork, catalogue: Catalogue, dues: Dues, *, kiosk: Caller) -> str | None:
    """The number that will be called there; None without a ticket of today, or a cashier's line."""
    cashier = find_cashier(catalogue)
    if dues.visit_id is None or cashier is None:
        return None
    visit = unit.connection.execute(
        select(Visit.day, Ticket.number)
        .join(Ticket, Ticket.visit_id == Visit.id)
        .where(Visit.id == dues.visit_id)
        .with_for_update(of=Visit)
    ).one_or_none()
    if visit is None or visit.day != catalogue.today(unit.now):
        return None
    steps = list_visit_steps(unit, dues.visit_id)
    if not steps:
        return None
    waits = any(step.kind == StepKind.CASHIER and step.state in OPEN_STATES for step in steps)
    if not waits:
        _add_step(unit, catalogue, steps, cashier, kiosk=kiosk)
    return str(visit.number)


def _add_step(
    unit: UnitOfWork, catalogue: Catalogue, steps: Sequence[Any], cashier: Service, *, kiosk: Caller
) -> None:
    last = steps[-1]
    act = Act(unit, catalogue, kind="pay_in_cash", caller=kiosk, room_id=None, source="kiosk")
    new = NewStep(service=cashier, kind=StepKind.CASHIER)
    try:
        add_steps(unit, catalogue, act, last, [new], lane=lane_after(last), source="kiosk")
    except ServiceClosed:
        # The counter is closed: the slip says where it is, and staff there go by the codes.
        return
    act.close(subject=f"visit:{last.visit_id}", detail={})


def _compose(
    catalogue: Catalogue,
    wish: CashWish,
    bills: Sequence[BillFacts],
    number: str | None,
    unit: UnitOfWork,
) -> dict[str, Any]:
    cashier = find_cashier(catalogue)
    lines = [PaidLine(code=bill.code, title="", amount=Money(bill.due_vnd)) for bill in bills]
    if wish.advance_vnd:
        lines = [PaidLine(code="", title="", amount=Money(wish.advance_vnd))]
    place = describe_rooms(catalogue, cashier, None)[0] if cashier else None
    landmark = describe_landmark(catalogue, cashier, None) if cashier else None
    return compose_slip(
        SlipFacts(
            lines=lines,
            number=number,
            place=place,
            landmark=landmark,
            issued_at=unit.now,
            language=wish.language,
        ),
        catalogue,
    )
