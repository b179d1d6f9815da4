"""What the page behind a ticket's QR shows: where the patient stands, and the way of the visit.

Numbers, rooms and times only. Whoever holds the ticket's address sees it, and it is dead the next
day: an address of yesterday and one that never was give the same answer.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Connection, select

from backend.domain.catalogue import Catalogue
from backend.domain.identity.hospital_codes import TICKET_TOKEN_PATTERN
from backend.domain.returning import find_return_deadline, get_current_step, may_return
from backend.domain.settings import Words
from backend.domain.visit import OPEN_STATES, HoldReason, StepKind, StepState
from backend.services.show_visit import ShownStep, ShownVisit, load_visit
from backend.services.step_out import count_step_outs
from backend.storage.his_orders import find_preparations, find_taken_back
from backend.storage.number_tables import Ticket

SOON = 3
"""So many before somebody: time to come near the room."""


class Situation(StrEnum):
    """What the page says first; each has its words and its advice."""

    WAITING = "waiting"
    SOON = "soon"
    RESULTS_READY = "results_ready"
    CALLED = "called"
    SERVING = "serving"
    STEPPED_OUT = "stepped_out"
    RESULTS_AWAITED = "results_awaited"
    HELD = "held"
    MISSED = "missed"
    MISSED_DESK = "missed_desk"
    """Too late or too often: only staff put this number back."""
    DONE = "done"
    CANCELLED = "cancelled"


class StationState(StrEnum):
    DONE = "done"
    NOW = "now"
    TO_COME = "to_come"
    TAKEN_BACK = "taken_back"
    """The doctor ordered it and took it back: who went there already must be told."""


@dataclass(frozen=True, kw_only=True)
class Station:
    step: ShownStep
    state: StationState
    preparation: Sequence[Words] = ()
    """What the patient must do before."""


@dataclass(frozen=True, kw_only=True)
class ShownPhone:
    """`alert` is another text whenever the phone should make itself heard, else empty."""

    visit: ShownVisit
    step: ShownStep
    situation: Situation
    alert: str
    stations: Sequence[Station]
    may_step_out: bool
    step_outs_left: int
    return_by: datetime | None
    returns_left: int
    topics: frozenset[str]
    """What the page has to hear of: this visit, and the line it stands in."""


def load_phone(
    connection: Connection, catalogue: Catalogue, untrusted_token: str, *, now: datetime
) -> ShownPhone | None:
    """None for a token of another day and for one that never was."""
    visit_id = find_visit_id(connection, catalogue, untrusted_token, now=now)
    if visit_id is None:
        return None
    visit = load_visit(connection, catalogue, visit_id)
    step = get_current_step(visit.steps)
    situation = _judge(step, catalogue, now=now)
    settings = catalogue.settings
    outs_left = max(settings.step_outs_allowed - count_step_outs(connection, step.id), 0)
    waits = step.state is StepState.WAITING
    served = any(each.state in {StepState.CALLED, StepState.SERVING} for each in visit.steps)
    return ShownPhone(
        visit=visit,
        step=step,
        situation=situation,
        alert=_alert(step, situation),
        stations=_stations(connection, visit.steps, step),
        may_step_out=waits and not served and outs_left > 0,
        step_outs_left=outs_left,
        return_by=find_return_deadline(step, settings),
        returns_left=max(settings.returns_allowed - step.returns, 0),
        topics=frozenset({visit.id, *({step.queue_id} if waits else ())}),
    )


def find_visit_id(
    connection: Connection, catalogue: Catalogue, untrusted_token: str, *, now: datetime
) -> str | None:
    if not re.fullmatch(TICKET_TOKEN_PATTERN, untrusted_token):
        return None
    return connection.scalar(
        select(Ticket.visit_id).where(
            Ticket.token == untrusted_token,
            Ticket.day == catalogue.today(now),
            Ticket.facility_id == catalogue.facility_id,
        )
    )


def _judge(step: ShownStep, catalogue: Catalogue, *, now: datetime) -> Situation:
    match step.state:
        case StepState.WAITING if step.people_ahead <= SOON:
            return Situation.RESULTS_READY if step.kind == StepKind.RETURN else Situation.SOON
        case StepState.WAITING:
            return Situation.RESULTS_READY if step.kind == StepKind.RETURN else Situation.WAITING
        case StepState.MISSED:
            allowed = may_return(step, catalogue.settings, now=now)
            return Situation.MISSED if allowed else Situation.MISSED_DESK
        case StepState.HOLD:
            return _HOLDS.get(step.hold_reason or "", Situation.HELD)
        case _:
            return Situation(step.state.value)


_HOLDS = {
    HoldReason.STEPPED_OUT.value: Situation.STEPPED_OUT,
    HoldReason.RESULTS.value: Situation.RESULTS_AWAITED,
}
_SILENT = frozenset({Situation.WAITING, Situation.SERVING, Situation.STEPPED_OUT})


def _alert(step: ShownStep, situation: Situation) -> str:
    if situation in _SILENT:
        return ""
    near = step.state is StepState.WAITING and step.people_ahead <= SOON
    parts = (situation.value, step.id, step.calls, "near" if near else "")
    return ":".join(map(str, parts))


def _stations(
    connection: Connection, steps: Sequence[ShownStep], current: ShownStep
) -> list[Station]:
    """The way as far as it is known; what the patient or the desk cancelled is no part of it."""
    still_open = [step.id for step in steps if step.state in OPEN_STATES]
    cancelled = [step.id for step in steps if step.state is StepState.CANCELLED]
    preparations = find_preparations(connection, still_open) if still_open else {}
    taken_back = find_taken_back(connection, cancelled) if cancelled else set()
    stations = []
    for step in steps:
        if step.state is StepState.CANCELLED:
            if step.id not in taken_back:
                continue
            state = StationState.TAKEN_BACK
        elif step.state not in OPEN_STATES:
            state = StationState.DONE
        else:
            state = StationState.NOW if step is current else StationState.TO_COME
        preparation = preparations.get(step.id, ())
        stations.append(Station(step=step, state=state, preparation=preparation))
    return stations
