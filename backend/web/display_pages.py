"""Pages of displays, at an address nobody guesses: /d/KEY, its state, its stream.

A wrong key and a revoked one look the same: an empty page. The page keeps itself alive without the
server (see static/display.js and static/display_worker.js), so what it is given here is a frame
and the words; what it shows it fetches as `state`.
"""

from __future__ import annotations

import hashlib
import json
import re
from functools import cache
from pathlib import Path

from flask import Blueprint, Response, render_template, request
from sqlalchemy import Connection

from backend.domain.announcements import Announcement
from backend.domain.rooms import list_room_queues
from backend.errors import DisplayNotFound, StorageUnavailable
from backend.events import Event
from backend.logging import log
from backend.services.keep_announcements import list_active_announcements
from backend.services.manage_displays import KnownDisplay, find_display, record_sight
from backend.services.resources import Resources
from backend.services.show_display import display_to_json, show_display
from backend.services.speak_display import (
    get_spoken_call,
    get_spoken_notice,
    speak_announcement,
    speak_call,
)
from backend.web.api import public, resources
from backend.web.error_handlers import PAGE_POLICY
from backend.web.live import stream
from backend.web.page_texts import LANGUAGES, Language, find_language, texts

SCRIPTS = ("display.js", "display_view.js", "display_voice.js", "display_memory.js", "live.js")
STYLES = ("display.css",)
_FOLDER = Path(__file__).parent
_ID = re.compile(r"[0-9a-f]{32}")
_WORKER_POLICY = "default-src 'none'; connect-src 'self'"
"""What a service worker may fetch follows from its own policy, not from that of the page."""

blueprint = Blueprint("display", __name__, url_prefix="/d")


@blueprint.get("/<key>")
@public
def page(key: str) -> Response:
    """404 and an empty page for a key that opens nothing."""
    try:
        found = _find(resources(), key)
    except StorageUnavailable:
        return _html(render_template("display_away.html"), status=503)
    if found is None:
        return _html(render_template("display_none.html"), status=404)
    words = {language: dict(texts(language, "display")) for language in LANGUAGES}
    files = [f"/assets/{name}" for name in (*STYLES, *SCRIPTS)]
    catalogue = resources().catalogue.get()
    return _html(
        render_template(
            "display.html",
            facility=catalogue.facility_name,
            practice=catalogue.practice,
            words=words,
            files=files,
            build=build(),
        )
    )


@blueprint.get("/<key>/state")
@public
def state(key: str) -> Response:
    """What the display shows now. Raises DisplayNotFound, StorageUnavailable."""
    server = resources()
    with server.database.read() as connection:
        found = _get(connection, server, key)
    _keep_sight(server, found)
    announcements = list_active_announcements(server.database)
    with server.database.read() as connection:
        shown = show_display(
            server,
            connection,
            found,
            announcements=announcements,
            now=server.database.clock(),
        )
    content = display_to_json(shown) | {"build": build()}
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    return Response(text, content_type="application/json")


@blueprint.get("/<key>/live")
@public
def live(key: str) -> Response:
    """Server-sent events about the display's rooms, and about the display itself.

    Raises DisplayNotFound, StorageUnavailable.
    """
    server = resources()
    found = _find(server, key)
    if found is None:
        raise DisplayNotFound
    catalogue = server.catalogue.get()
    topics = {found.id, "announcement", "calling"}
    for room_id in found.room_ids:
        topics.update((room_id, *list_room_queues(catalogue, room_id)))
    return stream(topics, is_allowed=lambda: _find(server, key) is not None)


@blueprint.get("/<key>/speech/<call_id>.wav")
@public
def speech(key: str, call_id: str) -> Response:
    """A call of one of the display's rooms. Raises DisplayNotFound, VoiceUnavailable."""
    server = resources()
    with server.database.read() as connection:
        found = _get(connection, server, key)
        call = get_spoken_call(server, connection, found, _id(call_id))
    return _sound(speak_call(server, call, _language()))


@blueprint.get("/<key>/notices/<notice_id>.wav")
@public
def notice(key: str, notice_id: str) -> Response:
    """What just happened in one of the display's rooms. Raises DisplayNotFound, VoiceUnavailable."""
    server = resources()
    with server.database.read() as connection:
        found = _get(connection, server, key)
        call = get_spoken_notice(server, connection, found, notice_id)
    return _sound(speak_call(server, call, _language()))


@blueprint.get("/<key>/announcements/<announcement_id>.wav")
@public
def announcement(key: str, announcement_id: str) -> Response:
    """An announcement of the display's zone. Raises DisplayNotFound, VoiceUnavailable."""
    server = resources()
    with server.database.read() as connection:
        found = _get(connection, server, key)
    announcements: list[Announcement] = [*list_active_announcements(server.database)]
    sound = speak_announcement(server, found, announcements, _id(announcement_id), _language())
    return _sound(sound)


@blueprint.get("/worker.js")
@public
def worker() -> Response:
    """The service worker: below /d, because a worker serves pages beside it only."""
    script = (_FOLDER / "static" / "display_worker.js").read_text(encoding="utf-8")
    reply = Response(script, content_type="text/javascript; charset=utf-8")
    reply.headers["Content-Security-Policy"] = _WORKER_POLICY
    return reply


@cache
def build() -> str:
    """Changes when the page changes: displays that are never touched load themselves again."""
    digest = hashlib.sha256()
    files = [_FOLDER / "static" / name for name in (*STYLES, *SCRIPTS, "display_worker.js")]
    files += [_FOLDER / "templates" / "display.html"]
    files += [_FOLDER / "locales" / language / "display.json" for language in LANGUAGES]
    for file in files:
        digest.update(file.read_bytes())
    return digest.hexdigest()[:16]


def _find(server: Resources, key: str) -> KnownDisplay | None:
    with server.database.read() as connection:
        return find_display(connection, key, facility_id=server.database.facility_id)


def _get(connection: Connection, server: Resources, key: str) -> KnownDisplay:
    found = find_display(connection, key, facility_id=server.database.facility_id)
    if found is None:
        raise DisplayNotFound
    return found


def _id(untrusted_id: str) -> str:
    if not _ID.fullmatch(untrusted_id):
        raise DisplayNotFound
    return untrusted_id


def _language() -> Language:
    return find_language(request.args.get("lang")) or "vi"


def _sound(wav: bytes) -> Response:
    return Response(wav, content_type="audio/wav")


def _keep_sight(server: Resources, display: KnownDisplay) -> None:
    try:
        record_sight(server.database, display)
    except StorageUnavailable as error:
        # The database can be read and not written: people wait for the board, not for this row.
        log(Event.REQUEST_FAILED, error=error, route="/d/<key>/state", code=error.code)


def _html(page: str, *, status: int = 200) -> Response:
    reply = Response(page, status=status, content_type="text/html; charset=utf-8")
    reply.headers["Content-Security-Policy"] = PAGE_POLICY
    return reply
