"""Two records of one person become one: the keys of both lead to the kept one from here on.

Asked twice: without `confirmed` it only says what would happen. Whoever has two open steps for
one service keeps the one that is further on; the other number stays given and says why it ended.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import delete, func, select, update

from backend.domain.catalogue import Catalogue
from backend.domain.outbox import MessageState
from backend.domain.scan import PersonFacts
from backend.domain.visit import OPEN_STATES, StepState
from backend.errors import DifferentPeople, SamePerson, VisitNotFound
from backend.events import Event
from backend.services.answer_once import answer_once
from backend.services.decide_at_desk import (
    check_seen,
    lock_visit_of_today,
    raise_version,
    where_visit_is,
)
from backend.services.deliveries import CANCEL_VISIT, MERGE_PATIENTS
from backend.services.deliveries.merge_patients import make_payload
from backend.services.go_on import open_next_step
from backend.services.keep_act import Act
from backend.services.recognise_caller import Caller
from backend.services.resources import Resources
from backend.storage.number_tables import Ticket
from backend.storage.outbox_tables import OutboxMessage
from backend.storage.queue_tables import Step
from backend.storage.queues import get_steps, lock_queues
from backend.storage.repositories import Answer, Intent, StoredVisit, get_person
from backend.storage.unit_of_work import UnitOfWork
from backend.storage.visit_tables import Person, PersonKey, Visit

REASON = "merged"
_FURTHER = (
    StepState.SERVING, StepState.CALLED, StepState.WAITING, StepState.HOLD, StepState.MISSED,
)  # fmt: skip
_CERTAIN_NUMBERS = ("id12", "passport")


@dataclass(frozen=True, kw_only=True)
class SeenVisit:
    """A visit as the page showed it; it stands for its person."""

    visit_id: str
    version: int


@dataclass(frozen=True, kw_only=True)
class MergeWish:
    keep: SeenVisit
    other: SeenVisit
    confirmed: bool


def merge_people(resources: Resources, wish: MergeWish, *, staff: Caller, intent: Intent) -> Answer:
    """200 with `{merged, cancelled, same_name, same_birth_date}`; `cancelled` are the numbers
    whose step ends, or would end.

    Raises VisitNotFound, ChangedMeanwhile, SamePerson; DifferentPeople when both have a personal
    number or passport and these differ; MoveNotAllowed while both are being served.
    """
    catalogue = resources.catalogue.get()

    def work(unit: UnitOfWork) -> Answer:
        pair = _Pair(resources, catalogue, unit, wish)
        ending = pair.list_ending()
        if wish.confirmed:
            pair.merge(ending, staff=staff)
        reply = {
            "merged": wish.confirmed,
            "cancelled": sorted(step.number for step in ending),
            "same_name": pair.kept.name_key == pair.other.name_key,
            "same_birth_date": pair.kept.birth_date == pair.other.birth_date,
        }
        for visit in (wish.keep, wish.other):
            subject = f"visit:{visit.visit_id}"
            detail = {"why": "merge"}
            unit.audit(Event.PERSON_READ, actor=staff.actor, subject=subject, detail=detail)
        unit.flush()
        return Answer(status=200, body=json.dumps(reply))

    return answer_once(resources.database, intent, work)


class _Pair:
    """Both people, locked, with everything that is open for them today."""

    def __init__(
        self, resources: Resources, catalogue: Catalogue, unit: UnitOfWork, wish: MergeWish
    ) -> None:
        self._keys = resources.keys
        self._catalogue = catalogue
        self._unit = unit
        seen = {each.visit_id: each for each in (wish.keep, wish.other)}
        # In one order for everybody: two who merge the same pair must not wait for each other.
        stored = {id_: lock_visit_of_today(unit, catalogue, id_) for id_ in sorted(seen)}
        for id_, each in stored.items():
            check_seen(each, seen[id_].version)
        self._visits = list(stored.values())
        self.kept_id = _get_person_id(stored[wish.keep.visit_id])
        self.other_id = _get_person_id(stored[wish.other.visit_id])
        if self.kept_id == self.other_id:
            raise SamePerson
        self.kept = get_person(unit.connection, self._keys, self.kept_id)
        self.other = get_person(unit.connection, self._keys, self.other_id)
        if any(
            kind in self.kept.numbers
            and kind in self.other.numbers
            and self.kept.numbers[kind] != self.other.numbers[kind]
            for kind in _CERTAIN_NUMBERS
        ):
            raise DifferentPeople

    def list_ending(self) -> list[Any]:
        """Of two open steps for one service the one that is less far, or came later."""
        steps = self._open_steps()
        ending = []
        for service in {step.service_id for step in steps}:
            same = [step for step in steps if step.service_id == service]
            same.sort(key=lambda step: (_FURTHER.index(step.state), step.queue_key_at, step.id))
            ending += same[1:]
        return ending

    def merge(self, ending: Sequence[Any], *, staff: Caller) -> None:
        unit = self._unit
        lock_queues(unit, sorted({step.queue_id for step in ending}))
        if ending:
            self._end_steps(ending, staff)
        for table in (Visit, Step, PersonKey):
            unit.connection.execute(
                update(table)
                .where(table.person_id == self.other_id, table.facility_id == unit.facility_id)
                .values(person_id=self.kept_id)
            )
        self._save_kept(other_ref=self._tell_his())
        unit.connection.execute(delete(Person).where(Person.id == self.other_id))
        subject = f"person:{self.kept_id}"
        detail = {"other": self.other_id, "visits": [each.visit.id for each in self._visits]}
        unit.audit(Event.PEOPLE_MERGED, actor=staff.actor, subject=subject, detail=detail)
        for each in self._visits:
            raise_version(unit, each)
            where = where_visit_is(self._catalogue, each)
            unit.publish(Event.PEOPLE_MERGED, subject=f"visit:{each.visit.id}", detail=where)

    def _end_steps(self, ending: Sequence[Any], staff: Caller) -> None:
        unit = self._unit
        fresh = get_steps(
            unit.connection,
            [step.id for step in ending],
            facility_id=unit.facility_id,
            day=self._visits[0].visit.day,
        )
        act = Act(
            unit, self._catalogue, kind="merge", caller=staff, room_id=None, reason=REASON,
            source="reception",
        )  # fmt: skip
        for step in fresh.values():
            act.move(step, StepState.CANCELLED)
            open_next_step(unit, act, step)
            unit.enqueue(
                CANCEL_VISIT, lane=self.kept_id, visit_id=step.visit_id,
                payload={"steps": [step.id]},
            )  # fmt: skip
        act.close(subject=f"person:{self.kept_id}")

    def _tell_his(self) -> str | None:
        """What waits for the other record goes on in the lane of the kept one. The HIS's own
        name for the other record, if it has one.
        """
        unit = self._unit
        unit.connection.execute(
            update(OutboxMessage)
            .where(
                OutboxMessage.facility_id == unit.facility_id,
                OutboxMessage.lane == self.other_id,
                OutboxMessage.settled_at.is_(None),
                # Of one lane only one may be under way: this one ends where it began.
                OutboxMessage.state != MessageState.SENDING,
            )
            .values(lane=self.kept_id)
        )
        refs: dict[str, str | None] = {
            row.id: row.his_ref
            for row in unit.connection.execute(
                select(Person.id, Person.his_ref).where(
                    Person.id.in_([self.kept_id, self.other_id])
                )
            )
        }
        dropped = refs[self.other_id]
        if dropped is not None and refs[self.kept_id] not in {None, dropped}:
            payload = make_payload(
                self._keys, kept_id=self.kept_id, dropped_id=self.other_id, dropped_ref=dropped
            )
            unit.enqueue(MERGE_PATIENTS, lane=self.kept_id, payload=payload)
        return dropped

    def _save_kept(self, *, other_ref: str | None) -> None:
        """The kept record stands, the other one fills its gaps."""
        kept, other = self.kept, self.other
        facts: PersonFacts = replace(
            kept,
            birth_date=kept.birth_date or other.birth_date,
            gender=kept.gender or other.gender,
            numbers=other.numbers | kept.numbers,
            his_ref=kept.his_ref or other.his_ref,
            address=kept.address or other.address,
            phone=kept.phone or other.phone,
        )
        text = json.dumps(vars(facts), ensure_ascii=False)
        self._unit.connection.execute(
            update(Person)
            .where(Person.id == self.kept_id)
            .values(
                sealed=self._keys.seal(text.encode(), context=f"person:{self.kept_id}"),
                his_ref=func.coalesce(Person.his_ref, other_ref, facts.his_ref),
                last_seen_at=self._unit.now,
            )
        )

    def _open_steps(self) -> Sequence[Any]:
        return self._unit.connection.execute(
            select(Step.__table__, Ticket.number)
            .join(Ticket, Ticket.visit_id == Step.visit_id)
            .where(
                Step.person_id.in_([self.kept_id, self.other_id]),
                Step.facility_id == self._unit.facility_id,
                Step.day == self._visits[0].visit.day,
                Step.state.in_([state.value for state in OPEN_STATES]),
            )
        ).all()


def _get_person_id(stored: StoredVisit) -> str:
    if stored.visit.person_id is None:
        raise VisitNotFound
    return str(stored.visit.person_id)
