"""What the HIS has of one visit, for the desk: asked now, or from a dated copy where that may be."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy import select

from backend.domain.ages import DataKind, Source, may_show, tell_age
from backend.domain.catalogue import Catalogue
from backend.errors import VisitNotFound
from backend.events import Event
from backend.services.ask_his_facts import READERS, Question
from backend.services.remote_party import NoAnswer, PendingAnswer
from backend.services.resources import Resources
from backend.storage.his_copies import list_copies, save_copy
from backend.storage.queue_tables import Step
from backend.storage.visit_tables import Person, Visit
from his_adapter.errors import HisError
from his_adapter.models import Ref

WAIT_S = 2.0

Facts = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class ShownKind:
    """`age` is the time of a copy in words; empty for what was asked just now."""

    kind: DataKind
    source: Source
    facts: Facts
    at: datetime | None
    age: str


def show_his_data(resources: Resources, visit_id: str, *, actor: str) -> Sequence[ShownKind]:
    """All seven kinds; none when the HIS does not know this person yet. Who read is on record.

    Raises VisitNotFound, StorageUnavailable.
    """
    catalogue = resources.catalogue.get()
    now = resources.database.clock()
    asked = _make_question(resources, catalogue, visit_id, now=now)
    if asked is None:
        return []
    answers = _ask_all(resources, catalogue, asked)
    with resources.database.write() as unit:
        for kind, facts in answers.items():
            save_copy(unit, resources.keys, visit_id, kind, facts)
        unit.audit(
            Event.PERSON_READ, actor=actor, subject=f"visit:{visit_id}", detail={"why": "his"}
        )
    with resources.database.read() as connection:
        copies = list_copies(connection, resources.keys, visit_id)
    shown = []
    for kind, reader in READERS.items():
        copy, kept = copies.get(kind, (None, {}))
        if not all(catalogue.his_can(feature) for feature in reader.needs):
            source, facts, at = Source.NOT_OFFERED, {}, None
        elif kind in answers:
            source, facts, at = Source.LIVE, answers[kind], now
        elif copy is not None and may_show(kind, copy, now=now):
            source, facts, at = Source.COPY, kept, copy.fetched_at
        else:
            source, facts, at = Source.SILENT, {}, None
        age = ""
        if source is Source.COPY and at is not None:
            age = tell_age(at, now=now, zone=catalogue.zone)
        shown.append(ShownKind(kind=kind, source=source, facts=facts, at=at, age=age))
    return shown


def _make_question(
    resources: Resources, catalogue: Catalogue, visit_id: str, *, now: datetime
) -> Question | None:
    visit, person, step = Visit, Person, Step
    with resources.database.read() as connection:
        row = connection.execute(
            select(visit.id, person.his_ref)
            .outerjoin(person, person.id == visit.person_id)
            .where(visit.id == visit_id, visit.facility_id == resources.database.facility_id)
        ).one_or_none()
        if row is None:
            raise VisitNotFound
        ref = connection.scalar(
            select(step.his_ref)
            .where(step.visit_id == visit_id, step.his_ref.is_not(None))
            .order_by(step.position)
            .limit(1)
        )
    if row.his_ref is None:
        return None
    return Question(
        patient=Ref(row.his_ref), visit=Ref(ref) if ref else None, now=now, zone=catalogue.zone
    )


def _ask_all(resources: Resources, catalogue: Catalogue, asked: Question) -> dict[DataKind, Facts]:
    """The answers that came in time, all asked at once."""
    pending: dict[DataKind, PendingAnswer[Facts]] = {}
    for kind, reader in READERS.items():
        if all(catalogue.his_can(feature) for feature in reader.needs):
            pending[kind] = resources.his_party.ask(partial(reader.read, resources.his, asked))
    until_s = time.monotonic() + WAIT_S
    answers = {}
    for kind, answer in pending.items():
        try:
            answers[kind] = answer.wait(until_s - time.monotonic())
        except (NoAnswer, HisError):
            continue  # shown as silent, or from the copy
    return answers
