"""The page of announcements: what halls hear by timetable and idle boards show."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from flask import Blueprint, Response, redirect, request
from flask.typing import ResponseReturnValue
from pydantic import ValidationError

from backend.domain.announcements import Announcement, find_next, shown_announcements
from backend.domain.ids import new_id
from backend.domain.roles import StaffRole
from backend.errors import (
    AnnouncementChanged,
    AnnouncementNotFound,
    TooManyAnnouncements,
)
from backend.services.change_calling_words import list_zones
from backend.services.keep_announcements import (
    KeptAnnouncement,
    add_announcement,
    change_announcement,
    find_announcement,
    list_announcements,
)
from backend.services.render_speech import render_announcement
from backend.storage.repositories import Intent
from backend.web import announcement_schemas as schemas
from backend.web.announcements import make_wish
from backend.web.api import caller, resources
from backend.web.page_texts import find_language, texts
from backend.web.pages import page_language, render_page, staff_page

EDITORS = (StaffRole.CONTENT_EDITOR,)
LEAST_WORDS_OF_A_RECORDING = 4
"""Shorter ones are pieces of calls."""

_ID = re.compile(r"[0-9a-f]{32}")
_TIME = re.compile(r"([0-9]{1,2})(?:(?:[:.h]|g|giờ|gio)([0-9]{2})?)?(?:phút|p)?")
_APART = re.compile(r"[,;\n]+")
_NEW: dict[str, Any] = {
    "text_vi": "",
    "text_en": "",
    "spoken": True,
    "zones": [],
    "zones_more": "",
    "weekdays": ["0", "1", "2", "3", "4", "5", "6"],
    "times": "",
    "every_min": "",
    "starts_at": "07:00",
    "ends_at": "16:30",
    "valid_from": "",
    "valid_to": "",
    "clip": "",
}

blueprint = Blueprint("staff_announcements", __name__, url_prefix="/staff/announcements")


@dataclass(frozen=True, kw_only=True)
class Row:
    """An announcement in the list. `next_at` is the facility's own time."""

    kept: KeptAnnouncement
    next_at: datetime | None
    stands_now: bool


@blueprint.get("")
@staff_page(*EDITORS)
def show() -> Response:
    return _page()


@blueprint.post("")
@staff_page(*EDITORS)
def add() -> ResponseReturnValue:
    """The same form sent twice (a double click, going back) is one announcement."""
    body, faults = _read_form()
    if body is None:
        return _page(status=422, faults=faults, form=_typed())
    wish = f"{request.form.get('key', '')[:40]}\n{body.model_dump_json()}"
    key = hashlib.sha256(wish.encode()).hexdigest()
    intent = Intent(caller=caller().actor, key=key, body_hash=key)
    try:
        add_announcement(
            resources().database,
            make_wish("", body),
            staff=caller(),
            intent=intent,
            show=lambda kept: kept.id,
        )
    except TooManyAnnouncements as error:
        return _page(status=error.status, refused=error.code, form=_typed())
    return redirect("/staff/announcements?done=added", 303)


@blueprint.get("/<announcement_id>")
@staff_page(*EDITORS)
def edit(announcement_id: str) -> Response:
    return _page(edited=_get(announcement_id))


@blueprint.post("/<announcement_id>")
@staff_page(*EDITORS)
def change(announcement_id: str) -> ResponseReturnValue:
    found = _get(announcement_id)
    body, faults = _read_form()
    if body is None:
        return _page(status=422, edited=found, faults=faults, form=_typed())
    wish = replace(make_wish(found.id, body), active=found.active)
    try:
        change_announcement(resources().database, wish, version=_version(), staff=caller())
    except AnnouncementChanged as error:
        # Shown as it stands now; what was typed stands beside it, to be taken over by hand.
        return _page(status=error.status, refused=error.code, edited=_get(found.id), lost=body)
    return redirect("/staff/announcements?done=changed", 303)


@blueprint.post("/<announcement_id>/<any(on,off):state>")
@staff_page(*EDITORS)
def switch(announcement_id: str, state: str) -> ResponseReturnValue:
    """Pressed twice it is on or off once."""
    found = _get(announcement_id)
    wish = _plain(found, active=state == "on")
    if found.active == wish.active:
        return redirect(f"/staff/announcements?done={state}", 303)
    try:
        change_announcement(resources().database, wish, version=_version(), staff=caller())
    except (AnnouncementChanged, TooManyAnnouncements) as error:
        return _page(status=error.status, refused=error.code)
    return redirect(f"/staff/announcements?done={state}", 303)


@blueprint.post("/sound")
@staff_page(*EDITORS)
def sound() -> Response:
    """What the form as it is now would sound like; nothing is kept."""
    form = request.form
    wish = Announcement(
        id="",
        text_vi=form.get("text_vi", "")[:600],
        text_en=form.get("text_en", "")[:600],
        clip=form.get("clip", "")[:120] or None,
    )
    return _wav(wish)


@blueprint.get("/<announcement_id>/sound.wav")
@staff_page(*EDITORS)
def sound_of(announcement_id: str) -> Response:
    return _wav(_get(announcement_id))


def _wav(announcement: Announcement) -> Response:
    """Raises VoiceUnavailable, also for an empty text."""
    language = find_language(request.values.get("lang")) or "vi"
    wav = render_announcement(resources(), announcement, language, trial=True)
    return Response(wav, content_type="audio/wav", headers={"Cache-Control": "no-store"})


# --- the form --------------------------------------------------------------------------------


def _read_form() -> tuple[schemas.AnnouncementRequest | None, set[str]]:
    """What the API takes, made of the form; otherwise the names of the fields that do not fit."""
    typed = _typed()
    zones = [*typed["zones"], *_split(typed["zones_more"])]
    raw: dict[str, Any] = {
        "text_vi": typed["text_vi"],
        "text_en": typed["text_en"],
        "spoken": typed["spoken"],
        "zones": zones,
        "weekdays": typed["weekdays"],
        "times": [_as_clock(at) for at in _split(typed["times"])],
        "every_min": typed["every_min"] or None,
        "starts_at": _as_clock(typed["starts_at"]),
        "ends_at": _as_clock(typed["ends_at"]),
        "valid_from": typed["valid_from"] or None,
        "valid_to": typed["valid_to"] or None,
        "clip": typed["clip"] or None,
    }
    try:
        return schemas.AnnouncementRequest.model_validate(raw), set()
    except ValidationError as error:
        # Checks over several fields say by their type which field to look at.
        return None, {
            str(each["loc"][0] if each["loc"] else each["type"]) for each in error.errors()
        }


def _typed() -> dict[str, Any]:
    """The form as typed, to be shown again when something does not fit."""
    form = request.form
    names = ("times", "every_min", "starts_at", "ends_at", "valid_from", "valid_to", "clip")
    return {name: form.get(name, "").strip()[:600] for name in names} | {
        "text_vi": _one_line("text_vi"),
        "text_en": _one_line("text_en"),
        "zones_more": _one_line("zones_more"),
        "spoken": form.get("spoken") != "no",
        "zones": form.getlist("zones")[:100],
        "weekdays": form.getlist("weekdays")[:7],
    }


def _one_line(field: str) -> str:
    return " ".join(request.form.get(field, "").split())


def _split(text: str) -> list[str]:
    return [part for part in (part.strip() for part in _APART.split(text)) if part]


def _as_clock(text: str) -> str:
    """8h, 8h30, 8.30 and 8 giờ 30 are how people write times; what is none stays as it is."""
    match = _TIME.fullmatch(text.lower().replace(" ", ""))
    return f"{int(match[1]):02}:{match[2] or '00'}" if match else text


def _version() -> int:
    text = request.form.get("version", "")
    return int(text) if re.fullmatch(r"[0-9]{1,9}", text) else 0


def _get(untrusted_id: str) -> KeptAnnouncement:
    found = None
    if _ID.fullmatch(untrusted_id):
        found = find_announcement(resources().database, untrusted_id)
    if found is None:
        raise AnnouncementNotFound
    return found


def _plain(kept: KeptAnnouncement, *, active: bool) -> Announcement:
    values = {name: getattr(kept, name) for name in Announcement.__dataclass_fields__}
    return Announcement(**values | {"active": active})


# --- the page --------------------------------------------------------------------------------


def _page(
    *,
    status: int = 200,
    edited: KeptAnnouncement | None = None,
    form: Mapping[str, Any] | None = None,
    refused: str | None = None,
    faults: set[str] | None = None,
    lost: schemas.AnnouncementRequest | None = None,
) -> Response:
    server = resources()
    values = form or (_values(edited) if edited else _NEW)
    zones = list_zones(server.database)
    return render_page(
        "staff/announcements.html",
        "staff",
        "announcements",
        status=status,
        rows=_rows(),
        edited=edited,
        values=values,
        zones=sorted({*zones, *values["zones"]}),
        recordings=_recordings(values["clip"]),
        refused=refused,
        faults=faults or set(),
        lost=lost,
        key=request.form.get("key") or new_id(),
        done=request.args.get("done"),
        day_name=_day_name,
    )


def _rows() -> list[Row]:
    """Those in use first, whose time comes next first among them."""
    server = resources()
    zone_info, now = server.catalogue.get().zone, server.database.clock()
    rows = []
    for kept in list_announcements(server.database):
        moment = find_next(kept, now=now, zone_info=zone_info)
        stands = bool(shown_announcements([kept], now=now, zone_info=zone_info))
        rows.append(Row(kept=kept, next_at=moment, stands_now=stands))
    never = now.replace(year=9999)
    return sorted(rows, key=lambda row: (not row.kept.active, row.next_at or never, row.kept.id))


def _values(kept: KeptAnnouncement) -> dict[str, Any]:
    return {
        "text_vi": kept.text_vi,
        "text_en": kept.text_en,
        "spoken": kept.spoken,
        "zones": list(kept.zones),
        "zones_more": "",
        "weekdays": [str(day) for day in kept.weekdays],
        "times": ", ".join(f"{at:%H:%M}" for at in kept.times),
        "every_min": kept.every_min or "",
        "starts_at": f"{kept.starts_at:%H:%M}",
        "ends_at": f"{kept.ends_at:%H:%M}",
        "valid_from": kept.valid_from or "",
        "valid_to": kept.valid_to or "",
        "clip": kept.clip or "",
    }


def _recordings(chosen: str) -> list[str]:
    recorded = resources().speaker.list_recordings()
    whole = {each for each in recorded if len(each.split()) >= LEAST_WORDS_OF_A_RECORDING}
    return sorted(whole | ({chosen} if chosen else set()))


def _day_name(day: date) -> str:
    """Today and tomorrow by their names, other days by their date."""
    words = texts(page_language(), "announcements")
    today = resources().catalogue.get().today(resources().database.clock())
    names = {0: words["today"], 1: words["tomorrow"]}
    return str(names.get((day - today).days, f"{day:%d/%m}"))
