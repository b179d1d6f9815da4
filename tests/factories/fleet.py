"""What kiosks say about themselves, and what became of it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select

from backend.domain.alerts import AlertKind
from backend.storage.database import Database
from backend.storage.fleet_tables import Alert


def make_report(now: datetime, **changes: Any) -> dict[str, Any]:
    """Of a kiosk that is well, on a clock that is right."""
    return {
        "version": "1.6.0",
        "started_at": "2026-11-23T00:30:00+00:00",
        "clock": now.isoformat(),
        "machine": "m-1",
        "printer": "ready",
        "paper": "ok",
        "scanner": "ready",
        "touch": "ok",
        "last_touch_at": (now - timedelta(minutes=1)).isoformat(),
        "last_visit_at": (now - timedelta(minutes=2)).isoformat(),
        "disk_free_percent": 70.0,
        "memory_percent": 40.0,
        "process_mib": 210.0,
        "temperature_c": 52.0,
        "visits": 0,
        "errors": 0,
        "steps": [{"step": "scan", "count": 2, "p95_ms": 1200.0}],
    } | changes


def list_alerts(database: Database) -> list[tuple[AlertKind, bool]]:
    """All that were ever raised, the oldest first, and whether each stands."""
    with database.read() as connection:
        rows = connection.execute(
            select(Alert.kind, Alert.cleared_at).order_by(Alert.raised_at, Alert.id)
        ).all()
    return [(AlertKind(row.kind), row.cleared_at is None) for row in rows]
