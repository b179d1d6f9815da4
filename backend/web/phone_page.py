"""The page behind the QR of a ticket: a number, where to go, who is before. No name.

Whoever holds the ticket holds its token; there is no other key to this page. It works without
scripts, loads itself again, and knows nothing the next day.
"""

from __future__ import annotations

import re

from flask import Blueprint, Response, request
from sqlalchemy import select

from backend.domain.catalogue import Catalogue
from backend.domain.identity.hospital_codes import TICKET_TOKEN_PATTERN
from backend.domain.queueing import find_wait_range_min
from backend.domain.ticket import describe_way
from backend.domain.visit import OPEN_STATES, StepState
from backend.services.show_visit import ShownVisit, get_state, load_visit
from backend.storage.tables import Ticket
from backend.web.api import public, resources
from backend.web.page_texts import Language, find_language
from backend.web.pages import render_page

REFRESH_S = 20
_OVER = {StepState.DONE, StepState.CANCELLED, StepState.MISSED}

blueprint = Blueprint("phone", __name__)


@blueprint.get("/t/<token>")
@public
def phone_page(token: str) -> Response:
    """404 for a token of another day and for one that never was: the two look the same."""
    server = resources()
    catalogue = server.catalogue.get()
    now = server.database.clock()
    visit = _find_visit(token)
    lang: Language = (
        find_language(request.args.get("lang"))
        or (find_language(visit.ticket["lang"]) if visit else None)
        or "vi"
    )
    facts = _facts(visit, catalogue, lang) if visit else {}
    return render_page(
        "phone.html",
        "phone",
        status=200 if visit else 404,
        lang=lang,
        hotline=catalogue.hotline,
        now=now,
        refresh_s=REFRESH_S,
        **facts,
    )


def _find_visit(untrusted_token: str) -> ShownVisit | None:
    if not re.fullmatch(TICKET_TOKEN_PATTERN, untrusted_token):
        return None
    server = resources()
    catalogue = server.catalogue.get()
    with server.database.read() as connection:
        visit_id = connection.scalar(
            select(Ticket.visit_id).where(
                Ticket.token == untrusted_token,
                Ticket.day == catalogue.today(server.database.clock()),
                Ticket.facility_id == server.database.facility_id,
            )
        )
        return load_visit(connection, catalogue, visit_id) if visit_id else None


def _facts(visit: ShownVisit, catalogue: Catalogue, lang: Language) -> dict[str, object]:
    """Of where the patient stands now, which the ticket in their hand no longer says."""
    state = get_state(visit.steps)
    ahead = [each for each in visit.steps if each.state in OPEN_STATES] or [visit.steps[-1]]
    step = ahead[0]
    way = describe_way(ahead, catalogue, lang)
    minutes = step.service.minutes
    wait = find_wait_range_min(step.people_ahead, minutes) if minutes else None
    return {
        "number": visit.number,
        "state": state.value,
        "waiting": state is StepState.WAITING,
        "over": state in {StepState.DONE, StepState.CANCELLED},
        "tone": "now" if state is StepState.CALLED else "over" if state in _OVER else "",
        "people_ahead": step.people_ahead,
        "wait_min": wait,
        "room": way.room,
        "floor": way.floor,
        "landmark": way.landmark,
        "next": way.next,
    }
