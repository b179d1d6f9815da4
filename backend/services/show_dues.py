"""What a patient owes, read from the HIS a moment ago and kept sealed for the kiosk that asked."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import Connection, insert, select

from backend.domain.catalogue import Catalogue
from backend.domain.dues import BillFacts, ChargeFacts, Dues
from backend.domain.identity.masking import masked_name
from backend.domain.ids import new_id
from backend.domain.placement import describe_landmark, describe_rooms, list_places
from backend.domain.visit import StepKind
from backend.errors import (
    FeesUnavailable,
    PaymentNotFound,
    ScanExpired,
    ServiceClosed,
    VisitNotFound,
)
from backend.events import Event
from backend.services.keep_invoice import add_late_invoice
from backend.services.payment_methods import list_methods, method_to_json
from backend.services.recognise_caller import Caller
from backend.services.remote_party import NoAnswer
from backend.services.resources import Resources
from backend.services.show_payment import find_open_payment, payment_to_json
from backend.storage import payment_tables
from backend.storage.crypto import CannotUnseal
from backend.storage.number_tables import Ticket
from backend.storage.payments import find_paid_refs, find_payment_by_code
from backend.storage.repositories import find_person, get_scan
from backend.storage.visit_tables import Person, Visit
from his_adapter.errors import HisError, NotFound
from his_adapter.models import Account, Feature, InvoiceStatus, Ref
from payments.match_codes import find_match_codes

HIS_WAIT_S = 3.0
QUOTE_LIFETIME = timedelta(minutes=10)
MAX_BILLS = 20
MAX_CHARGES = 60


@dataclass(frozen=True, kw_only=True)
class DuesWish:
    """Either a scan or a code."""

    scan_id: str | None
    untrusted_code: str | None
    language: Literal["vi", "en"]


@dataclass(frozen=True, kw_only=True, repr=False)
class Whose:
    """Whose fees are asked for; `readable`: the person was proven by a card, not by a slip."""

    patient_ref: str
    person_id: str | None
    visit_id: str | None
    number: str | None
    shown_name: str
    readable: bool


def show_dues(resources: Resources, wish: DuesWish, *, kiosk: Caller) -> dict[str, Any]:
    """`DuesReply`. Raises ScanExpired, VisitNotFound, PaymentNotFound, FeesUnavailable."""
    catalogue = resources.catalogue.get()
    with resources.database.read() as connection:
        whose = _find_whose(resources, connection, catalogue, wish, kiosk=kiosk)
    account = read_account(resources, catalogue, whose.patient_ref)
    now = resources.database.clock()
    dues = _collect(whose, account, now=now)
    with resources.database.read() as connection:
        facility_id = resources.database.facility_id
        open_payment = find_open_payment(
            connection, dues, facility_id=facility_id, code=wish.untrusted_code
        )
        paid = find_paid_refs(connection, [b.ref for b in dues.bills], facility_id=facility_id)
    # Paid here, and the HIS has not entered it yet: due there, and not to be paid again.
    dues = replace(dues, bills=tuple(bill for bill in dues.bills if bill.ref not in paid))
    dues_id = new_id()
    expires_at = now + QUOTE_LIFETIME
    with resources.database.write() as unit:
        unit.connection.execute(
            insert(payment_tables.PaymentQuote).values(
                id=dues_id,
                facility_id=unit.facility_id,
                kiosk_id=kiosk.id,
                sealed=resources.keys.seal(
                    json.dumps(dues.to_json(), ensure_ascii=False).encode(),
                    context=f"payment_quote:{dues_id}",
                ),
                as_of=now,
                expires_at=expires_at,
            )
        )
        unit.audit(Event.DUES_READ, actor=kiosk.actor, subject=_subject(whose), detail={})
    if open_payment is not None:
        open_payment = add_late_invoice(resources, open_payment)
    with resources.database.read() as connection:
        methods = list_methods(resources, connection)
        return {
            "dues_id": dues_id,
            "as_of": now.isoformat(),
            "expires_at": expires_at.isoformat(),
            "patient": dues.shown_name,
            "number": dues.number,
            "bills": [_bill_to_json(bill, readable=dues.readable) for bill in dues.bills],
            "due_vnd": dues.due.amount_vnd,
            "credit_vnd": dues.credit_vnd,
            "advance": _advance_to_json(catalogue),
            "methods": [method_to_json(resources, entry) for entry in methods],
            "cash": _cash_to_json(catalogue, now=now),
            "large_vnd": catalogue.settings.large_payment_vnd,
            "open_payment": payment_to_json(resources, catalogue, connection, open_payment)
            if open_payment
            else None,
        }


def _subject(whose: Whose) -> str:
    return f"visit:{whose.visit_id}" if whose.visit_id else f"person:{whose.person_id or 'none'}"


def _find_whose(
    resources: Resources,
    connection: Connection,
    catalogue: Catalogue,
    wish: DuesWish,
    *,
    kiosk: Caller,
) -> Whose:
    if wish.scan_id is None:
        return _by_code(resources, connection, catalogue, wish.untrusted_code or "")
    now = resources.database.clock()
    scan = get_scan(connection, resources.keys, wish.scan_id, kiosk_id=kiosk.id, now=now)
    if scan.visit_id is not None:
        return _by_visit(connection, scan.visit_id)
    if scan.person is None:
        raise ScanExpired
    person = find_person(
        connection,
        resources.keys,
        scan.person,
        facility_id=resources.database.facility_id,
        day=catalogue.today(now),
    )
    ref = scan.person.his_ref or _find_ref(connection, person.id)
    if ref is None:
        # The HIS has never heard of this person, or was away when they came.
        raise FeesUnavailable
    visit = _find_todays_visit(connection, person.id, catalogue.today(now))
    return Whose(
        patient_ref=ref,
        person_id=person.id,
        visit_id=visit.id if visit else None,
        number=visit.number if visit else None,
        shown_name=masked_name(scan.person.full_name),
        readable=True,
    )


def _find_ref(connection: Connection, person_id: str | None) -> str | None:
    if person_id is None:
        return None
    return connection.scalar(select(Person.his_ref).where(Person.id == person_id))


def _find_todays_visit(connection: Connection, person_id: str | None, day: Any) -> Any:
    if person_id is None:
        return None
    return connection.execute(
        select(Visit.id, Ticket.number)
        .join(Ticket, Ticket.visit_id == Visit.id)
        .where(Visit.person_id == person_id, Visit.day == day)
        .order_by(Visit.id.desc())
        .limit(1)
    ).one_or_none()


def _by_visit(connection: Connection, visit_id: str) -> Whose:
    """Whoever holds a ticket may pay for it."""
    visit = connection.execute(
        select(Visit.person_id, Ticket.number, Person.his_ref)
        .join(Ticket, Ticket.visit_id == Visit.id)
        .outerjoin(Person, Person.id == Visit.person_id)
        .where(Visit.id == visit_id)
    ).one_or_none()
    if visit is None:
        raise VisitNotFound
    if visit.his_ref is None:
        raise FeesUnavailable
    return Whose(
        patient_ref=visit.his_ref,
        person_id=visit.person_id,
        visit_id=visit_id,
        number=visit.number,
        shown_name="",
        readable=False,
    )


def _by_code(
    resources: Resources, connection: Connection, catalogue: Catalogue, untrusted_code: str
) -> Whose:
    """The code of a payment that was begun, on a slip in somebody's hand."""
    codes = find_match_codes(untrusted_code, catalogue.settings.payment_prefix)
    found = (
        find_payment_by_code(connection, codes[0], facility_id=resources.database.facility_id)
        if len(codes) == 1
        else None
    )
    if found is None:
        raise PaymentNotFound
    payment = connection.execute(
        select(payment_tables.Payment.__table__).where(payment_tables.Payment.id == found)
    ).one()
    number = connection.scalar(select(Ticket.number).where(Ticket.visit_id == payment.visit_id))
    return Whose(
        patient_ref=payment.patient_ref,
        person_id=payment.person_id,
        visit_id=payment.visit_id,
        number=number,
        shown_name="",
        readable=False,
    )


def read_account(resources: Resources, catalogue: Catalogue, patient_ref: str) -> Account:
    """Raises FeesUnavailable: no answer, or a HIS that cannot say."""
    if not catalogue.his_can(Feature.READ_ACCOUNT):
        raise FeesUnavailable
    try:
        pending = resources.his_party.ask(
            lambda: resources.his.read_account(Ref(patient_ref), None)
        )
        return pending.wait(HIS_WAIT_S)
    except NotFound as error:
        raise FeesUnavailable from error
    except (NoAnswer, HisError) as error:
        raise FeesUnavailable from error


def list_bills(account: Account) -> tuple[BillFacts, ...]:
    """What can be paid now, the oldest first."""
    due = [
        invoice
        for invoice in account.invoices
        if invoice.status is InvoiceStatus.ISSUED and invoice.due_vnd > 0
    ]
    due.sort(key=lambda invoice: invoice.issued_at)
    return tuple(
        BillFacts(
            id=f"b{index}",
            ref=invoice.ref,
            code=invoice.code[:64],
            version=invoice.version[:200],
            title=invoice.title_vi[:200],
            issued_at=invoice.issued_at.isoformat(),
            due_vnd=invoice.due_vnd,
            charges=tuple(
                ChargeFacts(
                    name=charge.name_vi,
                    quantity=charge.quantity,
                    amount_vnd=charge.amount_vnd,
                    insurance_vnd=charge.insurance_vnd,
                    discount_vnd=charge.discount_vnd,
                )
                for charge in invoice.charges[:MAX_CHARGES]
            ),
        )
        for index, invoice in enumerate(due[:MAX_BILLS], start=1)
    )


def _collect(whose: Whose, account: Account, *, now: datetime) -> Dues:
    return Dues(
        patient_ref=whose.patient_ref,
        visit_ref=account.visit,
        person_id=whose.person_id,
        visit_id=whose.visit_id,
        number=whose.number,
        shown_name=whose.shown_name,
        readable=whose.readable,
        bills=list_bills(account),
        credit_vnd=account.credit_vnd,
        as_of=now.isoformat(),
    )


def get_quote(
    resources: Resources, connection: Connection, dues_id: str, *, kiosk: Caller
) -> tuple[Dues, datetime]:
    """What this kiosk was told, and when. Raises ScanExpired: it has to ask again."""
    row = connection.execute(
        select(payment_tables.PaymentQuote.__table__).where(
            payment_tables.PaymentQuote.id == dues_id,
            payment_tables.PaymentQuote.facility_id == resources.database.facility_id,
        )
    ).one_or_none()
    if row is None or row.kiosk_id != kiosk.id or row.expires_at <= resources.database.clock():
        raise ScanExpired
    try:
        content = resources.keys.unseal(row.sealed, context=f"payment_quote:{dues_id}")
    except CannotUnseal as error:
        raise ScanExpired from error
    return Dues.from_json(json.loads(content)), row.as_of


def _bill_to_json(bill: BillFacts, *, readable: bool) -> dict[str, Any]:
    return {
        "id": bill.id,
        "code": bill.code,
        "title": bill.title if readable else "",
        "issued_at": bill.issued_at,
        "due_vnd": bill.due_vnd,
        "charges": [vars(charge) for charge in bill.charges] if readable else [],
    }


def _advance_to_json(catalogue: Catalogue) -> dict[str, Any] | None:
    settings = catalogue.settings
    if not settings.advance_max_vnd:
        return None
    return {
        "min_vnd": settings.advance_min_vnd,
        "max_vnd": settings.advance_max_vnd,
        "step_vnd": settings.advance_step_vnd,
        "proposed_vnd": [
            amount
            for amount in settings.advances_vnd
            if settings.advance_min_vnd <= amount <= settings.advance_max_vnd
        ],
    }


def _cash_to_json(catalogue: Catalogue, *, now: datetime) -> dict[str, Any] | None:
    cashier = next(
        (
            service
            for service in catalogue.every_service.values()
            if service.kind == StepKind.CASHIER
        ),
        None,
    )
    if cashier is None:
        return None
    try:
        room = list_places(catalogue, cashier, now=now, waiting={})[0].room
        is_open = True
    except ServiceClosed:
        room, is_open = None, False
    place, _ = describe_rooms(catalogue, cashier, room)
    landmark = describe_landmark(catalogue, cashier, room)
    return {
        "place": {"vi": place.vi, "en": place.en},
        "landmark": {"vi": landmark.vi, "en": landmark.en},
        "is_open": is_open,
    }
