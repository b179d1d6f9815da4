"""Check-in tables for the insurance gateway: what is late, what is wrong, what the portal said.

The list names nobody. The XML itself is full of personal data: reception opens it, on record.
"""

from __future__ import annotations

import re
from typing import Any

from flask import Blueprint, Response, redirect, request
from flask.typing import ResponseReturnValue

from backend.domain.checkin_table.states import CheckinState
from backend.domain.roles import StaffRole
from backend.errors import (
    BackendError,
    ChangedMeanwhile,
    MoveNotAllowed,
    ReasonMissing,
    VisitNotFound,
)
from backend.services.keep_checkins import (
    MAX_REASON_CHARS,
    correct_checkin,
    get_checkin,
    judge_checkin,
    look_at_checkins,
    read_document,
)
from backend.web.api import caller, resources
from backend.web.pages import render_page, staff_page

CHECKIN_ROLES = (StaffRole.RECEPTION, StaffRole.IT)
READERS = (StaffRole.RECEPTION,)
_ID = re.compile(r"[0-9a-f]{32}")
_REFUSALS = (ChangedMeanwhile, MoveNotAllowed, ReasonMissing)
_VERDICTS = {state.value: state for state in (CheckinState.ACCEPTED, CheckinState.FAULTY)}

blueprint = Blueprint("staff_checkins", __name__, url_prefix="/staff/checkins")


@blueprint.get("")
@staff_page(*CHECKIN_ROLES)
def board() -> Response:
    sender = resources().catalogue.get().settings.checkin_sender
    return render_page(
        "staff/checkins.html",
        "staff",
        "checkins",
        board=look_at_checkins(resources()),
        sender=sender,
    )


@blueprint.get("/<document_id>")
@staff_page(*CHECKIN_ROLES)
def show(document_id: str) -> Response:
    return _page(document_id)


@blueprint.post("/<document_id>/judge")
@staff_page(*CHECKIN_ROLES)
def judge(document_id: str) -> ResponseReturnValue:
    state = _VERDICTS.get(request.form.get("state", ""))
    try:
        if state is None:
            raise MoveNotAllowed
        judge_checkin(resources(), _checked(document_id), state, staff=caller())
    except _REFUSALS as error:
        return _page(document_id, refused=error)
    return redirect("/staff/checkins", 303)


@blueprint.post("/<document_id>/again")
@staff_page(*CHECKIN_ROLES)
def again(document_id: str) -> ResponseReturnValue:
    reason = request.form.get("reason", "")
    try:
        correct_checkin(resources(), _checked(document_id), reason=reason, staff=caller())
    except _REFUSALS as error:
        return _page(document_id, refused=error)
    return redirect("/staff/checkins", 303)


@blueprint.post("/<document_id>/read")
@staff_page(*READERS)
def read(document_id: str) -> Response:
    """A POST, because it is noted down who looked."""
    try:
        document, message = read_document(resources(), _checked(document_id), staff=caller())
    except VisitNotFound:
        return _page(document_id, document="", message="")
    return _page(document_id, document=document.decode(), message=message)


def _checked(untrusted_id: str) -> str:
    if not _ID.fullmatch(untrusted_id):
        raise VisitNotFound
    return untrusted_id


def _page(untrusted_id: str, *, refused: BackendError | None = None, **facts: Any) -> Response:
    checkin = get_checkin(resources(), _checked(untrusted_id))
    return render_page(
        "staff/checkin.html",
        "staff",
        "checkins",
        status=refused.status if refused else 200,
        checkin=checkin,
        refused=refused.code if refused else None,
        may_read=caller().has_any(frozenset(READERS)),
        max_reason=MAX_REASON_CHARS,
        **{"document": None, "message": ""} | facts,
    )
