"""Numbers as rows: ours from a series, or one the HIS gave, each once a day."""

from __future__ import annotations

from datetime import date

from sqlalchemy import case, func, update

from backend.storage.number_tables import Number, Series
from backend.storage.queue_tables import Step
from backend.storage.unit_of_work import UnitOfWork
from backend.storage.visit_tables import Person
from backend.storage.visit_tables import Visit as VisitRow
from his_adapter.models import Visit, VisitTicket


def add_number(unit: UnitOfWork, letter: str, number: int, *, day: date, visit_id: str) -> None:
    unit.add(Number, letter=letter, day=day, number=number, visit_id=visit_id, reason=None)


def claim_number(unit: UnitOfWork, letter: str, number: int, *, day: date, visit_id: str) -> bool:
    """False when somebody holds this number today. The visit's row is written.

    A series of ours with that letter goes on behind it, should we number ourselves again today.
    """
    row = {
        "facility_id": unit.facility_id,
        "letter": letter,
        "day": day,
        "number": number,
        "visit_id": visit_id,
    }
    claimed = unit.insert_into(Number).values(row).on_conflict_do_nothing()
    if unit.connection.execute(claimed).rowcount != 1:
        return False
    series = unit.insert_into(Series).values(
        facility_id=unit.facility_id, letter=letter, day=day, last=number
    )
    unit.connection.execute(
        series.on_conflict_do_update(
            index_elements=["facility_id", "letter", "day"],
            set_={"last": case((Series.last < number, number), else_=Series.last)},
        )
    )
    return True


def keep_his_visit(unit: UnitOfWork, visit: Visit, *, visit_id: str, step_id: str) -> VisitTicket:
    """What the HIS made of the check-in, beside ours."""
    unit.connection.execute(update(Step).where(Step.id == step_id).values(his_ref=visit.ref))
    kept = (
        update(VisitRow)
        .where(VisitRow.id == visit_id)
        .values(
            known_to_his=True,
            his_number=f"{visit.ticket.prefix}{visit.ticket.number}",
            his_record_code=visit.record_code,
        )
        .returning(VisitRow.person_id)
    )
    person_id = unit.connection.execute(kept).scalar_one()
    unit.connection.execute(
        update(Person)
        .where(Person.id == person_id)
        .values(his_ref=func.coalesce(Person.his_ref, visit.patient))
    )
    return visit.ticket
