"""The register of requests about personal data: taken, answered, ended, each in time."""

from __future__ import annotations

import csv
import io
import re
from datetime import date

from flask import Blueprint, Response, redirect, request
from flask.typing import ResponseReturnValue

from backend.domain.data_requests import CHANNELS, MAX_WORDS, RequestKind, RequestOutcome
from backend.domain.roles import StaffRole
from backend.errors import (
    AlreadyDone,
    BackendError,
    DataRequestNotFound,
    ReasonMissing,
    ValidationFailed,
)
from backend.services.keep_data_requests import (
    MAX_NAME_CHARS,
    Asker,
    RequestWish,
    answer_request,
    end_request,
    export_requests,
    list_requests,
    read_request,
    take_request,
)
from backend.web.api import caller, resources
from backend.web.form_times import find_day
from backend.web.page_texts import texts
from backend.web.pages import page_language, render_page, staff_page

REQUEST_ROLES = (StaffRole.QUALITY, StaffRole.AUDITOR)
FIELDS = ("kind", "channel", "received_on", "name", "reach", "about")
COLUMNS = (
    "number",
    "kind",
    "channel",
    "received_on",
    "answer_by",
    "answered_at",
    "done_by",
    "ended_at",
    "outcome",
)
_ID = re.compile(r"[0-9a-f]{32}")
_REFUSALS = (AlreadyDone, ReasonMissing, ValidationFailed)

blueprint = Blueprint("staff_data_requests", __name__, url_prefix="/staff/data-requests")


@blueprint.get("")
@staff_page(*REQUEST_ROLES)
def show_all() -> Response:
    return _board()


@blueprint.post("")
@staff_page(*REQUEST_ROLES)
def take() -> ResponseReturnValue:
    try:
        request_id = take_request(
            resources(), resources().catalogue.get(), _read_wish(), staff=caller()
        )
    except _REFUSALS as error:
        return _board(error)
    return redirect(f"/staff/data-requests/{request_id}", 303)


@blueprint.get("/<request_id>")
@staff_page(*REQUEST_ROLES)
def show(request_id: str) -> Response:
    return _page(request_id)


@blueprint.post("/<request_id>/answer")
@staff_page(*REQUEST_ROLES)
def answer(request_id: str) -> ResponseReturnValue:
    try:
        answer_request(resources().database, _checked(request_id), today=_today(), staff=caller())
    except _REFUSALS as error:
        return _page(request_id, error)
    return redirect(f"/staff/data-requests/{request_id}", 303)


@blueprint.post("/<request_id>/end")
@staff_page(*REQUEST_ROLES)
def end(request_id: str) -> ResponseReturnValue:
    try:
        end_request(
            resources(),
            _checked(request_id),
            _read_outcome(),
            words=request.form.get("words", ""),
            today=_today(),
            staff=caller(),
        )
    except _REFUSALS as error:
        return _page(request_id, error)
    return redirect("/staff/data-requests", 303)


@blueprint.post("/export.csv")
@staff_page(*REQUEST_ROLES)
def export() -> Response:
    words = texts(page_language(), "data_requests")
    zone = resources().catalogue.get().zone
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow([words["request_columns"][name] for name in COLUMNS])
    for each in export_requests(resources().database, today=_today(), staff=caller()):
        times = [
            f"{at.astimezone(zone):%Y-%m-%d %H:%M}" if at else ""
            for at in (each.answered_at, each.ended_at)
        ]
        outcome = words["request_outcomes"][each.outcome] if each.outcome else ""
        writer.writerow(
            [
                each.number,
                words["request_kinds"][each.kind],
                words["request_channels"][each.channel],
                each.received_on.isoformat(),
                each.answer_by.isoformat(),
                times[0],
                each.done_by.isoformat(),
                times[1],
                outcome,
            ]
        )
    reply = Response(
        b"\xef\xbb\xbf" + text.getvalue().encode(), content_type="text/csv; charset=utf-8"
    )
    reply.headers["Content-Disposition"] = 'attachment; filename="so-yeu-cau-du-lieu.csv"'
    reply.headers["Cache-Control"] = "no-store"
    return reply


def _read_wish() -> RequestWish:
    """Raises ValidationFailed."""
    form = request.form
    received_on = find_day(form.get("received_on", ""))
    if received_on is None:
        raise ValidationFailed("the day it came in is missing")
    try:
        kind = RequestKind(form.get("kind", ""))
    except ValueError as error:
        raise ValidationFailed("this kind of request is not known") from error
    return RequestWish(
        kind=kind,
        channel=form.get("channel", ""),
        received_on=received_on,
        asker=Asker(
            name=form.get("name", ""), reach=form.get("reach", ""), about=form.get("about", "")
        ),
    )


def _read_outcome() -> RequestOutcome:
    """Raises ValidationFailed."""
    try:
        return RequestOutcome(request.form.get("outcome", ""))
    except ValueError as error:
        raise ValidationFailed("this outcome is not known") from error


def _today() -> date:
    return resources().catalogue.get().today(resources().database.clock())


def _checked(untrusted_id: str) -> str:
    if not _ID.fullmatch(untrusted_id):
        raise DataRequestNotFound
    return untrusted_id


def _board(refusal: BackendError | None = None) -> Response:
    today = _today()
    usual = dict.fromkeys(FIELDS, "") | {"received_on": today.isoformat(), "channel": "desk"}
    filled = {name: request.form[name][:MAX_WORDS] for name in FIELDS if name in request.form}
    requests = list_requests(resources().database, today=today)
    return render_page(
        "staff/data_requests.html",
        "staff",
        "data_requests",
        status=refusal.status if refusal else 200,
        refused=refusal.code if refusal else None,
        open_requests=[each for each in requests if each.ended_at is None],
        ended_requests=[each for each in requests if each.ended_at is not None],
        kinds=list(RequestKind),
        channels=CHANNELS,
        filled=usual | filled,
        today=today,
        max_name=MAX_NAME_CHARS,
        max_words=MAX_WORDS,
    )


def _page(request_id: str, refusal: BackendError | None = None) -> Response:
    opened = read_request(resources(), _checked(request_id), today=_today(), staff=caller())
    return render_page(
        "staff/data_request.html",
        "staff",
        "data_requests",
        status=refusal.status if refusal else 200,
        refused=refusal.code if refusal else None,
        opened=opened,
        listed=opened.listed,
        outcomes=list(RequestOutcome),
        max_words=MAX_WORDS,
    )
