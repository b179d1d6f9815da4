"""A member of staff at the desk, without HTTP."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import insert, select

from backend.domain.desk import CoverageDecision, IdentityReason, Need, PriorityReason
from backend.domain.ids import new_id
from backend.domain.roles import StaffRole
from backend.services.answer_once import answer_once
from backend.services.confirm_coverage import confirm_coverage
from backend.services.confirm_identity import confirm_identity
from backend.services.confirm_priority import confirm_priority
from backend.services.list_today import DeskVisit, list_today
from backend.services.merge_people import MergeWish, SeenVisit, merge_people
from backend.services.open_visit import OpenedVisit, open_visit
from backend.services.recognise_caller import Caller, credential_hash
from backend.services.request_print import request_print
from backend.services.resources import Resources
from backend.services.resume_at_desk import resume_at_desk
from backend.services.search_visits import SearchResult, search_visits
from backend.services.take_report import take_report
from backend.storage.audit_tables import AuditEvent
from backend.storage.kiosk_tables import Kiosk
from backend.storage.repositories import Answer, Intent
from backend.storage.unit_of_work import UnitOfWork


class Receptionist:
    """Looks at visits and decides; says which version they saw unless told another."""

    def __init__(self, resources: Resources, name: str = "Lan") -> None:
        self.resources = resources
        self.caller = Caller(
            role="staff", id=f"staff-{name}", name=name, roles=frozenset({StaffRole.RECEPTION})
        )

    def intent(self, key: str | None = None) -> Intent:
        return Intent(caller=self.caller.actor, key=key or new_id(), body_hash="b")

    def see(self, visit_id: str) -> OpenedVisit:
        return open_visit(self.resources, visit_id, staff=self.caller)

    def look(self, need: Need | None = None, before: str | None = None, limit: int = 30) -> Any:
        return list_today(self.resources, need=need, before=before, limit=limit)

    def find(self, text: str) -> SearchResult:
        return search_visits(self.resources, text, staff=self.caller)

    def decide(
        self, visit_id: str, reason: Any, *, seen: int | None = None, key: str | None = None
    ) -> int:
        acts: dict[type, Any] = {
            PriorityReason: confirm_priority,
            IdentityReason: confirm_identity,
            CoverageDecision: confirm_coverage,
        }
        version = self.see(visit_id).visit.version if seen is None else seen
        answer: Answer = acts[type(reason)](
            self.resources,
            visit_id,
            reason,
            seen=version,
            staff=self.caller,
            intent=self.intent(key),
        )
        return int(json.loads(answer.body)["version"])

    def resume(self, visit: DeskVisit) -> None:
        step = visit.steps[0]
        resume_at_desk(
            self.resources, visit.id, step.id, seen=step.version, staff=self.caller,
            intent=self.intent(),
        )  # fmt: skip

    def merge(self, keep: DeskVisit, other: DeskVisit, *, confirmed: bool = True) -> dict[str, Any]:
        wish = MergeWish(
            keep=SeenVisit(visit_id=keep.id, version=keep.version),
            other=SeenVisit(visit_id=other.id, version=other.version),
            confirmed=confirmed,
        )
        answer = merge_people(self.resources, wish, staff=self.caller, intent=self.intent())
        found: dict[str, Any] = json.loads(answer.body)
        return found

    def print(self, visit_id: str, agent: Caller, key: str | None = None) -> str:
        def work(unit: UnitOfWork) -> Answer:
            request_id = request_print(unit, self.resources, visit_id, agent.id, staff=self.caller)
            unit.flush()
            return Answer(status=201, body=request_id)

        return answer_once(self.resources.database, self.intent(key), work).body


def add_agent(resources: Resources, name: str = "Quầy 1", *, answers: bool = True) -> Caller:
    agent_id = new_id()
    with resources.database.write() as unit:
        unit.connection.execute(
            insert(Kiosk).values(
                id=agent_id,
                facility_id=unit.facility_id,
                kind="agent",
                name=name,
                token_hash=credential_hash(f"agent-{name}"),
                enrolled_at=unit.now,
            )
        )
    if answers:
        take_report(resources.database, kiosk_id=agent_id)
    return Caller(role="agent", id=agent_id, name=name)


def audited(resources: Resources, event: str) -> list[Any]:
    with resources.database.read() as connection:
        return list(
            connection.execute(
                select(AuditEvent.__table__)
                .where(AuditEvent.event == event)
                .order_by(AuditEvent.id)
            )
        )
