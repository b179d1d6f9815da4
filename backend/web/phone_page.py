"""The page behind the QR of a ticket: a number, where to go, who is before. No name.

Whoever holds the ticket holds its token; there is no other key to this page. It works without
scripts and then loads itself again; with them it is live. It knows nothing the next day.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from flask import Blueprint, Response, redirect, request
from werkzeug.wrappers import Response as AnyResponse

from backend.domain.catalogue import Catalogue
from backend.domain.placement import describe_rooms
from backend.domain.settings import Words
from backend.domain.ticket import describe_way, name_service
from backend.domain.visit import TESTS, StepState
from backend.domain.waits import find_wait_min
from backend.errors import NotAllowed, StepOutNotAllowed
from backend.services.show_phone import (
    ShownPhone,
    Situation,
    Station,
    StationState,
    find_visit_id,
    load_phone,
)
from backend.services.step_out import step_in, step_out
from backend.web.api import public, resources
from backend.web.live import stream
from backend.web.page_texts import Language, find_language
from backend.web.pages import render_page
from backend.web.problems import AddressNotFound

REFRESH_S = 20
_OVER = {Situation.DONE, Situation.CANCELLED}
_URGENT = {Situation.MISSED, Situation.MISSED_DESK, Situation.HELD}

blueprint = Blueprint("phone", __name__)


@blueprint.get("/t/<token>")
@public
def phone_page(token: str) -> Response:
    """404 for a token of another day and for one that never was: the two look the same."""
    return _page(token)


@blueprint.post("/t/<token>/<any('step-out', 'step-in'):deed>")
@public
def leave(token: str, deed: str) -> AnyResponse:
    """Away for a moment, or back: the page afterwards, or the page with what is in the way."""
    _check_site()
    server = resources()
    with server.database.read() as connection:
        visit_id = find_visit_id(
            connection, server.catalogue.get(), token, now=server.database.clock()
        )
    if visit_id is None:
        return _page(token)
    try:
        (step_out if deed == "step-out" else step_in)(server, visit_id)
    except StepOutNotAllowed:
        return _page(token, refused=True)
    lang = find_language(request.args.get("lang"))
    address = f"/t/{token}?lang={lang}" if lang else f"/t/{token}"
    return redirect(address, HTTPStatus.SEE_OTHER)


@blueprint.get("/t/<token>/live")
@public
def live(token: str) -> Response:
    """Says that this visit or its line changed; ends with the day."""
    server = resources()
    catalogue = server.catalogue.get()
    now = server.database.clock()
    with server.database.read() as connection:
        phone = load_phone(connection, catalogue, token, now=now)
    if phone is None:
        raise AddressNotFound
    today = catalogue.today(now)
    return stream(
        phone.topics, is_allowed=lambda: catalogue.today(server.database.clock()) == today
    )


def _check_site() -> None:
    """A form of another site is refused. Pages without a referrer say "null" for their own."""
    site = request.headers.get("Sec-Fetch-Site")
    origin = request.headers.get("Origin", "null")
    own = origin in {"null", f"{request.scheme}://{request.host}"} if site is None else False
    if not own and site not in {"same-origin", "none"}:
        raise NotAllowed


def _page(token: str, *, refused: bool = False) -> Response:
    server = resources()
    catalogue = server.catalogue.get()
    now = server.database.clock()
    with server.database.read() as connection:
        phone = load_phone(connection, catalogue, token, now=now)
    lang: Language = (
        find_language(request.args.get("lang"))
        or (find_language(phone.visit.ticket["lang"]) if phone else None)
        or "vi"
    )
    status = HTTPStatus.CONFLICT if refused else HTTPStatus.OK
    return render_page(
        "phone.html",
        "phone",
        status=status if phone else HTTPStatus.NOT_FOUND,
        lang=lang,
        hotline=catalogue.hotline,
        now=now,
        refresh_s=REFRESH_S,
        **(_facts(phone, catalogue, lang) | {"token": token, "refused": refused} if phone else {}),
    )


def _facts(phone: ShownPhone, catalogue: Catalogue, lang: Language) -> dict[str, Any]:
    """Of where the patient stands now, which the ticket in their hand no longer says."""
    step, situation = phone.step, phone.situation
    way = describe_way([step], catalogue, lang)
    waiting = step.state is StepState.WAITING
    wait = find_wait_min(
        catalogue, step.service, step.room, step.people_ahead, now=resources().database.clock()
    )
    return {
        "number": phone.visit.number,
        "situation": situation.value,
        "waiting": waiting,
        "over": situation in _OVER,
        "tone": "now" if situation is Situation.CALLED else "over" if situation in _URGENT else "",
        "alert": phone.alert,
        "line": f"{step.id}.{step.queue_id}.{step.state}",
        "people_ahead": step.people_ahead,
        "soon": waiting and phone.alert.endswith("near"),
        "wait_min": wait if waiting else None,
        "room": way.room,
        "floor": way.floor,
        "landmark": way.landmark,
        "next": way.next if waiting else "",
        "since": phone.visit.created_at,
        "stations": [_station(each, catalogue, lang) for each in phone.stations],
        "away": situation is Situation.STEPPED_OUT,
        "may_step_out": phone.may_step_out,
        "step_outs_left": phone.step_outs_left,
        "return_by": phone.return_by,
        "returns_left": phone.returns_left,
        "return_after": catalogue.settings.return_after_tickets,
    }


def _station(station: Station, catalogue: Catalogue, lang: Language) -> dict[str, Any]:
    """A sensitive clinic is a room with a number; a test is named, so that nobody mistakes it."""
    step = station.step
    room, floor = describe_rooms(catalogue, step.service, step.room)
    named = step.kind in TESTS and not step.service.sensitive
    return {
        "kind": step.kind,
        "name": _say(name_service(step.service), lang) if named else "",
        "state": station.state.value,
        "room": _say(room, lang),
        "floor": floor,
        "preparation": [_say(words, lang) for words in station.preparation],
        "at": step.state_at if station.state is StationState.DONE else None,
    }


def _say(words: Words, lang: Language) -> str:
    return words.vi if lang == "vi" else words.en
