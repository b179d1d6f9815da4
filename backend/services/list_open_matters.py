"""Visits that staff have to look at: insurance to be checked, tickets that were not printed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import or_, select

from backend.services.resources import Resources
from backend.storage.insurance_tables import CoverageRecheck
from backend.storage.kiosk_tables import Kiosk
from backend.storage.number_tables import Ticket
from backend.storage.queue_tables import Step
from backend.storage.visit_tables import Visit

MAX_MATTERS = 50


@dataclass(frozen=True, kw_only=True)
class OpenMatter:
    """`not_printed`: the printer did not say that the ticket came out.

    `looked_up_again`: the insurer is still being asked; otherwise a person has to look.
    """

    number: str
    place: str
    kiosk: str | None
    provisional: bool
    looked_up_again: bool
    not_printed: bool
    created_at: datetime


def list_open_matters(resources: Resources) -> list[OpenMatter]:
    """Of today, while somebody still waits for the first step; the newest first."""
    catalogue = resources.catalogue.get()
    today = catalogue.today(resources.database.clock())
    query = (
        select(
            Ticket.number,
            Ticket.content,
            Ticket.print_state,
            Kiosk.name.label("kiosk"),
            Visit.provisional,
            Visit.created_at,
            CoverageRecheck.state.label("recheck"),
        )
        .join(Ticket, Ticket.visit_id == Visit.id)
        .join(Step, (Step.visit_id == Visit.id) & (Step.position == 0))
        .outerjoin(CoverageRecheck, CoverageRecheck.visit_id == Visit.id)
        .outerjoin(Kiosk, Kiosk.id == Visit.kiosk_id)
        .where(
            Visit.facility_id == resources.database.facility_id,
            Visit.day == today,
            Step.state == "waiting",
            or_(Visit.provisional, Ticket.print_state.in_(("failed", "unknown"))),
        )
        .order_by(Visit.created_at.desc(), Visit.id.desc())
        .limit(MAX_MATTERS)
    )
    with resources.database.read() as connection:
        rows = connection.execute(query).all()
    return [
        OpenMatter(
            number=row.number,
            place=(row.content["vi"] or row.content)["room"],
            kiosk=row.kiosk,
            provisional=row.provisional,
            looked_up_again=row.recheck == "pending",
            not_printed=row.print_state in {"failed", "unknown"},
            created_at=row.created_at,
        )
        for row in rows
    ]
