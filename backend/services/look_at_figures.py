"""Figures that processes handed in, as `/metrics` shows them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import Row, select

from backend.services.resources import Resources
from backend.services.show_alerts import ShownChannel, list_channels
from backend.storage.alert_tables import JobFigure, ProcessFigure, RequestFigure
from backend.storage.database import Database

AT_WORK = timedelta(minutes=1)
"""A process that was not heard of for so long is gone."""


def list_request_figures(database: Database) -> Sequence[Row[Any]]:
    return _list(
        database,
        select(RequestFigure.__table__)
        .where(RequestFigure.facility_id == database.facility_id)
        .order_by(RequestFigure.route, RequestFigure.method, RequestFigure.status),
    )


def list_job_figures(database: Database) -> Sequence[Row[Any]]:
    return _list(
        database,
        select(JobFigure.__table__)
        .where(JobFigure.facility_id == database.facility_id)
        .order_by(JobFigure.job),
    )


def list_process_figures(database: Database) -> Sequence[Row[Any]]:
    """Those that are at work."""
    return _list(
        database,
        select(ProcessFigure.__table__).where(
            ProcessFigure.facility_id == database.facility_id,
            ProcessFigure.seen_at > database.clock() - AT_WORK,
        ),
    )


def count_untold(resources: Resources) -> Sequence[ShownChannel]:
    """How the channels of alerts are."""
    with resources.database.read() as connection:
        return list_channels(
            connection,
            [channel.name for channel in resources.config.alert_channels],
            facility_id=resources.database.facility_id,
        )


def _list(database: Database, query: Any) -> Sequence[Row[Any]]:
    with database.read() as connection:
        return connection.execute(query).all()
