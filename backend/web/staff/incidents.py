"""Incidents: opened, told in time, written down, handed over as a pack, closed."""

from __future__ import annotations

import re
import tempfile
from datetime import timedelta

from flask import Blueprint, Response, redirect, request, send_file
from flask.typing import ResponseReturnValue

from backend.domain.incidents import MAX_WORDS, IncidentKind, is_told
from backend.domain.roles import StaffRole
from backend.errors import (
    AlreadyDone,
    BackendError,
    DutyOpen,
    IncidentNotFound,
    PackTooLarge,
    ReasonMissing,
    ValidationFailed,
)
from backend.services.export_incident import export_incident
from backend.services.keep_incidents import (
    TOLD,
    IncidentWish,
    NoteKind,
    list_incidents,
    note_incident,
    open_incident,
    read_incident,
)
from backend.web.api import caller, resources
from backend.web.form_times import find_moment, to_field
from backend.web.pages import render_page, staff_page

INCIDENT_ROLES = (StaffRole.IT, StaffRole.AUDITOR)
USUAL_SPAN = timedelta(days=1)
MOST_ROWS = 50_000
IN_MEMORY_BYTES = 4 * 1024**2
_ID = re.compile(r"[0-9a-f]{32}")
_REFUSALS = (AlreadyDone, DutyOpen, ReasonMissing, ValidationFailed)

blueprint = Blueprint("staff_incidents", __name__, url_prefix="/staff/incidents")


@blueprint.get("")
@staff_page(*INCIDENT_ROLES)
def show_all() -> Response:
    return _board()


@blueprint.post("")
@staff_page(*INCIDENT_ROLES)
def open_() -> ResponseReturnValue:
    try:
        incident_id = open_incident(resources(), _read_wish(), actor=caller().actor)
    except _REFUSALS as error:
        return _board(error)
    return redirect(f"/staff/incidents/{incident_id}", 303)


@blueprint.get("/<incident_id>")
@staff_page(*INCIDENT_ROLES)
def show(incident_id: str) -> Response:
    return _page(incident_id)


@blueprint.post("/<incident_id>/note")
@staff_page(*INCIDENT_ROLES)
def note(incident_id: str) -> ResponseReturnValue:
    return _write(incident_id, "note")


@blueprint.post("/<incident_id>/told")
@staff_page(*INCIDENT_ROLES)
def told(incident_id: str) -> ResponseReturnValue:
    kind = request.form.get("duty", "")
    if kind not in TOLD:
        raise IncidentNotFound
    return _write(incident_id, kind)


@blueprint.post("/<incident_id>/close")
@staff_page(*INCIDENT_ROLES)
def close(incident_id: str) -> ResponseReturnValue:
    return _write(incident_id, "closing")


@blueprint.post("/<incident_id>/pack.zip")
@staff_page(*INCIDENT_ROLES)
def pack(incident_id: str) -> Response:
    """Made first and sent then: half a pack must not look like one. The proxy waits for the first
    byte for 35 s: larger ones are made by `tiepdon incident export`.
    """
    file = tempfile.SpooledTemporaryFile(IN_MEMORY_BYTES)  # noqa: SIM115  # closed when it was sent
    try:
        summary = export_incident(
            resources(),
            _checked(incident_id),
            file,  # type: ignore[arg-type]  # a file of bytes in all but name
            actor=caller().actor,
            most_rows=MOST_ROWS,
        )
        file.seek(0)
    except PackTooLarge as error:
        file.close()
        return _page(incident_id, error)
    except BaseException:  # whatever ends it, an interrupt too: no half a pack is kept open
        file.close()
        raise
    reply = send_file(
        file,
        mimetype="application/zip",
        as_attachment=True,
        download_name=f"su-co-{summary.number}.zip",
    )
    reply.headers["Cache-Control"] = "no-store"
    reply.call_on_close(file.close)
    return reply


def _write(incident_id: str, kind: NoteKind) -> ResponseReturnValue:
    words = request.form.get("words", "")
    try:
        note_incident(resources(), _checked(incident_id), kind, words=words, actor=caller().actor)
    except _REFUSALS as error:
        return _page(incident_id, error)
    return redirect(f"/staff/incidents/{incident_id}", 303)


def _read_wish() -> IncidentWish:
    """Raises ValidationFailed."""
    form = request.form
    moments = [find_moment(form.get(name, "")) for name in ("noticed_at", "span_from", "span_to")]
    noticed_at, span_from, span_to = moments
    if noticed_at is None or span_from is None or span_to is None:
        raise ValidationFailed("a time is missing")
    try:
        kind = IncidentKind(form.get("kind", ""))
    except ValueError as error:
        raise ValidationFailed("this kind of incident is not known") from error
    return IncidentWish(
        kind=kind,
        noticed_at=noticed_at,
        span_from=span_from,
        span_to=span_to,
        about=form.get("about", ""),
    )


def _checked(untrusted_id: str) -> str:
    if not _ID.fullmatch(untrusted_id):
        raise IncidentNotFound
    return untrusted_id


def _board(refusal: BackendError | None = None) -> Response:
    database = resources().database
    now = database.clock()
    usual = {
        "noticed_at": to_field(now),
        "span_from": to_field(now - USUAL_SPAN),
        "span_to": to_field(now),
        "kind": "",
        "about": "",
    }
    filled = {name: request.form[name][:MAX_WORDS] for name in usual if name in request.form}
    incidents = list_incidents(database)
    return render_page(
        "staff/incidents.html",
        "staff",
        "incidents",
        status=refusal.status if refusal else 200,
        refused=refusal.code if refusal else None,
        open_incidents=[each for each in incidents if each.closed_at is None],
        closed_incidents=[each for each in incidents if each.closed_at is not None],
        kinds=list(IncidentKind),
        filled=usual | filled,
        now=now,
        max_words=MAX_WORDS,
    )


def _page(incident_id: str, refusal: BackendError | None = None) -> Response:
    incident = read_incident(resources(), _checked(incident_id), actor=caller().actor)
    return render_page(
        "staff/incident.html",
        "staff",
        "incidents",
        status=refusal.status if refusal else 200,
        refused=refusal.code if refusal else None,
        incident=incident,
        listed=incident.listed,
        may_close=incident.listed.closed_at is None and is_told(incident.listed.duties),
        now=resources().database.clock(),
        max_words=MAX_WORDS,
    )
