"""What is wrong with the machines and services of the house, and who was told of it."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, request

from backend.domain.alert_words import words_of
from backend.domain.alerts import AlertKind
from backend.domain.roles import StaffRole
from backend.services.show_alerts import MAX_QUERY_CHARS, AlertQuery, show_alerts
from backend.web.api import resources
from backend.web.pages import page_language, render_page, staff_page

ALERT_ROLES = (StaffRole.IT,)
LINKS = {
    AlertKind.KIOSK_NAME_TWICE: "/staff/fleet",
    AlertKind.AUDIT_BROKEN: "/staff/audit",
    AlertKind.AUDIT_UNSEALED: "/staff/audit",
    AlertKind.INCIDENT_DUE: "/staff/incidents",
    AlertKind.DEAD_LETTERS: "/staff/outbox",
    AlertKind.PARTY_AWAY: "/staff/outbox",
    AlertKind.CHECKIN_LATE: "/staff/checkins",
}

blueprint = Blueprint("staff_alerts", __name__, url_prefix="/staff/alerts")


@blueprint.get("")
@staff_page(*ALERT_ROLES)
def board() -> Response:
    query = _read_query()
    return render_page(
        "staff/alerts.html",
        "staff",
        "alerts",
        query=query,
        kinds=sorted(
            ((kind, words_of(kind, page_language()).raised) for kind in AlertKind),
            key=lambda each: each[1],
        ),
        max_query=MAX_QUERY_CHARS,
        **_live(query),
    )


@blueprint.get("/live")
@staff_page(*ALERT_ROLES)
def live() -> Response:
    return render_page("staff/alerts_live.html", "alerts", **_live(_read_query()))


def _read_query() -> AlertQuery:
    """A kind nobody knows is no kind: an old link still opens the page."""
    kind = request.args.get("kind", "")
    known = {each.value: each for each in AlertKind}
    return AlertQuery(kind=known.get(kind), text=request.args.get("q", "")[:MAX_QUERY_CHARS])


def _live(query: AlertQuery) -> dict[str, Any]:
    board = show_alerts(resources(), page_language(), query)
    links = {alert.id: _find_page(alert.kind, alert.subject) for alert in board.open}
    return {"board": board, "links": links}


def _find_page(kind: AlertKind, subject: str) -> str | None:
    """Where somebody does something about it."""
    begin, _, kiosk_id = subject.partition("kiosk:")
    if not begin and kiosk_id.isalnum():
        return f"/staff/fleet/{kiosk_id}"
    return LINKS.get(kind)
