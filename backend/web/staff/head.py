"""The live page of the head of the examination department."""

from __future__ import annotations

from flask import Blueprint, Response

from backend.domain.roles import StaffRole
from backend.domain.rooms import RoomReason
from backend.services.show_hall import hall_to_json, load_hall
from backend.web.api import caller, resources
from backend.web.page_texts import texts
from backend.web.pages import page_language, render_page, staff_page

VIEWERS = frozenset({StaffRole.HEAD})

blueprint = Blueprint("staff_head", __name__, url_prefix="/staff/head")


@blueprint.get("")
@staff_page(*VIEWERS)
def board() -> Response:
    """Drawn with what is known now; the script keeps it fresh from there."""
    work = resources()
    with work.database.read() as connection:
        hall = load_hall(work, connection, caller=caller(), now=work.database.clock())
    zone = work.catalogue.get().zone.key
    return render_page(
        "staff/head.html",
        "staff",
        "head",
        hall=hall_to_json(hall),
        words=dict(texts(page_language(), "head")),
        zone=zone,
        reasons=[reason.value for reason in RoomReason],
    )
