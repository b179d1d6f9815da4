"""The page of displays: which there are, when each was last seen, a new one with its address."""

from __future__ import annotations

import base64
import re
from datetime import datetime, timedelta
from typing import Any

import qrcode
from flask import Blueprint, Response, redirect, request
from flask.typing import ResponseReturnValue
from qrcode.image.svg import SvgPathImage

from backend.domain.displays import DISTANCES_M, SCREENS_IN, DisplayKind, DisplayWish
from backend.errors import (
    BackendError,
    DisplayExists,
    DisplayNotFound,
    ValidationFailed,
    ZoneHasVoice,
)
from backend.services.manage_displays import (
    KnownDisplay,
    add_display,
    change_display,
    list_displays,
    revoke_display,
)
from backend.web.api import caller, resources
from backend.web.displays import DISPLAY_ROLES
from backend.web.pages import page_language, render_page, staff_page

SILENT_AFTER = timedelta(minutes=3)
_ID = re.compile(r"[0-9a-f]{32}")
_TYPED = ("name", "kind", "zone", "distance_m", "screen_in")
_TICKED = ("english", "speaks", "show_names")
_REFUSALS = (ValidationFailed, DisplayExists, ZoneHasVoice)

blueprint = Blueprint("staff_displays", __name__, url_prefix="/staff/displays")


@blueprint.get("")
@staff_page(*DISPLAY_ROLES)
def show() -> Response:
    return _page()


@blueprint.post("")
@staff_page(*DISPLAY_ROLES)
def add() -> Response:
    """The address stands on the page that answers, and nowhere later."""
    server = resources()
    try:
        wish = _wish()
        added = add_display(server.database, server.catalogue.get(), wish, actor=caller().actor)
    except _REFUSALS as error:
        return _page(status=error.status, refused=error)
    base = server.config.public_base or request.host_url.rstrip("/")
    address = f"{base}/d/{added.key}"
    return _page(added=added.display, address=address, qr=_draw_qr(address))


@blueprint.get("/<display_id>")
@staff_page(*DISPLAY_ROLES)
def edit(display_id: str) -> Response:
    return _page(edited=_get(display_id))


@blueprint.post("/<display_id>")
@staff_page(*DISPLAY_ROLES)
def change(display_id: str) -> ResponseReturnValue:
    server = resources()
    found = _get(display_id)
    try:
        change_display(
            server.database,
            server.catalogue.get(),
            found.id,
            _wish(),
            actor=caller().actor,
        )
    except _REFUSALS as error:
        return _page(status=error.status, refused=error, edited=found)
    return redirect("/staff/displays", 303)


@blueprint.post("/<display_id>/revoke")
@staff_page(*DISPLAY_ROLES)
def revoke(display_id: str) -> ResponseReturnValue:
    found = _get(display_id)
    revoke_display(resources().database, found.id, actor=caller().actor)
    return redirect("/staff/displays", 303)


def _get(untrusted_id: str) -> KnownDisplay:
    displays = list_displays(resources().database) if _ID.fullmatch(untrusted_id) else []
    for display in displays:
        if display.id == untrusted_id:
            return display
    raise DisplayNotFound


def _wish() -> DisplayWish:
    """What the form says; whatever does not fit is found by `find_fault`. Raises ValidationFailed."""
    form = request.form
    try:
        kind = DisplayKind(form.get("kind", ""))
        distance_m, screen_in = int(form.get("distance_m", "")), int(form.get("screen_in", ""))
    except ValueError as error:
        raise ValidationFailed from error
    return DisplayWish(
        name=_one_line("name"),
        kind=kind,
        room_ids=tuple(dict.fromkeys(form.getlist("room"))),
        zone=_one_line("zone"),
        speaks="speaks" in form,
        english="english" in form,
        show_names="show_names" in form,
        distance_m=distance_m,
        screen_in=screen_in,
    )


def _one_line(field: str) -> str:
    return " ".join(request.form.get(field, "").split())


def _form_values(*, refused: bool, edited: KnownDisplay | None) -> dict[str, Any]:
    """What the form shows: as it was sent when it was refused, else the display or what is usual."""
    if refused:
        sent = request.form
        values: dict[str, Any] = {name: sent.get(name, "") for name in _TYPED}
        return values | {name: name in sent for name in _TICKED} | {"rooms": sent.getlist("room")}
    shown = edited or DisplayWish(name="", kind=DisplayKind.HALL, room_ids=())
    values = {name: getattr(shown, name) for name in (*_TYPED, *_TICKED)}
    return values | {"kind": shown.kind.value, "rooms": shown.room_ids}


def _page(
    *,
    status: int = 200,
    refused: BackendError | None = None,
    edited: KnownDisplay | None = None,
    **facts: Any,
) -> Response:
    server = resources()
    catalogue = server.catalogue.get()
    lang = page_language()
    rooms = sorted(catalogue.rooms.values(), key=lambda room: room.code)
    names = {room.id: room.name.vi if lang == "vi" else room.name.en for room in rooms}
    now = server.database.clock()
    return render_page(
        "staff/displays.html",
        "staff",
        "displays",
        status=status,
        displays=list_displays(server.database),
        rooms=rooms,
        room_names=names,
        codes={room.id: room.code for room in rooms},
        kinds=list(DisplayKind),
        distances=DISTANCES_M,
        screens=SCREENS_IN,
        refused=refused.code if refused else None,
        edited=edited,
        values=_form_values(refused=refused is not None, edited=edited),
        is_silent=lambda seen: _is_silent(seen, now),
        **{"added": None} | facts,
    )


def _is_silent(last_seen_at: datetime | None, now: datetime) -> bool:
    return last_seen_at is None or now - last_seen_at > SILENT_AFTER


def _draw_qr(text: str) -> str:
    picture = qrcode.make(text, image_factory=SvgPathImage, border=3)
    return "data:image/svg+xml;base64," + base64.b64encode(picture.to_string()).decode()
