"""The fleet: every kiosk at a glance, and one of them with its past and what may be done with it.

Reception sees how kiosks are and nothing to press; everything else is the computers' staff's.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import asdict
from typing import Any

from flask import Blueprint, Response, redirect, request
from flask.typing import ResponseReturnValue

from backend.domain.kiosk_health import KioskState
from backend.domain.roles import StaffRole
from backend.domain.settings import Words
from backend.errors import (
    BackendError,
    KioskExists,
    KioskNotFound,
    OrderNotFound,
    ValidationFailed,
)
from backend.services.change_kiosk import (
    MAX_NAME_CHARS,
    MAX_OWNER_CHARS,
    MAX_WORDS_CHARS,
    USUAL_WORDS,
    KioskWish,
    change_kiosk,
    pause_kiosk,
    resume_kiosk,
)
from backend.services.enrol_kiosk import (
    KioskKind,
    end_invitation,
    invite_kiosk,
    invite_replacement,
    revoke_one,
)
from backend.services.name_actors import name_actors
from backend.services.order_kiosk import cancel_order, order_kiosk, read_file
from backend.services.show_fleet import list_invitations, show_fleet
from backend.services.show_kiosk import KioskPage, show_history, show_kiosk
from backend.storage.fleet_tables import COMMAND_KINDS
from backend.storage.kiosk_tables import KIOSK_PROFILES
from backend.web.api import caller, resources
from backend.web.history_chart import draw_bars
from backend.web.pages import render_page, staff_page

IT = (StaffRole.IT,)
LOOKERS = (StaffRole.IT, StaffRole.RECEPTION)
_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_REFUSALS = (ValidationFailed, KioskExists)
_CHARTS = (
    "visits", "p95_ms", "worst_ms", "temperature_max_c",
    "memory_max_percent", "disk_min_percent", "skew_max_s", "up_share",
)  # fmt: skip

blueprint = Blueprint("staff_fleet", __name__, url_prefix="/staff/fleet")


@blueprint.get("")
@staff_page(*LOOKERS)
def board() -> Response:
    return _board()


@blueprint.get("/live")
@staff_page(*LOOKERS)
def live() -> Response:
    return render_page("staff/fleet_live.html", "fleet", **_live())


@blueprint.get("/new")
@staff_page(*IT)
def new() -> Response:
    return _new_page()


@blueprint.post("/new")
@staff_page(*IT)
def invite() -> Response:
    """The code stands on the page that answers, and nowhere later."""
    form = request.form
    name, profile = " ".join(form.get("name", "").split()), form.get("profile", "")
    kind: KioskKind = "agent" if form.get("kind") == "agent" else "kiosk"
    try:
        if not 0 < len(name) <= MAX_NAME_CHARS or not name.isprintable():
            raise ValidationFailed
        if profile not in KIOSK_PROFILES:
            raise ValidationFailed
        code = invite_kiosk(
            resources().database,
            name=name,
            kind=kind,
            profile=profile,
            actor=caller().actor,
            unique=True,
        )
    except _REFUSALS as error:
        return _new_page(refused=error)
    return _code_page(code, name=name, kind=kind)


@blueprint.post("/new/end")
@staff_page(*IT)
def end() -> ResponseReturnValue:
    name = request.form.get("name", "")[:MAX_NAME_CHARS]
    end_invitation(resources().database, name=name, actor=caller().actor)
    return redirect("/staff/fleet/new", 303)


@blueprint.get("/<kiosk_id>")
@staff_page(*IT)
def show(kiosk_id: str) -> Response:
    return _page(kiosk_id)


@blueprint.get("/<kiosk_id>/live")
@staff_page(*IT)
def show_live(kiosk_id: str) -> Response:
    shown = show_kiosk(resources().database, _checked(kiosk_id))
    return render_page("staff/kiosk_live.html", "fleet", **_facts(shown))


@blueprint.post("/<kiosk_id>/orders")
@staff_page(*IT)
def order(kiosk_id: str) -> ResponseReturnValue:
    kind = request.form.get("kind", "")
    order_kiosk(resources().database, _checked(kiosk_id), kind, actor=caller().actor)
    return _back(kiosk_id)


@blueprint.post("/<kiosk_id>/orders/<order_id>/cancel")
@staff_page(*IT)
def cancel(kiosk_id: str, order_id: str) -> ResponseReturnValue:
    cancel_order(resources().database, _checked(kiosk_id), order_id, actor=caller().actor)
    return _back(kiosk_id)


@blueprint.get("/<kiosk_id>/orders/<order_id>/file")
@staff_page(*IT)
def file(kiosk_id: str, order_id: str) -> Response:
    """A picture to look at, or logs to take away. Who looked is noted."""
    if not _ID.fullmatch(order_id):
        raise OrderNotFound
    server = resources()
    found = read_file(server.database, _checked(kiosk_id), order_id, actor=caller().actor)
    is_picture = found.kind == "take_picture"
    reply = Response(found.content, content_type="image/png" if is_picture else "application/gzip")
    at = found.settled_at.astimezone(server.catalogue.get().zone)
    end = "png" if is_picture else "log.gz"
    name = f"kiosk-{kiosk_id[-8:]}-{at:%Y%m%d-%H%M%S}.{end}"
    kind = "inline" if is_picture else "attachment"
    reply.headers["Content-Disposition"] = f'{kind}; filename="{name}"'
    return reply


@blueprint.post("/<kiosk_id>/pause")
@staff_page(*IT)
def pause(kiosk_id: str) -> ResponseReturnValue:
    def typed(field: str, usual: str) -> str:
        return " ".join(request.form.get(field, "").split()) or usual

    words = Words(vi=typed("vi", USUAL_WORDS.vi), en=typed("en", USUAL_WORDS.en))
    try:
        pause_kiosk(resources().database, _checked(kiosk_id), words, actor=caller().actor)
    except ValidationFailed as error:
        return _page(kiosk_id, refused=error)
    return _back(kiosk_id)


@blueprint.post("/<kiosk_id>/resume")
@staff_page(*IT)
def resume(kiosk_id: str) -> ResponseReturnValue:
    resume_kiosk(resources().database, _checked(kiosk_id), actor=caller().actor)
    return _back(kiosk_id)


@blueprint.post("/<kiosk_id>/change")
@staff_page(*IT)
def change(kiosk_id: str) -> ResponseReturnValue:
    fields = ("name", "profile", "owner", "contact", "serial_number")
    typed = {field: " ".join(request.form.get(field, "").split()) for field in fields}
    try:
        change_kiosk(
            resources().database, _checked(kiosk_id), KioskWish(**typed), actor=caller().actor
        )
    except _REFUSALS as error:
        return _page(kiosk_id, refused=error)
    return _back(kiosk_id)


@blueprint.post("/<kiosk_id>/replace")
@staff_page(*IT)
def replace(kiosk_id: str) -> Response:
    """The code of the new machine, told once; the old one goes on until it is used."""
    database = resources().database
    code = invite_replacement(database, _checked(kiosk_id), actor=caller().actor)
    kiosk = show_kiosk(database, kiosk_id).kiosk
    return _code_page(code, name=kiosk.name, kind=kiosk.kind, kiosk_id=kiosk_id)


@blueprint.post("/<kiosk_id>/revoke")
@staff_page(*IT)
def revoke(kiosk_id: str) -> ResponseReturnValue:
    revoke_one(resources().database, _checked(kiosk_id), actor=caller().actor)
    return redirect("/staff/fleet", 303)


@blueprint.get("/<kiosk_id>/ticket")
@staff_page(*IT)
def ticket(kiosk_id: str) -> Response:
    """For the bank or vendor that owns the machine: printed, or kept as a PDF by the browser."""
    shown = show_kiosk(resources().database, _checked(kiosk_id))
    return render_page("staff/kiosk_ticket.html", "staff", "fleet", **_facts(shown))


def _checked(untrusted_id: str) -> str:
    if not _ID.fullmatch(untrusted_id):
        raise KioskNotFound
    return untrusted_id


def _back(kiosk_id: str) -> ResponseReturnValue:
    return redirect(f"/staff/fleet/{kiosk_id}", 303)


def _live() -> dict[str, Any]:
    kiosks = show_fleet(resources().database)
    counts = Counter(kiosk.state for kiosk in kiosks)
    return {
        "kiosks": kiosks,
        "counts": [(state, counts[state]) for state in reversed(KioskState) if counts[state]],
        "may_open": caller().has_any(frozenset(IT)),
        "now": resources().database.clock(),
    }


def _board() -> Response:
    return render_page("staff/fleet.html", "staff", "fleet", **_live())


def _new_page(*, refused: BackendError | None = None) -> Response:
    return render_page(
        "staff/fleet_new.html",
        "staff",
        "fleet",
        status=refused.status if refused else 200,
        refused=refused.code if refused else None,
        invitations=list_invitations(resources().database),
        profiles=KIOSK_PROFILES,
        typed=request.form,
        max_name=MAX_NAME_CHARS,
    )


def _code_page(code: str, *, name: str, kind: str, kiosk_id: str | None = None) -> Response:
    server = resources()
    return render_page(
        "staff/fleet_code.html",
        "staff",
        "fleet",
        code=code,
        name=name,
        kind=kind,
        kiosk_id=kiosk_id,
        address=server.config.public_base or request.host_url.rstrip("/"),
    )


def _page(kiosk_id: str, *, refused: BackendError | None = None) -> Response:
    server = resources()
    shown = show_kiosk(server.database, _checked(kiosk_id))
    days = show_history(server.database, kiosk_id, zone=server.catalogue.get().zone)
    typed = request.form if refused else None
    values = asdict(shown.owner) | {"name": shown.kiosk.name, "profile": shown.kiosk.profile}
    return render_page(
        "staff/kiosk.html",
        "staff",
        "fleet",
        status=refused.status if refused else 200,
        refused=refused.code if refused else None,
        values={key: typed.get(key, value) if typed else value for key, value in values.items()},
        kinds=COMMAND_KINDS,
        profiles=KIOSK_PROFILES,
        usual_words=USUAL_WORDS,
        limits={"name": MAX_NAME_CHARS, "words": MAX_WORDS_CHARS, "owner": MAX_OWNER_CHARS},
        charts=[(name, draw_bars([getattr(day, name) for day in days])) for name in _CHARTS],
        days=days,
        **_facts(shown),
    )


def _facts(shown: KioskPage) -> dict[str, Any]:
    server = resources()
    actors = {order.created_by for order in shown.orders}
    with server.database.read() as connection:
        names = name_actors(connection, actors)
    return {
        "kiosk": shown.kiosk,
        "owner": shown.owner,
        "orders": shown.orders,
        "absences": shown.absences,
        "troubles": shown.troubles,
        "devices": shown.devices,
        "actors": names,
        "now": server.database.clock(),
    }
