"""Choosing a room or counter, calling from it, and its list for the wall or for paper.

The page of a room also opens while the server is away: `worker.js` keeps its empty shell, the
browser keeps the last list, and neither holds anything of a person.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from flask import Blueprint, Response, redirect, send_from_directory
from flask.typing import ResponseReturnValue

from backend.errors import RoomNotFound
from backend.services.call_next import get_room
from backend.services.list_rooms import list_rooms
from backend.services.note_room_reads import note_room_reads
from backend.services.show_call_list import load_call_list, sheet_facts
from backend.services.show_room import load_room, room_to_json
from backend.web.api import caller, resources
from backend.web.error_handlers import PAGE_POLICY
from backend.web.page_texts import texts
from backend.web.pages import page_language, render_page, staff_page
from backend.web.rooms import CALLERS

_STATIC = Path(__file__).parents[1] / "static"

blueprint = Blueprint("staff_rooms", __name__, url_prefix="/staff/rooms")


@blueprint.get("")
@staff_page(*CALLERS)
def choose() -> Response:
    rooms = list_rooms(resources(), caller=caller())
    return render_page("staff/rooms.html", "staff", "console", rooms=rooms)


@blueprint.get("/worker.js")
@staff_page(*CALLERS)
def worker() -> Response:
    """Below /staff/rooms/, because a service worker only serves pages below itself."""
    reply = send_from_directory(_STATIC, "console_worker.js", max_age=0)
    reply.headers["Cache-Control"] = "no-cache"
    # The policy of a worker is the one its own script came with.
    reply.headers["Content-Security-Policy"] = PAGE_POLICY
    return reply


@blueprint.get("/<room_id>")
@staff_page(*CALLERS)
def console(room_id: str) -> ResponseReturnValue:
    work = resources()
    try:
        get_room(work.catalogue.get(), room_id, caller())
    except RoomNotFound:
        return redirect("/staff/rooms", 303)
    with work.database.read() as connection:
        room = load_room(work, connection, room_id, now=work.database.clock())
    note_room_reads(work.database, room, actor=caller().actor)
    return _render(room_id, state=room_to_json(room))


@blueprint.get("/<room_id>/shell")
@staff_page(*CALLERS)
def shell(room_id: str) -> ResponseReturnValue:
    """The page without anything that changes or belongs to somebody: kept by the browser."""
    try:
        get_room(resources().catalogue.get(), room_id, caller())
    except RoomNotFound:
        return redirect("/staff/rooms", 303)
    return _render(room_id, state=None)


@blueprint.get("/<room_id>/list")
@staff_page(*CALLERS)
def call_list(room_id: str) -> ResponseReturnValue:
    work = resources()
    try:
        get_room(work.catalogue.get(), room_id, caller())
    except RoomNotFound:
        return redirect("/staff/rooms", 303)
    with work.database.read() as connection:
        found = load_call_list(work, connection, room_id, now=work.database.clock())
    return render_page(
        "staff/room_list.html",
        "staff",
        "console",
        "call_list",
        **sheet_facts(found, zone=work.catalogue.get().zone, lang=page_language()),
        every_min=work.catalogue.get().settings.call_list_every_min,
    )


def _render(room_id: str, *, state: dict[str, Any] | None) -> Response:
    catalogue = resources().catalogue.get()
    lang = page_language()
    facts = {
        "room": room_id,
        "code": catalogue.rooms[room_id].code,
        "lang": lang,
        "zone": catalogue.zone.key,
        "words": dict(texts(lang, "console")),
        "state": state,
    }
    return render_page(
        "staff/console.html",
        "staff",
        "console",
        room=catalogue.rooms[room_id],
        shell=state is None,
        facts=_to_script(facts),
    )


def _to_script(facts: dict[str, Any]) -> str:
    """JSON that stays data inside a script element, whatever text is in it."""
    text = json.dumps(facts, ensure_ascii=False)
    for sign in "<>&\u2028\u2029":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return text
