"""Reads what a day's report is counted from: visits with steps, calls, lookups, kiosks, money."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from itertools import groupby
from typing import Any

from sqlalchemy import BindParameter, Connection, bindparam, func, select

from backend.domain.reports.counting import (
    Away,
    CallFacts,
    KioskFacts,
    MoneyFacts,
    StepFacts,
    VisitFacts,
    measure_overlap,
)
from backend.domain.reports.steps import Move, read_moves
from backend.domain.visit import PrintState, StepState
from backend.events import Event
from backend.storage import payment_tables as money
from backend.storage.audit_tables import IDENTIFIED, AuditEvent
from backend.storage.fleet_tables import KioskAbsence
from backend.storage.kiosk_tables import DeviceEvent, HelpCall, Kiosk
from backend.storage.number_tables import PrintJob
from backend.storage.queue_tables import Call, Step, StepChange
from backend.storage.visit_tables import Visit
from backend.storage.waits import UNDO
from payments.states import PAID_PAYMENTS

VISITS_AT_ONCE = 500
"""Each question stays short, whatever the day holds: nobody else waits, nothing times out."""
PAPER_END = "paper_end"
WORKING = ("ready", "paper_near_end")
ON_PAPER = (PrintState.PRINTED.value, PrintState.UNCONFIRMED.value)
NOT_ON_PAPER = (PrintState.FAILED.value, PrintState.UNKNOWN.value)
PAID_LATER = timedelta(days=3)
UNPAID = ("expired", "cancelled", "failed")

_VISITS = (
    select(
        Visit.id,
        Visit.kind,
        Visit.lane,
        Visit.language,
        Visit.age_band,
        Visit.kiosk_id,
        Visit.use_insurance,
        Visit.coverage_outcome,
        Visit.scan_id,
        Visit.handed_in_at,
        Visit.since_touch_ms,
        Visit.created_at,
    )
    .where(
        Visit.facility_id == bindparam("facility_id"),
        Visit.day == bindparam("day"),
        Visit.id > bindparam("after"),
    )
    .order_by(Visit.id)
    .limit(VISITS_AT_ONCE)
)
_OF_VISITS: BindParameter[str] = bindparam("visits", expanding=True)
_STEPS = select(
    Step.id,
    Step.visit_id,
    Step.kind,
    Step.service_id,
    Step.room_id,
    Step.lane,
).where(Step.visit_id.in_(_OF_VISITS))
_MOVES = (
    select(
        StepChange.step_id,
        StepChange.to_state,
        StepChange.at,
        StepChange.source,
        StepChange.reason,
        StepChange.room_id,
    )
    .join(Step, Step.id == StepChange.step_id)
    .where(Step.visit_id.in_(_OF_VISITS))
    # Ids are in the order of writing: what was handed in later has an earlier time.
    .order_by(StepChange.step_id, StepChange.id)
)
_CALLS = (
    select(
        Call.queue_id,
        Call.called_at,
        Call.lane,
        Call.by_guard,
        Call.attempt,
    )
    .join(Step, Step.id == Call.step_id)
    .where(Step.visit_id.in_(_OF_VISITS), Call.undone_at.is_(None))
)
_PRINTED = (
    select(PrintJob.visit_id, func.min(PrintJob.reported_at))
    .where(PrintJob.visit_id.in_(_OF_VISITS), PrintJob.state.in_(ON_PAPER))
    .group_by(PrintJob.visit_id)
)


def list_visits(
    connection: Connection,
    facility_id: str,
    day: date,
    *,
    identified: Mapping[str, str],
    calls: list[CallFacts],
) -> Iterator[VisitFacts]:
    """Every visit of the day with its steps; the calls made for them go to `calls`.

    `identified` maps a scan to the kind of code that was read.
    """
    after = ""
    while True:
        values = {"facility_id": facility_id, "day": day, "after": after}
        visits = connection.execute(_VISITS, values).all()
        if not visits:
            return
        after = visits[-1].id
        ids = {"visits": [visit.id for visit in visits]}
        steps = _read_steps(connection, ids)
        printed = dict(connection.execute(_PRINTED, ids).all())
        calls += [
            CallFacts(
                queue_id=row.queue_id,
                called_at=row.called_at,
                lane=row.lane,
                by_guard=row.by_guard,
                attempt=row.attempt,
            )
            for row in connection.execute(_CALLS, ids)
        ]
        for visit in visits:
            yield VisitFacts(
                kind=visit.kind,
                lane=visit.lane,
                language=visit.language,
                age_band=visit.age_band or "unknown",
                kiosk_id=visit.kiosk_id,
                use_insurance=visit.use_insurance,
                coverage=visit.coverage_outcome,
                identified_by=identified.get(visit.scan_id),
                offline=visit.handed_in_at is not None,
                to_ticket=_find_to_ticket(visit, printed.get(visit.id)),
                steps=steps.get(visit.id, ()),
            )


def _find_to_ticket(visit: Any, printed_at: datetime | None) -> timedelta | None:
    if visit.since_touch_ms is None or printed_at is None:
        return None
    issued_at: datetime = visit.created_at
    return timedelta(milliseconds=visit.since_touch_ms) + (printed_at - issued_at)


def _read_steps(
    connection: Connection, ids: Mapping[str, Sequence[str]]
) -> dict[str, list[StepFacts]]:
    times = {
        step_id: read_moves(
            Move(
                to=StepState(row.to_state),
                at=row.at,
                source=row.source,
                undo=row.reason == UNDO,
                room_id=row.room_id,
            )
            for row in rows
        )
        for step_id, rows in groupby(connection.execute(_MOVES, ids), key=lambda row: row.step_id)
    }
    found: dict[str, list[StepFacts]] = {}
    for row in connection.execute(_STEPS, ids):
        moved = times.get(row.id)
        if moved is not None:
            step = StepFacts(
                id=row.id,
                kind=row.kind,
                service_id=row.service_id,
                room_id=row.room_id,
                lane=row.lane,
                times=moved,
            )
            found.setdefault(row.visit_id, []).append(step)
    return found


def read_lookups(
    connection: Connection, facility_id: str, *, since: datetime, until: datetime
) -> tuple[dict[str, str], Counter[tuple[str, str]]]:
    """Scan to the kind of its code, and how often each (kind, outcome) happened.

    From the audit trail: scans themselves live for minutes only.
    """
    event = AuditEvent
    rows = connection.execute(
        select(event.subject, event.detail).where(
            event.facility_id == facility_id,
            IDENTIFIED,
            event.at >= since,
            event.at < until,
        )
    )
    kinds: dict[str, str] = {}
    lookups: Counter[tuple[str, str]] = Counter()
    for subject, detail in rows:
        kinds[subject.removeprefix("scan:")] = detail["kind"]
        lookups[detail["kind"], detail["outcome"]] += 1
    return kinds, lookups


def list_kiosks(
    connection: Connection,
    facility_id: str,
    *,
    since: datetime,
    until: datetime,
    open_since: datetime,
    open_until: datetime,
) -> list[KioskFacts]:
    """Each kiosk that was enrolled then. The hospital was open from `open_since` to `open_until`."""
    kiosk = Kiosk
    enrolled = connection.execute(
        select(kiosk.id, kiosk.enrolled_at, kiosk.revoked_at).where(
            kiosk.facility_id == facility_id,
            kiosk.kind == "kiosk",
            kiosk.enrolled_at < until,
            kiosk.revoked_at.is_(None) | (kiosk.revoked_at > since),
        )
    ).all()
    ids = [each.id for each in enrolled]
    away = _read_absences(connection, facility_id, since=since, until=until)
    paused = _read_pauses(connection, facility_id, until=until)
    troubles = _count_troubles(connection, facility_id, ids, since=since, until=until)
    unprinted = _count_print_troubles(connection, facility_id, since=since, until=until)
    helped = _count_help(connection, facility_id, since=since, until=until)
    found = []
    for each in enrolled:
        begin = max(open_since, each.enrolled_at)
        end = max(min(open_until, each.revoked_at or open_until), begin)
        pauses = paused.get(each.id, [])
        out = measure_overlap(pauses, since=begin, until=end)
        gone = measure_overlap([*pauses, *away.get(each.id, ())], since=begin, until=end)
        found.append(
            KioskFacts(
                id=each.id,
                expected=end - begin - out,
                away=gone - out,
                paper_outs=troubles[each.id, "paper"],
                faults=troubles[each.id, "fault"],
                help_calls=helped[each.id, "help"],
                emergencies=helped[each.id, "emergency"],
                print_troubles=unprinted[each.id],
            )
        )
    return found


def _read_absences(
    connection: Connection, facility_id: str, *, since: datetime, until: datetime
) -> dict[str, list[Away]]:
    absence = KioskAbsence
    rows = connection.execute(
        select(absence.kiosk_id, absence.began_at, absence.ended_at).where(
            absence.facility_id == facility_id,
            absence.began_at < until,
            absence.ended_at.is_(None) | (absence.ended_at > since),
        )
    )
    found: dict[str, list[Away]] = {}
    for row in rows:
        away = Away(began_at=row.began_at, ended_at=row.ended_at)
        found.setdefault(row.kiosk_id, []).append(away)
    return found


def _read_pauses(
    connection: Connection, facility_id: str, *, until: datetime
) -> dict[str, list[Away]]:
    """When staff had taken each kiosk out of service, from the audit trail: its row says now only."""
    event = AuditEvent
    rows = connection.execute(
        select(event.subject, event.event, event.at)
        .where(
            event.facility_id == facility_id,
            event.event.in_((Event.KIOSK_PAUSED.value, Event.KIOSK_RESUMED.value)),
            event.at < until,
        )
        .order_by(event.at, event.id)
    )
    found: dict[str, list[Away]] = {}
    began: dict[str, datetime] = {}
    for subject, what, at in rows:
        kiosk_id = subject.removeprefix("kiosk:")
        if what == Event.KIOSK_PAUSED:
            began.setdefault(kiosk_id, at)
        elif kiosk_id in began:
            spell = Away(began_at=began.pop(kiosk_id), ended_at=at)
            found.setdefault(kiosk_id, []).append(spell)
    for kiosk_id, at in began.items():
        found.setdefault(kiosk_id, []).append(Away(began_at=at, ended_at=None))
    return found


def _count_troubles(
    connection: Connection,
    facility_id: str,
    ids: Sequence[str],
    *,
    since: datetime,
    until: datetime,
) -> Counter[tuple[str, str]]:
    event = DeviceEvent
    rows = connection.execute(
        select(event.kiosk_id, event.device, event.state, func.count())
        .where(
            event.facility_id == facility_id,
            event.kiosk_id.in_(ids),
            event.device.in_(("printer", "scanner")),
            event.state.not_in(WORKING),
            event.at >= since,
            event.at < until,
        )
        .group_by(event.kiosk_id, event.device, event.state)
    )
    found: Counter[tuple[str, str]] = Counter()
    for kiosk_id, _device, state, number in rows:
        found[kiosk_id, "paper" if state == PAPER_END else "fault"] += number
    return found


def _count_print_troubles(
    connection: Connection, facility_id: str, *, since: datetime, until: datetime
) -> Counter[str]:
    """How often each kiosk said that a ticket did not come, or that it cannot tell. From the audit
    trail: of a job its last state alone is kept.
    """
    event = AuditEvent
    rows = connection.execute(
        select(event.actor, event.detail).where(
            event.facility_id == facility_id,
            event.event == Event.TICKET_PRINT_TROUBLE.value,
            event.at >= since,
            event.at < until,
        )
    )
    return Counter(
        actor.removeprefix("kiosk:") for actor, detail in rows if detail["state"] in NOT_ON_PAPER
    )


def _count_help(
    connection: Connection, facility_id: str, *, since: datetime, until: datetime
) -> Counter[tuple[str, str]]:
    call = HelpCall
    rows = connection.execute(
        select(call.kiosk_id, call.kind, func.count())
        .where(
            call.facility_id == facility_id,
            call.state.in_(("waiting", "acknowledged")),
            call.created_at >= since,
            call.created_at < until,
        )
        .group_by(call.kiosk_id, call.kind)
    )
    return Counter({(kiosk_id, kind): number for kiosk_id, kind, number in rows})


def read_money(
    connection: Connection, facility_id: str, *, since: datetime, until: datetime
) -> MoneyFacts:
    """Paid by QR, as the finance office counts its cashless share."""
    payment, refund = money.Payment, money.PaymentRefund
    mine = payment.facility_id == facility_id
    qr = connection.execute(
        select(func.count(), func.sum(payment.amount_vnd)).where(
            mine,
            payment.created_at >= since - PAID_LATER,
            payment.created_at < until,
            payment.paid_at >= since,
            payment.paid_at < until,
            payment.state.in_(sorted(PAID_PAYMENTS)),
        )
    ).one()
    unpaid = connection.scalar(
        select(func.count()).where(
            mine,
            payment.created_at >= since,
            payment.created_at < until,
            payment.state.in_(UNPAID),
        )
    )
    refunds = connection.execute(
        select(func.count(), func.sum(refund.amount_vnd)).where(
            refund.facility_id == facility_id,
            refund.state == "done",
            refund.done_at >= since,
            refund.done_at < until,
        )
    ).one()
    return MoneyFacts(
        qr=int(qr[0]),
        qr_vnd=int(qr[1] or 0),
        qr_ended_unpaid=int(unpaid or 0),
        refunds=int(refunds[0]),
        refunds_vnd=int(refunds[1] or 0),
    )
