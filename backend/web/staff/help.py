"""Calls for help, kiosks in trouble, visits to look at."""

from __future__ import annotations

import re
from typing import Any

from flask import Blueprint, Response, redirect, request
from flask.typing import ResponseReturnValue

from backend.errors import HelpCallNotFound
from backend.services.call_for_help import acknowledge_help_call, list_help_calls
from backend.services.keep_checkins import count_checkin_troubles
from backend.services.keep_outbox import list_outbox_alarms
from backend.services.list_open_matters import list_open_matters
from backend.services.manage_users import list_locked_users
from backend.services.record_device_event import list_troubles
from backend.web.api import caller, resources
from backend.web.help_calls import HELPERS
from backend.web.pages import render_page, staff_page
from backend.web.staff.checkins import CHECKIN_ROLES
from backend.web.staff.outbox import OUTBOX_ROLES

MAX_CALLS = 50
RECENT_CALLS = 5

_ID = re.compile(r"[0-9a-f]{32}")

blueprint = Blueprint("staff_help", __name__, url_prefix="/staff/help")


@blueprint.get("")
@staff_page(*HELPERS)
def board() -> Response:
    return render_page("staff/help.html", "staff", "help", **_live())


@blueprint.get("/live")
@staff_page(*HELPERS)
def live() -> Response:
    return render_page("staff/help_live.html", "help", **_live())


@blueprint.post("/calls/<help_call_id>/acknowledge")
@staff_page(*HELPERS)
def acknowledge(help_call_id: str) -> ResponseReturnValue:
    if not _ID.fullmatch(help_call_id):
        raise HelpCallNotFound
    acknowledge_help_call(resources().database, call_id=help_call_id, staff=caller())
    if request.headers.get("X-Fragment"):
        return render_page("staff/help_live.html", "help", **_live())
    return redirect("/staff/help", 303)


def _live() -> dict[str, Any]:
    server = resources()
    calls = list_help_calls(server.database, caller=caller(), state=None, limit=MAX_CALLS)
    return {
        "waiting": [call for call in calls if call.state == "waiting"],
        "acknowledged": [call for call in calls if call.state != "waiting"][:RECENT_CALLS],
        "troubles": list_troubles(server.database),
        "locked": list_locked_users(server.database),
        "outbox_roles": OUTBOX_ROLES,
        "alarms": list_outbox_alarms(server.database),
        "checkin_troubles": count_checkin_troubles(server.database),
        "checkin_roles": CHECKIN_ROLES,
        "matters": list_open_matters(server),
    }
