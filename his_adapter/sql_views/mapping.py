"""Rows of the agreed views ↔ the models of the port. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from his_adapter.errors import BrokenReply
from his_adapter.models import (
    Account,
    Appointment,
    AppointmentStatus,
    Change,
    ChangeKind,
    Charge,
    ClosedDay,
    Code,
    Department,
    EInvoice,
    Gender,
    Identifier,
    IdentifierKind,
    Invoice,
    InvoiceStatus,
    OpeningSession,
    Order,
    OrderStatus,
    PartKind,
    Patient,
    PaymentReceipt,
    Post,
    Practitioner,
    QueueStatus,
    Ref,
    Report,
    ReportKind,
    ReportPart,
    ReportStatus,
    ResultValue,
    Room,
    Service,
    ServiceKind,
    Slot,
    Visit,
    VisitStatus,
    VisitTicket,
)
from his_adapter.sql_views.columns import Columns

CARRIED = tuple(kind for kind in IdentifierKind if kind is not IdentifierKind.APPOINTMENT)
"""Identifiers with a column of their own, named like the kind."""

_PART = re.compile(r"values|pdf|image-[0-9]{1,3}")
_GENDER_LIMIT = {"": None, "male": Gender.MALE, "female": Gender.FEMALE}


def patient(row: Columns, genders: Mapping[str, Gender]) -> Patient:
    numbers = [(kind, row.find_text(kind.value)) for kind in CARRIED]
    return Patient(
        ref=row.ref("ref"),
        version=row.text("version"),
        full_name=row.text("full_name"),
        birth_date=row.birth_date("birth_date"),
        gender=row.mapped("gender", genders, empty=Gender.UNKNOWN),
        identifiers=tuple(
            Identifier(kind=kind, value=value)
            for kind, value in sorted(numbers, key=lambda item: item[0])
            if value is not None
        ),
        phone=row.find_text("phone"),
        address=row.find_text("address"),
        guardian=row.find_text("guardian"),
    )


def department(row: Columns) -> Department:
    return Department(
        ref=row.ref("ref"),
        code=row.text("code"),
        name_vi=row.text("name_vi"),
        name_en=row.find_text("name_en") or "",
    )


def room(row: Columns) -> Room:
    return Room(
        ref=row.ref("ref"),
        code=row.text("code"),
        name_vi=row.text("name_vi"),
        name_en=row.find_text("name_en") or "",
        department=row.find_ref("department"),
        floor=row.find_text("floor") or "",
        landmark_vi=row.find_text("landmark_vi") or "",
        landmark_en=row.find_text("landmark_en") or "",
    )


def service(row: Columns) -> Service:
    limit = row.find_text("for_gender") or ""
    if limit not in _GENDER_LIMIT:
        raise row.broken("for_gender")
    insurance_price_vnd = row.find_integer("insurance_price_vnd")
    return Service(
        ref=row.ref("ref"),
        code=row.text("code"),
        name_vi=row.text("name_vi"),
        name_en=row.find_text("name_en") or "",
        kind=row.choice("kind", ServiceKind),
        department=row.ref("department"),
        rooms=row.refs("rooms"),
        price_vnd=row.amount("price_vnd"),
        insurance_price_vnd=insurance_price_vnd,
        pooled=row.flag("pooled"),
        by_doctor=row.flag("by_doctor"),
        by_hour=row.flag("by_hour"),
        minutes=row.find_integer("minutes"),
        gender=_GENDER_LIMIT[limit],
        age_min_years=row.find_integer("age_min_years"),
        age_max_years=row.find_integer("age_max_years"),
        sensitive=row.flag("sensitive"),
        visit_kinds=tuple(str(kind) for kind in row.refs("visit_kinds")),
    )


def practitioners(rows: Iterable[Columns]) -> list[Practitioner]:
    """One row for each post; rows of one practitioner agree on the rest."""
    found: dict[Ref, Practitioner] = {}
    for row in rows:
        post = Post(service=row.ref("service"), room=row.find_ref("room"))
        ref = row.ref("ref")
        posts = (*found[ref].posts, post) if ref in found else (post,)
        found[ref] = Practitioner(
            ref=ref,
            title=row.find_text("title") or "",
            name=row.text("name"),
            posts=posts,
            session_limit=row.find_integer("session_limit"),
        )
    return sorted(found.values(), key=lambda item: item.ref)


def session(row: Columns) -> OpeningSession:
    weekday = row.integer("weekday")
    if not 0 <= weekday <= 6:
        raise row.broken("weekday")
    return OpeningSession(
        ref=row.ref("ref"),
        room=row.ref("room"),
        weekday=weekday,
        name=row.text("name"),
        opens_at=row.clock_time("opens_at"),
        closes_at=row.clock_time("closes_at"),
        limit=row.find_integer("places"),
    )


def closed_day(row: Columns) -> ClosedDay:
    return ClosedDay(
        day=row.day("day"), room=row.find_ref("room"), reason_vi=row.find_text("reason_vi") or ""
    )


def slot(row: Columns) -> Slot:
    return Slot(
        ref=row.ref("ref"),
        service=row.ref("service"),
        practitioner=row.find_ref("practitioner"),
        room=row.find_ref("room"),
        start=row.moment("starts_at"),
        end=row.moment("ends_at"),
        capacity=row.amount("capacity"),
        free=row.amount("free"),
    )


def appointment(row: Columns) -> Appointment:
    return Appointment(
        ref=row.ref("ref"),
        version=row.text("version"),
        patient=row.ref("patient"),
        status=row.choice("status", AppointmentStatus),
        code=row.text("code"),
        service=row.find_ref("service"),
        practitioner=row.find_ref("practitioner"),
        room=row.find_ref("room"),
        slot=row.find_ref("slot"),
        start=row.moment("starts_at"),
        end=row.moment("ends_at"),
        facility_code=row.text("facility_code"),
        facility_name=row.text("facility_name"),
    )


def visit(row: Columns) -> Visit:
    return Visit(
        ref=row.ref("ref"),
        version=row.text("version"),
        patient=row.ref("patient"),
        status=row.choice("status", VisitStatus),
        record_code=row.text("record_code"),
        service=row.ref("service"),
        practitioner=row.find_ref("practitioner"),
        appointment=row.find_ref("appointment"),
        ticket=VisitTicket(
            number=row.integer("number"),
            prefix=row.find_text("prefix") or "",
            room=row.find_ref("room"),
            provisional=row.flag("provisional"),
        ),
        own_number=row.find_text("own_number"),
        fee_due_vnd=row.find_integer("fee_due_vnd"),
        created_at=row.moment("created_at"),
    )


def queue_status(row: Columns) -> QueueStatus:
    return QueueStatus(
        ahead=row.find_integer("ahead"),
        serving=row.find_text("serving"),
        updated_at=row.moment("updated_at"),
    )


def order(row: Columns) -> Order:
    return Order(
        ref=row.ref("ref"),
        version=row.text("version"),
        patient=row.ref("patient"),
        visit=row.find_ref("visit"),
        service=row.find_ref("service"),
        kind=row.choice("kind", ServiceKind),
        code=row.text("code"),
        name_vi=row.text("name_vi"),
        name_en=row.find_text("name_en") or "",
        status=row.choice("status", OrderStatus),
        room=row.find_ref("room"),
        preparation_vi=row.find_text("preparation_vi") or "",
        preparation_en=row.find_text("preparation_en") or "",
        accession=row.find_text("accession"),
        ordered_at=row.moment("ordered_at"),
    )


def report(row: Columns) -> Report:
    """`parts` is a list with commas: `values`, `pdf`, `image-1`, …"""
    names = [str(name) for name in row.refs("parts")]
    if not all(_PART.fullmatch(name) for name in names):
        raise row.broken("parts")
    return Report(
        ref=row.ref("ref"),
        version=row.text("version"),
        patient=row.ref("patient"),
        order=row.find_ref("order_ref"),
        visit=row.find_ref("visit"),
        kind=row.choice("kind", ReportKind),
        title_vi=row.text("title_vi"),
        status=row.choice("status", ReportStatus),
        issued_at=row.moment("issued_at"),
        signed=row.find_flag("signed"),
        parts=tuple(_part(name) for name in names),
    )


def result_value(row: Columns) -> ResultValue:
    return ResultValue(
        code=row.find_text("code") or "",
        name_vi=row.text("name_vi"),
        value=row.find_text("value") or "",
        unit=row.find_text("unit") or "",
        reference_range=row.find_text("reference_range") or "",
        flag=row.find_text("flag") or "",
    )


def account(
    row: Columns, invoices: Iterable[Columns], charges: Iterable[Columns], *, visit: Ref | None
) -> Account:
    """Raises BrokenReply when the sums do not agree: a wrong amount is worse than none."""
    lines: dict[Ref | None, list[Charge]] = {}
    for item in charges:
        lines.setdefault(item.find_ref("invoice"), []).append(_charge(item))
    found = Account(
        patient=row.ref("patient"),
        visit=visit,
        invoices=tuple(_invoice(item, lines.get(item.ref("ref"), [])) for item in invoices),
        charged_vnd=row.amount("charged_vnd"),
        insurance_vnd=row.amount("insurance_vnd"),
        discount_vnd=row.amount("discount_vnd"),
        advances_vnd=row.amount("advances_vnd"),
        paid_vnd=row.amount("paid_vnd"),
        due_vnd=row.amount("due_vnd"),
        credit_vnd=row.amount("credit_vnd"),
        as_of=row.moment("as_of"),
    )
    left_vnd = (
        found.charged_vnd
        - found.insurance_vnd
        - found.discount_vnd
        - found.advances_vnd
        - found.paid_vnd
    )
    if (found.due_vnd, found.credit_vnd) != (max(0, left_vnd), max(0, -left_vnd)):
        raise BrokenReply("view account: the sums do not agree")
    return found


def payment_receipt(row: Columns) -> PaymentReceipt:
    invoice = row.find_ref("invoice")
    return PaymentReceipt(
        ref=row.ref("ref"),
        invoice=invoice,
        invoice_status=row.choice("invoice_status", InvoiceStatus) if invoice else None,
        amount_vnd=row.amount("amount_vnd"),
        posted_at=row.moment("posted_at"),
    )


def einvoice(row: Columns) -> EInvoice:
    return EInvoice(
        ref=row.ref("ref"),
        invoice=row.ref("invoice"),
        number=row.text("number"),
        url=row.text("url"),
        lookup_code=row.find_text("lookup_code") or "",
        issued_at=row.moment("issued_at"),
    )


def code(row: Columns) -> Code:
    return Code(
        code=row.text("code"),
        display=row.text("display"),
        parent=row.find_text("parent"),
        legacy=row.find_text("legacy"),
    )


def change(row: Columns) -> Change:
    return Change(
        kind=row.choice("kind", ChangeKind),
        ref=row.ref("ref"),
        patient=row.find_ref("patient"),
        at=row.moment("at"),
    )


def _part(name: str) -> ReportPart:
    if name == "values":
        return ReportPart(name=name, kind=PartKind.VALUES, media_type="application/json")
    if name == "pdf":
        return ReportPart(name=name, kind=PartKind.PDF, media_type="application/pdf")
    return ReportPart(name=name, kind=PartKind.IMAGE, media_type="image/*")


def _charge(row: Columns) -> Charge:
    return Charge(
        code=row.text("code"),
        name_vi=row.text("name_vi"),
        quantity=row.amount("quantity"),
        amount_vnd=row.amount("amount_vnd"),
        insurance_vnd=row.amount("insurance_vnd"),
        discount_vnd=row.amount("discount_vnd"),
    )


def _invoice(row: Columns, charges: list[Charge]) -> Invoice:
    return Invoice(
        ref=row.ref("ref"),
        version=row.text("version"),
        code=row.text("code"),
        status=row.choice("status", InvoiceStatus),
        title_vi=row.find_text("title_vi") or "",
        total_vnd=row.amount("total_vnd"),
        due_vnd=row.amount("due_vnd"),
        charges=tuple(charges),
        issued_at=row.moment("issued_at"),
    )
