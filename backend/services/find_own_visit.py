"""The visit of the person who stands here: proven by a fresh scan of their card or ticket."""

from __future__ import annotations

from backend.domain.catalogue import Catalogue
from backend.domain.scan import ScanContent
from backend.errors import VisitNotFound
from backend.services.recognise_caller import Caller
from backend.services.resources import Resources
from backend.storage.repositories import StoredVisit, find_person, get_scan, lock_visit
from backend.storage.unit_of_work import UnitOfWork


def lock_own_visit(
    resources: Resources,
    catalogue: Catalogue,
    visit_id: str,
    *,
    scan_id: str,
    kiosk: Caller,
    unit: UnitOfWork,
) -> tuple[StoredVisit, ScanContent]:
    """Today's visit, held until the transaction ends.

    Raises ScanExpired; VisitNotFound also when the scan is of somebody else, so that nobody
    learns of a visit that is not theirs.
    """
    scan = get_scan(unit.connection, resources.keys, scan_id, kiosk_id=kiosk.id, now=unit.now)
    stored = lock_visit(unit, visit_id)
    today = catalogue.today(unit.now)
    if stored.visit.day != today:
        raise VisitNotFound
    if scan.visit_id == visit_id:
        return stored, scan
    if scan.person is not None:
        person = find_person(
            unit.connection, resources.keys, scan.person, facility_id=unit.facility_id, day=today
        )
        if person.id is not None and person.id == stored.visit.person_id:
            return stored, scan
    raise VisitNotFound
