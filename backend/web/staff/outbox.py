"""Messages to other systems: how they go, and what staff do with those that do not.

The list names nobody: numbers of tickets, kinds, reasons. Who may choose between records of
people is reception; the computers' staff see none.
"""

from __future__ import annotations

import re
from typing import Any

from flask import Blueprint, Response, redirect, request
from flask.typing import ResponseReturnValue

from backend.domain.outbox import DEAD_LETTERS, UNDER_WAY
from backend.domain.roles import StaffRole
from backend.errors import (
    BackendError,
    MessageNotFound,
    NotADeadLetter,
    ReasonMissing,
    VisitNotFound,
    WrongRecord,
)
from backend.services.keep_outbox import (
    MAX_REASON_CHARS,
    choose_patient,
    discard_message,
    get_message,
    list_candidates,
    list_messages,
    look_at_outbox,
    replay_message,
)
from backend.services.payment_methods import name_payers
from backend.services.remote_party import NoAnswer
from backend.services.show_his_feed import show_his_feed
from backend.web.api import caller, resources
from backend.web.pages import page_language, render_page, staff_page
from his_adapter.errors import HisError

OUTBOX_ROLES = (StaffRole.IT, StaffRole.RECEPTION)
CHOOSERS = (StaffRole.RECEPTION,)
MAX_SHOWN = 50
MAX_REF_CHARS = 200
_ID = re.compile(r"[0-9a-f]{32}")
_REFUSALS = (NotADeadLetter, ReasonMissing, WrongRecord)

blueprint = Blueprint("staff_outbox", __name__, url_prefix="/staff/outbox")


@blueprint.get("")
@staff_page(*OUTBOX_ROLES)
def board() -> Response:
    return render_page("staff/outbox.html", "staff", "outbox", **_live())


@blueprint.get("/live")
@staff_page(*OUTBOX_ROLES)
def live() -> Response:
    return render_page("staff/outbox_live.html", "outbox", **_live())


@blueprint.get("/<message_id>")
@staff_page(*OUTBOX_ROLES)
def show(message_id: str) -> Response:
    return _page(message_id)


@blueprint.post("/<message_id>/replay")
@staff_page(*OUTBOX_ROLES)
def replay(message_id: str) -> ResponseReturnValue:
    try:
        replay_message(resources().database, _checked(message_id), actor=caller().actor)
    except _REFUSALS as error:
        return _page(message_id, refused=error)
    return redirect("/staff/outbox", 303)


@blueprint.post("/<message_id>/discard")
@staff_page(*OUTBOX_ROLES)
def discard(message_id: str) -> ResponseReturnValue:
    reason = request.form.get("reason", "")
    try:
        discard_message(
            resources().database, _checked(message_id), reason=reason, actor=caller().actor
        )
    except _REFUSALS as error:
        return _page(message_id, refused=error)
    return redirect("/staff/outbox", 303)


@blueprint.post("/<message_id>/candidates")
@staff_page(*CHOOSERS)
def candidates(message_id: str) -> Response:
    """A POST, because it is noted down who looked."""
    try:
        found = list_candidates(resources(), _checked(message_id), actor=caller().actor)
    except _REFUSALS as error:
        return _page(message_id, refused=error)
    except (NoAnswer, HisError):
        return _page(message_id, away=True)
    except VisitNotFound:
        found = []
    return _page(message_id, candidates=found)


@blueprint.post("/<message_id>/choose")
@staff_page(*CHOOSERS)
def choose(message_id: str) -> ResponseReturnValue:
    ref = request.form.get("ref", "")[:MAX_REF_CHARS]
    try:
        choose_patient(resources(), _checked(message_id), ref=ref, actor=caller().actor)
    except _REFUSALS as error:
        return _page(message_id, refused=error)
    except (NoAnswer, HisError):
        return _page(message_id, away=True)
    return redirect("/staff/outbox", 303)


def _checked(untrusted_id: str) -> str:
    if not _ID.fullmatch(untrusted_id):
        raise MessageNotFound
    return untrusted_id


def _page(untrusted_id: str, *, refused: BackendError | None = None, **facts: Any) -> Response:
    message = get_message(resources().database, _checked(untrusted_id))
    return render_page(
        "staff/outbox_message.html",
        "staff",
        "outbox",
        status=refused.status if refused else 200,
        message=message,
        refused=refused.code if refused else None,
        may_choose=caller().has_any(frozenset(CHOOSERS)),
        max_reason=MAX_REASON_CHARS,
        **{"candidates": None, "away": False} | facts,
    )


def _live() -> dict[str, Any]:
    database = resources().database
    return {
        "parties": look_at_outbox(database),
        "payers": name_payers(resources(), page_language()),
        "feed": show_his_feed(resources()),
        "dead": list_messages(database, states=DEAD_LETTERS, limit=MAX_SHOWN),
        "under_way": list_messages(database, states=UNDER_WAY, limit=MAX_SHOWN),
    }
