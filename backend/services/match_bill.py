"""Held money goes to a bill nobody began to pay at a kiosk, as the HIS says it is due now."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from backend.domain.catalogue import Catalogue
from backend.domain.dues import BillFacts
from backend.domain.ids import new_id
from backend.errors import BeingPaid, FeeChanged, FeesUnavailable, MatchNotAllowed
from backend.events import Event
from backend.services.match_suspense import match_within
from backend.services.recognise_caller import Caller
from backend.services.resources import Resources
from backend.services.show_dues import list_bills, read_account
from backend.services.start_payment import refuse_if_being_paid
from backend.storage import payment_tables as tables
from backend.storage.database import Database
from backend.storage.held_money import check_free, check_left, lock_with_payment
from backend.storage.number_tables import Ticket
from backend.storage.unit_of_work import UnitOfWork
from backend.storage.visit_tables import Person, Visit
from payments.match_codes import new_match_code
from payments.states import PaymentState

MAX_TEXT_CHARS = 64


@dataclass(frozen=True, kw_only=True, repr=False)
class OpenBills:
    """What one patient owes. `number`: of the ticket of today they were found by."""

    patient_ref: str
    number: str | None
    bills: tuple[BillFacts, ...]


@dataclass(frozen=True, kw_only=True)
class _Visit:
    id: str
    person_id: str | None
    number: str
    his_ref: str


def find_open_bills(resources: Resources, untrusted_text: str, *, staff: Caller) -> OpenBills:
    """By a ticket of today, or by the number the patient has in the HIS. Looking is audited.

    Raises FeesUnavailable: the HIS does not know them, or does not answer.
    """
    catalogue = resources.catalogue.get()
    text = untrusted_text[:MAX_TEXT_CHARS].strip()
    visit = _find_visit(resources.database, catalogue, text)
    patient_ref = visit.his_ref if visit is not None else text
    if not patient_ref:
        raise FeesUnavailable
    account = read_account(resources, catalogue, patient_ref)
    subject = f"visit:{visit.id}" if visit is not None else "patient:typed"
    with resources.database.write() as unit:
        unit.audit(Event.DUES_READ, actor=staff.actor, subject=subject)
    return OpenBills(
        patient_ref=patient_ref,
        number=visit.number if visit is not None else None,
        bills=list_bills(account),
    )


def match_bill(
    resources: Resources,
    item_id: str,
    *,
    version: int,
    patient_ref: str,
    number: str | None,
    bill_ref: str,
    due_vnd: int,
    staff: Caller,
) -> str:
    """The payment made of it; from there it goes as if it had been begun at a kiosk.

    `due_vnd` is what the cashier saw. Raises HeldMoneyNotFound, ChangedMeanwhile, StillBeingPaid,
    MatchNotAllowed (the money does not reach), FeeChanged, BeingPaid, FeesUnavailable,
    StorageUnavailable.
    """
    catalogue = resources.catalogue.get()
    read_at = resources.database.clock()
    account = read_account(resources, catalogue, patient_ref)
    bill = next((each for each in list_bills(account) if each.ref == bill_ref), None)
    if bill is None or bill.due_vnd != due_vnd:
        raise FeeChanged
    visit = _find_visit(resources.database, catalogue, number or "")
    if visit is not None and visit.his_ref != patient_ref:
        visit = None

    def match(unit: UnitOfWork) -> str:
        item, came_for = lock_with_payment(unit, item_id)
        check_free(item, version)
        check_left(came_for)
        if item.amount_vnd < bill.due_vnd:
            raise MatchNotAllowed("amount")
        refuse_if_being_paid(unit, [bill], read_at=read_at)
        payment_id = _begin(
            unit, catalogue, bill, patient_ref, account.visit, visit, read_at=read_at, staff=staff
        )
        unit.flush()
        match_within(unit, item_id, version=version, payment_id=payment_id, staff=staff)
        return payment_id

    try:
        return resources.database.transact(match)
    except IntegrityError as error:
        # A kiosk begins to pay it at this very moment.
        raise BeingPaid from error


def _begin(
    unit: UnitOfWork,
    catalogue: Catalogue,
    bill: BillFacts,
    patient_ref: str,
    visit_ref: str | None,
    visit: _Visit | None,
    *,
    read_at: datetime,
    staff: Caller,
) -> str:
    payment_id = new_id()
    unit.add(
        tables.Payment,
        id=payment_id,
        code=new_match_code(catalogue.settings.payment_prefix),
        kind="fees",
        state=PaymentState.CREATED.value,
        amount_vnd=bill.due_vnd,
        person_id=visit.person_id if visit is not None else None,
        visit_id=visit.id if visit is not None else None,
        patient_ref=patient_ref,
        visit_ref=visit_ref,
        language="vi",
        created_at=unit.now,
        expires_at=unit.now,
        fee_checked_at=read_at,
    )
    unit.add(
        tables.PaymentLine,
        id=new_id(),
        payment_id=payment_id,
        position=0,
        invoice_ref=bill.ref,
        invoice_code=bill.code,
        invoice_version=bill.version,
        title_vi=bill.title,
        amount_vnd=bill.due_vnd,
        is_open=True,
    )
    unit.add(
        tables.PaymentChange,
        id=new_id(),
        payment_id=payment_id,
        at=unit.now,
        state=PaymentState.CREATED.value,
        cause="cashier",
        actor=staff.actor,
    )
    unit.audit(Event.PAYMENT_STARTED, actor=staff.actor, subject=f"payment:{payment_id}")
    return payment_id


def _find_visit(database: Database, catalogue: Catalogue, number: str) -> _Visit | None:
    """The visit of today with that number on its ticket, if its person is known to the HIS."""
    with database.read() as connection:
        row = connection.execute(
            select(Visit.id, Visit.person_id, Ticket.number, Person.his_ref)
            .join(Ticket, Ticket.visit_id == Visit.id)
            .join(Person, Person.id == Visit.person_id)
            .where(
                Visit.facility_id == database.facility_id,
                Visit.day == catalogue.today(database.clock()),
                Ticket.number == number.upper(),
                Person.his_ref.is_not(None),
            )
            .limit(1)
        ).one_or_none()
    if row is None:
        return None
    return _Visit(id=row.id, person_id=row.person_id, number=row.number, his_ref=row.his_ref or "")
