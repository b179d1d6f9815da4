"""Deletes what need not be kept. Each class of data has one line, one rule and one test.

| Data                                   | Kept                                                    |
|----------------------------------------|---------------------------------------------------------|
| scans (who stood before a kiosk)       | until they expire, minutes                              |
| link ticket ↔ person, on-behalf phone  | to the end of the next working day (a setting), longer  |
|                                        | while a message about the visit, a payment of it or     |
|                                        | money held for it is open                               |
| proof of a failed insurance look-up    | 60 days (a setting), longer while a message about the   |
|                                        | visit is open; one without a visit 1 day                |
| people                                 | as long as a visit is linked to them                    |
| copies of what the HIS said            | until the day of the visit is over                      |
| which visits are read from the HIS     | until the day of the visit is over                      |
| answers to idempotency keys            | 2 days                                                  |
| counts of tries, partners' signatures  | 1 day                                                   |
| live events                            | 1 day                                                   |
| outbox messages that were settled      | 30 days; dead letters as long as their visit            |
| used or expired enrolment codes        | 30 days                                                 |
| hours that are over                    | 7 days                                                  |
| what was due, as shown to pay          | until it expires, minutes                               |
| callbacks of banks, word for word      | 24 months (a setting)                                   |
| device events, orders to kiosks        | 90 days; a picture or logs that came back 1 day         |
| figures of kiosks by the hour, their   | 400 days                                                |
| absences, alerts that are over and who |                                                         |
| was told of them                       |                                                         |
| tickets, visits, steps, calls, acts of | 24 months (a setting), without any person               |
| staff, rooms of the day, help calls,   |                                                         |
| refs of orders (not what was ordered)  |                                                         |
| who asked about their data, the answer | 24 months (a setting) after it ended; the register stays |
| checks of the audit chain              | 24 months (a setting)                                   |
| audit                                  | 24 months (a setting; 12 at least), by jobs.purge_audit |

Incidents are kept: there are few, and whoever looks into the next one asks for them.
Figures of reports are kept for good: there is no person in them.
Acceptances of the data notice are kept as long as the hospital's record of the person. Payments,
credits, refunds and the journal are books of account: nothing here deletes them (Luật Kế toán
88/2015/QH13 Điều 41: ten years at least), and they lose the person with the visit.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any, TypeAlias

from sqlalchemy import ColumnElement, delete, exists, select, update

from backend.domain.catalogue import Catalogue
from backend.domain.outbox import OPEN_MESSAGES
from backend.events import Event
from backend.jobs.purge_audit import purge_audit
from backend.services.keep_data_requests import forget_askers
from backend.services.resources import Resources
from backend.storage import fleet_tables as fleet
from backend.storage import payment_tables as payments
from backend.storage.account_tables import ApiToken, UserSession
from backend.storage.audit_tables import AuditCheck
from backend.storage.base import Base
from backend.storage.catalogue_tables import Quota, Slot
from backend.storage.database import Database
from backend.storage.his_tables import HisCopy, HisOrder, HisWatch
from backend.storage.insurance_tables import CoverageEvidence
from backend.storage.kiosk_tables import DeviceEvent, EnrolmentCode, HelpCall
from backend.storage.number_tables import Number, PrintJob, PrintRequest, Series, Ticket
from backend.storage.outbox_tables import LiveEvent, OutboxMessage
from backend.storage.partner_tables import PartnerSignature
from backend.storage.queue_tables import Call, RoomDay, StaffAct, Step, StepChange
from backend.storage.request_tables import IdempotencyKey, RateLimit
from backend.storage.visit_tables import Person, Scan, Visit
from payments.states import OPEN_PAYMENTS, TO_POST

BATCH = 1_000
DAYS_PER_MONTH = 31
LEAST_AUDIT_MONTHS = 12
KEEP_FLEET_DAYS = 400
"""A year, and what a yearly report looks back."""

Condition: TypeAlias = ColumnElement[bool]


def purge(resources: Resources) -> dict[str, int]:
    """Deletes everything that is due; returns how many rows of each class.

    In small batches, each a transaction of its own, so that nobody waits for it. Safe to run by
    two workers at once and to stop half-way. Raises StorageUnavailable.
    """
    database, catalogue = resources.database, resources.catalogue.get()
    now = database.clock()
    counts = {"link": _unlink_people(database, last_linked_day(catalogue, now=now))}
    for name, table, condition in _list_rules(catalogue, now):
        counts[name] = _delete(database, table, condition)
    months = catalogue.settings.keep_tickets_months
    counts["asker"] = forget_askers(database, before=now - timedelta(days=months * DAYS_PER_MONTH))
    counts["audit"] = purge_audit(database, before=_first_kept_audit(catalogue, now))
    done = {name: count for name, count in counts.items() if count}
    if done:
        with database.write() as unit:
            subject = f"facility:{unit.facility_id}"
            unit.audit(Event.DATA_PURGED, actor="job:purge", subject=subject, detail=done)
    return counts


def last_linked_day(catalogue: Catalogue, *, now: datetime) -> date:
    """The last day whose visits lose their person: its n-th next working day is over."""
    day = catalogue.today(now)
    for _ in range(catalogue.settings.keep_person_days + 1):
        day -= timedelta(days=1)
        while day.weekday() >= 5:
            day -= timedelta(days=1)
    return day


def _list_rules(catalogue: Catalogue, now: datetime) -> list[tuple[str, type[Base], Condition]]:
    settings = catalogue.settings
    old_day = catalogue.today(now) - timedelta(days=settings.keep_tickets_months * DAYS_PER_MONTH)
    old_visit = select(Visit.id).where(Visit.day < old_day)

    past_visit = select(Visit.id).where(Visit.day < catalogue.today(now))

    def ago(**span: float) -> datetime:
        return now - timedelta(**span)

    return [
        ("scan", Scan, Scan.expires_at <= now),
        ("evidence", CoverageEvidence, _spent_evidence(settings.keep_evidence_days, now)),
        (
            "person",
            Person,
            ~exists().where(Visit.person_id == Person.id)
            & ~exists().where(
                OutboxMessage.lane == Person.id,
                OutboxMessage.settled_at.is_(None),
            )
            & ~exists().where(
                payments.Payment.person_id == Person.id, _is_unsettled(payments.Payment)
            )
            & (Person.last_seen_at < ago(days=1)),
        ),
        ("payment_quote", payments.PaymentQuote, payments.PaymentQuote.expires_at <= now),
        (
            "payment_notice",
            payments.PaymentNotice,
            payments.PaymentNotice.received_at
            < ago(days=settings.keep_tickets_months * DAYS_PER_MONTH),
        ),
        ("answer", IdempotencyKey, IdempotencyKey.created_at < ago(days=2)),
        ("tries", RateLimit, RateLimit.window_start < ago(days=1)),
        (
            "partner_signature",
            PartnerSignature,
            PartnerSignature.seen_at < ago(days=1),
        ),
        ("live_event", LiveEvent, LiveEvent.at < ago(days=1)),
        (
            "outbox",
            OutboxMessage,
            # A dead letter nobody ever looked at goes with its visit.
            (OutboxMessage.settled_at < ago(days=30))
            | (OutboxMessage.created_at < ago(days=settings.keep_tickets_months * DAYS_PER_MONTH)),
        ),
        ("enrolment", EnrolmentCode, EnrolmentCode.expires_at < ago(days=30)),
        ("user_session", UserSession, UserSession.created_at < ago(days=30)),
        ("api_token", ApiToken, ApiToken.expires_at < ago(days=30)),
        # Who was told goes with what they were told of.
        ("alert", fleet.Alert, fleet.Alert.cleared_at < ago(days=KEEP_FLEET_DAYS)),
        ("device_event", DeviceEvent, DeviceEvent.at < ago(days=90)),
        ("kiosk_command", fleet.KioskCommand, fleet.KioskCommand.created_at < ago(days=90)),
        ("kiosk_hour", fleet.KioskHour, fleet.KioskHour.hour < ago(days=KEEP_FLEET_DAYS)),
        (
            "kiosk_absence",
            fleet.KioskAbsence,
            fleet.KioskAbsence.ended_at < ago(days=KEEP_FLEET_DAYS),
        ),
        (
            "help_call",
            HelpCall,
            HelpCall.created_at < ago(days=settings.keep_tickets_months * DAYS_PER_MONTH),
        ),
        (
            "staff_act",
            StaffAct,
            StaffAct.at < ago(days=settings.keep_tickets_months * DAYS_PER_MONTH),
        ),
        ("his_copy", HisCopy, HisCopy.visit_id.in_(past_visit)),
        ("his_watch", HisWatch, HisWatch.visit_id.in_(past_visit)),
        ("his_order", HisOrder, HisOrder.visit_id.in_(old_visit)),
        ("room_day", RoomDay, RoomDay.day < old_day),
        ("call", Call, Call.step_id.in_(_steps_of(old_visit))),
        ("step_change", StepChange, StepChange.visit_id.in_(old_visit)),
        ("print_request", PrintRequest, PrintRequest.visit_id.in_(old_visit)),
        ("print_job", PrintJob, PrintJob.visit_id.in_(old_visit)),
        ("step", Step, Step.day < old_day),
        ("number", Number, Number.day < old_day),
        ("ticket", Ticket, Ticket.day < old_day),
        ("visit", Visit, Visit.day < old_day),
        ("quota", Quota, Quota.day < catalogue.today(now)),
        ("slot", Slot, Slot.starts_at < ago(days=7)),
        ("series", Series, Series.day < old_day),
        (
            "audit_check",
            AuditCheck,
            AuditCheck.finished_at < ago(days=settings.keep_tickets_months * DAYS_PER_MONTH),
        ),
    ]


def _first_kept_audit(catalogue: Catalogue, now: datetime) -> datetime:
    months = max(catalogue.settings.keep_audit_months, LEAST_AUDIT_MONTHS)
    return now - timedelta(days=months * DAYS_PER_MONTH)


def _spent_evidence(keep_days: int, now: datetime) -> Condition:
    evidence, message = CoverageEvidence, OutboxMessage
    is_needed = exists().where(
        message.visit_id == evidence.visit_id, message.state.in_(OPEN_MESSAGES)
    )
    is_old = evidence.recorded_at < now - timedelta(days=keep_days)
    led_nowhere = evidence.visit_id.is_(None) & (evidence.recorded_at < now - timedelta(days=1))
    return (is_old & ~is_needed) | led_nowhere


def _is_unsettled(payment: type[payments.Payment]) -> Condition:
    """Somebody may still need to know whose it is: it is open, the HIS has not heard of it, or
    money of it is held.
    """
    under_way = sorted(state.value for state in OPEN_PAYMENTS | TO_POST)
    held = exists().where(
        payments.SuspenseItem.payment_id == payment.id,
        payments.SuspenseItem.state.in_(("open", "refunding")),
    )
    return payment.state.in_(under_way) | held


def _steps_of(visits: Any) -> Any:
    return select(Step.id).where(Step.visit_id.in_(visits))


def _unlink_people(database: Database, last_day: date) -> int:
    """Cuts ticket and person apart, except while a message about the visit is open."""
    open_message = exists().where(
        OutboxMessage.visit_id == Visit.id,
        OutboxMessage.state.in_(OPEN_MESSAGES),
    )

    open_payment = exists().where(
        payments.Payment.visit_id == Visit.id, _is_unsettled(payments.Payment)
    )

    def unlink(visits: Any) -> list[Any]:
        return [
            update(payments.Payment)
            .where(payments.Payment.visit_id.in_(visits))
            .values(person_id=None),
            update(Step).where(Step.visit_id.in_(visits)).values(person_id=None),
            update(Visit)
            .where(Visit.id.in_(visits))
            .values(
                person_id=None,
                sealed_on_behalf=None,
                sealed_card=None,
                sealed_slips=None,
                phone_hash=None,
            ),
        ]

    condition = (
        (Visit.facility_id == database.facility_id)
        & (Visit.day <= last_day)
        & Visit.person_id.is_not(None)
        & ~open_message
        & ~open_payment
    )
    return _in_batches(database, lambda: select(Visit.id).where(condition).limit(BATCH), unlink)


def _delete(database: Database, table: type[Base], condition: Condition) -> int:
    keys = list(table.__table__.primary_key)
    mine = table.__table__.c.facility_id == database.facility_id
    if len(keys) > 1:
        # Few rows, or small ones: all at once.
        with database.write() as unit:
            return unit.connection.execute(delete(table).where(mine, condition)).rowcount
    return _in_batches(
        database,
        lambda: select(keys[0]).where(mine, condition).limit(BATCH),
        lambda ids: [delete(table).where(keys[0].in_(ids))],
    )


def _in_batches(
    database: Database, find: Callable[[], Any], change: Callable[[Any], list[Any]]
) -> int:
    total = 0
    while True:
        with database.write() as unit:
            ids = list(unit.connection.scalars(find()))
            if not ids:
                return total
            for statement in change(ids):
                unit.connection.execute(statement)
        total += len(ids)
