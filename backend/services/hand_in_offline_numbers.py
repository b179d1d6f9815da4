"""Numbers a kiosk gave while the server was away become visits without a name, once each.

A number is known by letter, day and count, which its kiosk's journal owns. Handing in again
changes nothing; the same number with another key is refused and shown to staff, never merged.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from backend.domain.catalogue import Catalogue, Service
from backend.domain.ids import new_id, new_token
from backend.domain.queueing import Lane, arrival_key, format_number
from backend.domain.rooms import list_queue_rooms
from backend.domain.ticket import Language
from backend.domain.visit import PrintState, StepState, find_mark
from backend.errors import MoveNotAllowed, ServiceNotFound
from backend.events import Event
from backend.logging import log
from backend.services.grant_offline_numbers import compose_offline_ticket, find_reception
from backend.services.recognise_caller import Caller
from backend.services.resources import Resources
from backend.storage.number_tables import Number, OfflineSeries, Ticket
from backend.storage.queue_tables import Step, StepChange
from backend.storage.unit_of_work import UnitOfWork
from backend.storage.visit_tables import Visit

TRIES = 4
OLDEST = timedelta(days=7)
CLOCKS_DIFFER = timedelta(minutes=5)
UNSURE = "unsure"
"""The kind of visit of somebody nobody has asked yet."""


@dataclass(frozen=True, kw_only=True)
class OfflineNumber:
    """`key` names the wish of the patient; `taken_at` is the kiosk's clock."""

    key: str
    number: int
    taken_at: datetime
    priority: bool
    language: Language
    print_state: PrintState


def hand_in_offline_numbers(
    resources: Resources, *, journal_id: str, numbers: Sequence[OfflineNumber], kiosk: Caller
) -> list[str]:
    """The keys that are safe here now, those of an earlier time included.

    What is left out could not be taken in: too old, from the future, or its number belongs to
    another key; that is logged for staff. Raises MoveNotAllowed when the journal has no letter,
    ServiceNotFound when there is no reception any more, StorageUnavailable.
    """
    catalogue = resources.catalogue.get()
    service = find_reception(catalogue)
    if service is None:
        raise ServiceNotFound
    for _ in range(TRIES):
        try:
            return resources.database.transact(
                lambda unit: _take_in(unit, catalogue, service, journal_id, numbers, kiosk)
            )
        except IntegrityError:
            continue  # the same numbers arrive twice at this very moment
    raise MoveNotAllowed("These numbers are being handed in by somebody else")


def _take_in(
    unit: UnitOfWork,
    catalogue: Catalogue,
    service: Service,
    journal_id: str,
    numbers: Sequence[OfflineNumber],
    kiosk: Caller,
) -> list[str]:
    letter = unit.connection.scalar(
        select(OfflineSeries.letter)
        .where(
            OfflineSeries.facility_id == unit.facility_id,
            OfflineSeries.journal_id == journal_id,
            OfflineSeries.kiosk_id == kiosk.id,
        )
        .with_for_update()
    )
    if letter is None:
        raise MoveNotAllowed("This journal was given no letter")
    known = _find_known(unit, letter)
    safe, visits = [], []
    for number in numbers:
        day = catalogue.today(number.taken_at)
        there = known.get((day, number.number))
        if there is not None:
            if there == number.key:
                safe.append(number.key)
            else:
                log(Event.OFFLINE_NUMBERS_HANDED_IN, kiosk=kiosk.id, code="number_taken")
            continue
        if not unit.now - OLDEST <= number.taken_at <= unit.now + CLOCKS_DIFFER:
            log(Event.OFFLINE_NUMBERS_HANDED_IN, kiosk=kiosk.id, code="time_impossible")
            continue
        known[day, number.number] = number.key
        visits.append(_insert(unit, catalogue, service, letter, number, kiosk))
        safe.append(number.key)
    if visits:
        _tell(unit, catalogue, service, visits, kiosk)
    return safe


def _find_known(unit: UnitOfWork, letter: str) -> dict[tuple[Any, int], str]:
    """Day and count → key, of everything this letter gave lately."""
    rows = unit.connection.execute(
        select(Number.day, Number.number, Visit.scan_id)
        .join(Visit, Visit.id == Number.visit_id)
        .where(
            Number.facility_id == unit.facility_id,
            Number.letter == letter,
            Number.day >= (unit.now - OLDEST - timedelta(days=1)).date(),
        )
    )
    return {(row.day, row.number): row.scan_id for row in rows}


def _insert(
    unit: UnitOfWork,
    catalogue: Catalogue,
    service: Service,
    letter: str,
    number: OfflineNumber,
    kiosk: Caller,
) -> str:
    """A visit of nobody yet, waiting at reception since its number was taken."""
    visit_id, step_id = new_id(), new_id()
    day = catalogue.today(number.taken_at)
    lane = Lane.PRIORITY if number.priority else Lane.NORMAL
    printed = format_number(letter, number.number)
    unit.add(
        Visit,
        id=visit_id,
        person_id=None,
        day=day,
        kind=UNSURE,
        lane=lane.value,
        priority_group=None,
        priority_declared=number.priority,
        provisional=False,
        verified=True,
        known_to_his=False,
        use_insurance=False,
        coverage_outcome=None,
        coverage_code=None,
        papers={},
        sealed_on_behalf=None,
        language=number.language,
        kiosk_id=kiosk.id,
        scan_id=number.key,
        appointment_ref=None,
        changes=0,
        phone_hash=None,
        handed_in_at=unit.now,
        created_at=number.taken_at,
    )
    unit.add(
        Step,
        id=step_id,
        visit_id=visit_id,
        person_id=None,
        day=day,
        position=0,
        kind=service.kind,
        service_id=service.id,
        room_id=None,
        practitioner_id=None,
        slot_id=None,
        queue_id=service.id,
        lane=lane.value,
        queue_key_at=arrival_key(
            lane, now=number.taken_at, slot_start=None, settings=catalogue.settings
        ),
        quota_scopes=[],
        state=StepState.WAITING.value,
        hold_reason=None,
        state_at=number.taken_at,
        wait_low_min=None,
        wait_high_min=None,
    )
    unit.add(
        StepChange,
        id=new_id(),
        visit_id=visit_id,
        step_id=step_id,
        mark=find_mark(service.kind, None, StepState.WAITING, first=True),
        from_state=None,
        to_state=StepState.WAITING.value,
        at=number.taken_at,
        source="kiosk",
        reason="offline",
        room_id=None,
    )
    unit.add(
        Number,
        letter=letter,
        day=day,
        number=number.number,
        visit_id=visit_id,
        reason=None,
    )
    unit.add(
        Ticket,
        id=new_id(),
        visit_id=visit_id,
        day=day,
        number=printed,
        token=new_token(),
        content=compose_offline_ticket(
            catalogue, service, number=printed, at=number.taken_at, language=number.language
        ),
        print_state=number.print_state.value,
        issued_at=number.taken_at,
    )
    return visit_id


def _tell(
    unit: UnitOfWork, catalogue: Catalogue, service: Service, visits: list[str], kiosk: Caller
) -> None:
    subject = f"kiosk:{kiosk.id}"
    unit.audit(
        Event.OFFLINE_NUMBERS_HANDED_IN,
        actor=kiosk.actor,
        subject=subject,
        detail={"visits": visits},
    )
    unit.publish(
        Event.OFFLINE_NUMBERS_HANDED_IN,
        subject=subject,
        detail={
            "visits": visits,
            "queues": [service.id],
            "rooms": list(list_queue_rooms(catalogue, service.id)),
        },
    )
