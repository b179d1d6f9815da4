"""Staff go on where a kiosk gave up: the call is answered, and its scan becomes theirs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import select, update

from backend.errors import ChangedMeanwhile, HelpCallNotFound
from backend.events import Event
from backend.services.identify_patient import Identification, show_scan
from backend.services.recognise_caller import Caller
from backend.services.resources import Resources
from backend.storage.kiosk_tables import HelpCall
from backend.storage.unit_of_work import UnitOfWork
from backend.storage.visit_tables import Scan


@dataclass(frozen=True, kw_only=True)
class Continued:
    """`scan` is None when nobody was scanned yet, or it was too long ago: scan again."""

    screen: str
    visit_id: str | None
    chosen: dict[str, Any]
    scan: Identification | None


def continue_call(resources: Resources, call_id: str, *, staff: Caller) -> Continued:
    """What the kiosk knew, for staff to go on with. Pressing twice gives the same again.

    Raises HelpCallNotFound; ChangedMeanwhile when somebody else has taken it over.
    """

    def take_over(unit: UnitOfWork) -> tuple[Any, str | None]:
        call = unit.connection.execute(
            select(HelpCall.__table__)
            .where(HelpCall.id == call_id, HelpCall.facility_id == unit.facility_id)
            .with_for_update()
        ).one_or_none()
        if call is None:
            raise HelpCallNotFound
        if call.state == "waiting":
            _acknowledge(unit, call_id, staff)
        return call, _take_scan(unit, resources, call, staff) if call.scan_id else None

    call, scan_id = resources.database.transact(take_over)
    return Continued(
        screen=call.screen,
        visit_id=call.visit_id,
        chosen=call.chosen or {},
        scan=show_scan(resources, staff, scan_id) if scan_id else None,
    )


def _acknowledge(unit: UnitOfWork, call_id: str, staff: Caller) -> None:
    unit.connection.execute(
        update(HelpCall)
        .where(HelpCall.id == call_id)
        .values(state="acknowledged", acknowledged_at=unit.now, acknowledged_by=staff.name)
    )
    subject = f"help_call:{call_id}"
    unit.audit(Event.HELP_ACKNOWLEDGED, actor=staff.actor, subject=subject)
    unit.publish(Event.HELP_ACKNOWLEDGED, subject=subject)


def _take_scan(unit: UnitOfWork, resources: Resources, call: Any, staff: Caller) -> str | None:
    """The scan, bound to this member of staff from here on; None when it has expired.

    Only a scan of the kiosk that called: the id came from outside.
    """
    scan = unit.connection.execute(
        select(Scan.id, Scan.kiosk_id, Scan.expires_at)
        .where(
            Scan.id == call.scan_id,
            Scan.facility_id == unit.facility_id,
            Scan.expires_at > unit.now,
        )
        .with_for_update()
    ).one_or_none()
    if scan is None:
        return None
    if scan.kiosk_id == staff.id:
        return str(scan.id)
    if scan.kiosk_id != call.kiosk_id:
        raise ChangedMeanwhile
    lifetime = timedelta(seconds=resources.config.scan_lifetime_s)
    unit.connection.execute(
        update(Scan)
        .where(Scan.id == scan.id)
        .values(kiosk_id=staff.id, expires_at=max(scan.expires_at, unit.now + lifetime))
    )
    unit.audit(
        Event.SCAN_TAKEN_OVER,
        actor=staff.actor,
        subject=f"scan:{scan.id}",
        detail={"help_call": call.id, "kiosk": call.kiosk_id},
    )
    return str(scan.id)
