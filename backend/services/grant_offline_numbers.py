"""What a kiosk needs to give reception numbers while its server is away.

The letter belongs to the journal the kiosk keeps, not to the kiosk: a new disk is a new journal
and gets a new letter, so that no number can be given twice.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from backend.domain.catalogue import Catalogue, Service
from backend.domain.offline_numbers import find_free_letter
from backend.domain.placement import Place
from backend.domain.ticket import Language, Note, TicketFacts, compose_ticket
from backend.domain.visit import StepKind
from backend.errors import ChangedMeanwhile
from backend.events import Event
from backend.services.recognise_caller import Caller
from backend.services.resources import Resources
from backend.storage.number_tables import OfflineSeries
from backend.storage.unit_of_work import UnitOfWork

TRIES = 8
LANGUAGES: tuple[Language, ...] = ("vi", "en")


@dataclass(frozen=True, kw_only=True)
class OfflineGrant:
    """`tickets` is what is printed, by language; number and time are the kiosk's to fill in."""

    letter: str
    per_hour: int
    tickets: dict[Language, dict[str, Any]]


def grant_offline_numbers(
    resources: Resources, *, journal_id: str, kiosk: Caller
) -> OfflineGrant | None:
    """None where this is switched off, there is no reception, or all letters are given away; and
    in a lesson, whose papers must never look like real ones.

    Raises ChangedMeanwhile when the journal is another kiosk's, StorageUnavailable.
    """
    catalogue = resources.catalogue.get()
    service, per_hour = find_reception(catalogue), catalogue.settings.offline_numbers_per_hour
    if service is None or per_hour <= 0 or catalogue.practice:
        return None
    letter = _letter_of(resources, journal_id, kiosk)
    if letter is None:
        return None
    now = resources.database.clock()
    tickets = {
        language: compose_offline_ticket(catalogue, service, number="", at=now, language=language)
        for language in LANGUAGES
    }
    return OfflineGrant(letter=letter, per_hour=per_hour, tickets=tickets)


def find_reception(catalogue: Catalogue) -> Service | None:
    """Where people without a name yet are received; the first by code."""
    desks = [
        service
        for service in catalogue.every_service.values()
        if service.kind == StepKind.RECEPTION and service.pooled and service.room_ids
    ]
    return min(desks, key=lambda service: service.code, default=None)


def _letter_of(resources: Resources, journal_id: str, kiosk: Caller) -> str | None:
    for _ in range(TRIES):
        try:
            return resources.database.transact(lambda unit: _find_or_take(unit, journal_id, kiosk))
        except IntegrityError:
            continue  # another kiosk took that letter at this very moment
    return None


def _find_or_take(unit: UnitOfWork, journal_id: str, kiosk: Caller) -> str | None:
    rows = unit.connection.execute(
        select(OfflineSeries.letter, OfflineSeries.journal_id, OfflineSeries.kiosk_id).where(
            OfflineSeries.facility_id == unit.facility_id
        )
    ).all()
    mine = next((row for row in rows if row.journal_id == journal_id), None)
    if mine is not None:
        if mine.kiosk_id != kiosk.id:
            raise ChangedMeanwhile("That journal is another kiosk's")
        return str(mine.letter)
    letter = find_free_letter({row.letter for row in rows})
    if letter is not None:
        unit.add(
            OfflineSeries,
            letter=letter,
            kiosk_id=kiosk.id,
            journal_id=journal_id,
            granted_at=unit.now,
        )
        unit.audit(
            Event.OFFLINE_LETTER_GRANTED,
            actor=kiosk.actor,
            subject=f"kiosk:{kiosk.id}",
            detail={"letter": letter},
        )
    return letter


def compose_offline_ticket(
    catalogue: Catalogue, service: Service, *, number: str, at: datetime, language: Language
) -> dict[str, Any]:
    """The paper of a reception number: no code on it, because no server knows it yet."""
    facts = TicketFacts(
        number=number,
        issued_at=at,
        places=[Place(service=service, room=None, practitioner=None, limits=())],
        wait_min=None,
        notes=[Note.NAME_AT_DESK],
        token="",
        language=language,
    )
    return compose_ticket(facts, catalogue, public_base=None)
