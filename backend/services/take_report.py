"""A kiosk says that it is alive, and how it is: twice a minute. It hears what it shall be and do.

The newest report is kept, what turned is told, and the figures of each hour are laid down once
the hour is over. Three statements a beat: sixty kiosks must cost next to nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, select, update

from backend.domain.kiosk_health import HourFigures, Notes, count_new, hour_of, is_silent
from backend.services.judge_kiosk import end_absence, judge_kiosk
from backend.services.order_kiosk import Orders, hand_out_orders
from backend.services.record_device_event import keep_device_state
from backend.storage.database import Database
from backend.storage.fleet_tables import KioskHour
from backend.storage.kiosk_tables import Heartbeat
from backend.storage.unit_of_work import UnitOfWork

_MOMENTS = ("last_touch_at", "last_visit_at")
"""`started_at` stays as the kiosk said it: it only tells one process from the next."""
_TOUCH = {"ok": "ready", "absent": "absent", "suspect": "error"}

# Built once: a beat costs next to nothing, and building them would be half of it.
_KNOWN = (
    select(Heartbeat.at, Heartbeat.report, Heartbeat.notes)
    .where(Heartbeat.kiosk_id == bindparam("of_kiosk"))
    .with_for_update()
)
_BEAT = (
    update(Heartbeat)
    .where(Heartbeat.kiosk_id == bindparam("of_kiosk"))
    .values(at=bindparam("at"), report=bindparam("report"), notes=bindparam("notes"))
)


def take_report(
    database: Database,
    *,
    kiosk_id: str,
    report: Mapping[str, Any] | None = None,
    token_hash: str | None = None,
) -> Orders:
    """`report` is a KioskReport as JSON; without one it is alive and says nothing more.

    Raises LoginRequired when the kiosk was revoked, or `token_hash` is no longer its credential.
    """

    def take(unit: UnitOfWork) -> Orders:
        known = unit.connection.execute(_KNOWN, {"of_kiosk": kiosk_id}).one_or_none()
        # After the lock: who revokes it at this moment has done so, or waits and clears.
        orders = hand_out_orders(unit, kiosk_id, token_hash=token_hash)
        before: Mapping[str, Any] = known.report if known else {}
        notes = Notes.from_json(known.notes if known else {})
        kept = before
        if report is not None:
            kept = _as_kept(report, before, now=unit.now)
            _keep_devices(unit, kiosk_id, before, kept)
            notes = _note(unit, kiosk_id, notes, before, {**report, **kept})
        notes = judge_kiosk(unit, kiosk_id, kept, notes)
        beat = {"at": unit.now, "report": dict(kept), "notes": notes.to_json()}
        if known is not None:
            unit.connection.execute(_BEAT, {"of_kiosk": kiosk_id, **beat})
        else:
            unit.connection.execute(
                unit.insert_into(Heartbeat)
                .values(kiosk_id=kiosk_id, facility_id=unit.facility_id, **beat)
                .on_conflict_do_update(index_elements=[Heartbeat.kiosk_id], set_=beat)
            )
        if known is not None and is_silent(known.at, now=unit.now):
            end_absence(unit, kiosk_id)
        return orders

    return database.transact(take)


def _as_kept(
    report: Mapping[str, Any], before: Mapping[str, Any], *, now: datetime
) -> dict[str, Any]:
    """Without the kiosk's clock: what it says of times is told in the server's own."""
    clock = datetime.fromisoformat(report["clock"])
    told = {name: value for name, value in report.items() if value is not None}
    told |= {
        name: _at_server(report[name], clock, now).isoformat()
        for name in _MOMENTS
        if report.get(name) is not None
    }
    if "camera" in before and "camera_frame_age_ms" not in told:
        told["camera"] = before["camera"]  # only device events tell of it
    return told


def _at_server(moment: str, clock: datetime, now: datetime) -> datetime:
    """What lies ahead is now."""
    age = clock - datetime.fromisoformat(moment)
    bounded = min(max(age, timedelta(0)), timedelta(days=3650))
    return (now - bounded).replace(microsecond=0)


def _note(
    unit: UnitOfWork,
    kiosk_id: str,
    notes: Notes,
    before: Mapping[str, Any],
    report: Mapping[str, Any],
) -> Notes:
    skew_s = (datetime.fromisoformat(report["clock"]) - unit.now).total_seconds()
    machines = notes.machines.hear(report["machine"], now=unit.now)
    # Counts of two machines in turn would begin anew at every beat.
    two = machines.are_two(now=unit.now)
    hour = notes.hour
    if hour is not None and hour.hour != hour_of(unit.now):
        _keep_hour(unit, kiosk_id, hour)
        hour = None
    hour = hour or HourFigures(hour=hour_of(unit.now))
    return replace(
        notes,
        machines=machines,
        skew_s=skew_s,
        reported_at=unit.now,
        hour=hour.add(
            report,
            visits=0 if two else count_new(before, report, "visits"),
            errors=0 if two else count_new(before, report, "errors"),
            skew_s=skew_s,
        ),
    )


def _keep_hour(unit: UnitOfWork, kiosk_id: str, hour: HourFigures) -> None:
    """A clock of the server that was set back would bring an hour twice: the first one stays."""
    row = unit.insert_into(KioskHour).values(
        kiosk_id=kiosk_id, facility_id=unit.facility_id, **asdict(hour)
    )
    unit.connection.execute(row.on_conflict_do_nothing())


def _keep_devices(
    unit: UnitOfWork, kiosk_id: str, before: Mapping[str, Any], report: Mapping[str, Any]
) -> None:
    """What changed since the beat before goes into the history of devices as well."""
    for device, state in (
        ("printer", report.get("printer")),
        ("scanner", report.get("scanner")),
        ("touch", _TOUCH.get(report.get("touch", ""))),
    ):
        told_before = before.get(device)
        was = _TOUCH.get(told_before or "") if device == "touch" else told_before
        if state is not None and state != was:
            keep_device_state(unit, kiosk_id, device=device, state=state, reason=None)
