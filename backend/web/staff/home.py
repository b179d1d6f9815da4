"""Where somebody arrives after signing in: a card for each page that their roles open."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, Response

from backend.domain.roles import StaffRole
from backend.services.first_set_up import find_progress
from backend.services.show_alerts import count_open_alerts
from backend.web.api import caller, resources
from backend.web.calling_words import WORDING_ROLES
from backend.web.displays import DISPLAY_ROLES
from backend.web.help_calls import HELPERS
from backend.web.pages import render_page, staff_page
from backend.web.reception import DESK
from backend.web.rooms import CALLERS
from backend.web.staff.alerts import ALERT_ROLES
from backend.web.staff.audit import AUDIT_ROLES
from backend.web.staff.checkins import CHECKIN_ROLES
from backend.web.staff.data_requests import REQUEST_ROLES
from backend.web.staff.fleet import LOOKERS
from backend.web.staff.incidents import INCIDENT_ROLES
from backend.web.staff.outbox import OUTBOX_ROLES
from backend.web.staff.payments import MONEY_ROLES
from backend.web.staff.reports import REPORT_ROLES
from backend.web.staff.settings import SETTINGS_ROLES

blueprint = Blueprint("staff_home", __name__, url_prefix="/staff")


@dataclass(frozen=True, kw_only=True)
class Card:
    """`key` names title and text in the words of `home` (`cards`)."""

    path: str
    key: str
    roles: frozenset[StaffRole]


CARDS = (
    Card(path="/staff/reception", key="reception", roles=frozenset(DESK)),
    Card(path="/staff/rooms", key="rooms", roles=frozenset(CALLERS)),
    Card(path="/staff/payments", key="payments", roles=frozenset(MONEY_ROLES)),
    Card(path="/staff/help", key="help", roles=frozenset(HELPERS)),
    Card(path="/staff/fleet", key="fleet", roles=frozenset(LOOKERS)),
    Card(path="/staff/outbox", key="outbox", roles=frozenset(OUTBOX_ROLES)),
    Card(path="/staff/checkins", key="checkins", roles=frozenset(CHECKIN_ROLES)),
    Card(path="/staff/alerts", key="alerts", roles=frozenset(ALERT_ROLES)),
    Card(path="/staff/displays", key="displays", roles=frozenset(DISPLAY_ROLES)),
    Card(path="/staff/head", key="head", roles=frozenset({StaffRole.HEAD})),
    Card(path="/staff/reports", key="reports", roles=frozenset(REPORT_ROLES)),
    Card(
        path="/staff/announcements",
        key="announcements",
        roles=frozenset({StaffRole.CONTENT_EDITOR}),
    ),
    Card(path="/staff/settings", key="settings", roles=frozenset(SETTINGS_ROLES)),
    Card(path="/staff/calling-words", key="calling_words", roles=frozenset(WORDING_ROLES)),
    Card(path="/staff/audit", key="audit", roles=frozenset(AUDIT_ROLES)),
    Card(path="/staff/incidents", key="incidents", roles=frozenset(INCIDENT_ROLES)),
    Card(path="/staff/data-requests", key="data_requests", roles=frozenset(REQUEST_ROLES)),
)


SET_UP = Card(path="/staff/setup", key="set_up", roles=frozenset(SETTINGS_ROLES))
"""Shown first, until the first set-up is over."""


@blueprint.get("")
@staff_page()
def home() -> Response:
    cards = [card for card in CARDS if caller().has_any(card.roles)]
    if caller().has_any(SET_UP.roles) and _is_set_up_open():
        cards.insert(0, SET_UP)
    return render_page("staff/home.html", "staff", "home", cards=cards, counts=_count())


def _count() -> dict[str, int]:
    """Card → how much waits behind it, where that is known."""
    if not caller().has_any(frozenset(ALERT_ROLES)):
        return {}
    return {"alerts": sum(count_open_alerts(resources().database).values())}


def _is_set_up_open() -> bool:
    progress = find_progress(resources().database)
    return progress is not None and progress.finished_at is None


@blueprint.get("/session")
@staff_page()
def session() -> Response:
    """An open page asks now and then: 401 once its session has ended."""
    return Response(status=204)
