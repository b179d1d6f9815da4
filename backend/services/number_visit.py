"""Where the HIS numbers its patients: its check-in is asked for before ours is written.

Asked outside any transaction and waited for a moment only. What it answers later, or to a wish
that came to nothing, is settled by the outbox: both sides know the check-in by one key, made of
the caller's intent, so that a wish that is repeated is the same check-in.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace

from sqlalchemy import select

from backend.domain.catalogue import Catalogue, Service
from backend.domain.numbering import Numbering
from backend.domain.scan import PersonFacts, ScanContent
from backend.errors import BackendError
from backend.events import Event
from backend.logging import log
from backend.services.deliveries import RELEASE_NUMBER
from backend.services.deliveries.check_in import find_patient, make_draft
from backend.services.recognise_caller import Caller
from backend.services.remote_party import NoAnswer, PendingAnswer
from backend.services.resources import Resources
from backend.services.start_visit import (
    CREATED,
    HisCheckIn,
    VisitWish,
    check_wish,
    start_visit,
)
from backend.storage.database import Database
from backend.storage.repositories import Answer, Intent, find_person, get_scan
from backend.storage.request_tables import IdempotencyKey
from his_adapter.errors import Duplicate, HisError, NotSupported
from his_adapter.models import CheckIn, Feature, Ref, Visit, VisitStatus, WriteKey

WAIT_AFTER_SILENCE_S = 0.5


def number_visit(resources: Resources, wish: VisitWish, *, kiosk: Caller, intent: Intent) -> Answer:
    """`start_visit`, after the HIS was asked for its number where it is the one that counts.

    Raises what `start_visit` raises.
    """
    asked = ask_his_number(resources, resources.catalogue.get(), wish, kiosk=kiosk, intent=intent)
    if asked is None:
        return start_visit(resources, wish, kiosk=kiosk, intent=intent)
    try:
        answer = start_visit(resources, wish, kiosk=kiosk, intent=intent, asked=asked.check_in)
    except BackendError:
        _settle(resources, asked)
        raise
    if answer.status != CREATED:
        _settle(resources, asked)
    return answer


@dataclass(frozen=True, kw_only=True)
class AskedNumber:
    check_in: HisCheckIn
    pending: PendingAnswer[Visit]


def ask_his_number(
    resources: Resources, catalogue: Catalogue, wish: VisitWish, *, kiosk: Caller, intent: Intent
) -> AskedNumber | None:
    """None where we number ourselves, and where the HIS cannot be asked for this wish.

    Raises what `start_visit` raises for a wish that cannot be granted.
    """
    settings = catalogue.settings
    # A HIS that cannot say afterwards whether a check-in arrived would be asked for it twice.
    can_number = all(map(catalogue.his_can, (Feature.CHECK_IN, Feature.FIND_BY_KEY)))
    if settings.numbering != Numbering.HIS or not can_number:
        return None
    if wish.slot_id is not None:
        return None  # the hour has to be booked first: the outbox does both
    scan = _look(resources, catalogue, wish, kiosk=kiosk, intent=intent)
    if scan is None or scan.person is None:
        return None
    key = make_key(resources.database, intent)
    person, service = scan.person, catalogue.get_service(wish.service_id)
    request = _make_request(catalogue, wish, service)
    pending = resources.his_party.ask(lambda: _check_in(resources, person, request, key=key))
    try:
        visit = pending.wait(_find_wait_s(settings.numbering_wait_s, scan))
    except NoAnswer:
        visit = None
    except HisError as error:
        log(Event.HIS_NUMBER_REFUSED, code=error.code)
        visit = None
    if visit is not None and visit.status is not VisitStatus.ARRIVED:
        visit = None  # an earlier try of this wish, taken back since
    return AskedNumber(check_in=HisCheckIn(key=key, visit=visit), pending=pending)


def _find_wait_s(most_s: float, scan: ScanContent) -> float:
    """Who has waited for this HIS once, at the scan, does not wait a second time as long."""
    return most_s if scan.known_to_his else min(most_s, WAIT_AFTER_SILENCE_S)


def make_key(database: Database, intent: Intent) -> WriteKey:
    """The same wish of the same caller is the same check-in, however often it is sent."""
    text = f"{database.facility_id}|{intent.caller}|{intent.key}|{intent.body_hash}"
    return WriteKey(f"n-{hashlib.sha256(text.encode()).hexdigest()[:40]}")


def _settle(resources: Resources, asked: AskedNumber) -> None:
    """Takes the HIS's check-in back: no visit came of it. Now, and when it answers at last."""
    key = asked.check_in.key
    _give_back(resources.database, key)
    if asked.check_in.visit is None:
        asked.pending.when_late(lambda _: _give_back(resources.database, key))


def _give_back(database: Database, key: str) -> None:
    with database.write() as unit:
        unit.enqueue(RELEASE_NUMBER, lane=key, payload={"key": key})


def _look(
    resources: Resources, catalogue: Catalogue, wish: VisitWish, *, kiosk: Caller, intent: Intent
) -> ScanContent | None:
    """Whether asking makes sense: not for a wish that was answered, or somebody who has a number."""
    now = resources.database.clock()
    answered = select(IdempotencyKey.key).where(
        IdempotencyKey.caller == intent.caller, IdempotencyKey.key == intent.key
    )
    with resources.database.read() as connection:
        if connection.execute(answered).first() is not None:
            return None
        scan = get_scan(connection, resources.keys, wish.scan_id, kiosk_id=kiosk.id, now=now)
        if scan.person is None:
            return None
        today = catalogue.today(now)
        known = find_person(
            connection,
            resources.keys,
            scan.person,
            facility_id=resources.database.facility_id,
            day=today,
        )
    if {wish.service_id, wish.also_service_id} & known.open_visits.keys():
        return None
    check_wish(catalogue, wish, scan.person, now=now)
    return scan


def _make_request(catalogue: Catalogue, wish: VisitWish, service: Service) -> CheckIn:
    """Without a patient yet. Says nothing that is decided only afterwards: the room, our number."""
    practitioner = catalogue.practitioners.get(wish.practitioner_id or "")
    return CheckIn(
        patient=Ref(""),
        appointment=Ref(wish.appointment_ref) if wish.appointment_ref else None,
        service=Ref(service.his_ref),
        practitioner=Ref(practitioner.his_ref) if practitioner else None,
        visit_kind=wish.visit_kind,
    )


def _check_in(
    resources: Resources, person: PersonFacts, request: CheckIn, *, key: WriteKey
) -> Visit:
    ref = Ref(person.his_ref) if person.his_ref else find_patient(resources, person)
    draft = make_draft(person)
    if ref is None:
        try:
            ref = resources.his.create_patient(draft, key=WriteKey(f"{key}.patient")).ref
        except NotSupported:
            ref = Ref("")  # this HIS takes new people with their first visit
        except Duplicate as error:
            ref = Ref(error.existing)
    told = draft if resources.his_wants_person or not ref else None
    return resources.his.check_in(replace(request, patient=ref, person=told), key=key)
