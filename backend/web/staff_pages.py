"""The minimal page of the reception watch: calls for help, kiosks in trouble, cards to check.

A member of staff signs in with their code; the browser then holds a sealed cookie for a working
day at most. The cookie is not sent by other sites, and every change carries a token that only
this page knows. Whoever is revoked is out within seconds.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import wraps
from typing import Any
from urllib.parse import urlsplit

from flask import Blueprint, Response, g, redirect, request
from flask.typing import ResponseReturnValue

from backend.errors import HelpCallNotFound, LoginRequired, NotAllowed, RateLimited
from backend.events import Event
from backend.services.call_for_help import acknowledge_help_call, list_help_calls
from backend.services.limit_tries import STAFF_LOGINS_PER_ADDRESS, count_tries
from backend.services.list_open_matters import list_open_matters
from backend.services.recognise_caller import Caller, Callers, credential_hash
from backend.services.record_device_event import list_troubles
from backend.storage.crypto import CannotUnseal
from backend.storage.unit_of_work import UnitOfWork
from backend.web.api import public, resources
from backend.web.page_texts import find_language
from backend.web.pages import LANGUAGE_COOKIE, render_page

SESSION_LENGTH = timedelta(hours=12)
MAX_CODE_CHARS = 64
MAX_CALLS = 50
RECENT_CALLS = 5

_COOKIE = "staff"
_CONTEXT = "staff-session"
_ID = re.compile(r"[0-9a-f]{32}")

View = Callable[..., ResponseReturnValue]


@dataclass(frozen=True, kw_only=True)
class Session:
    staff: Caller
    csrf: str


def make_blueprint(callers: Callers) -> Blueprint:
    blueprint = Blueprint("staff", __name__, url_prefix="/staff")

    def signed_in(view: View) -> View:
        """Lets in who has a session; a change also needs the page's own token."""

        @public
        @wraps(view)
        def checked(*args: Any, **kwargs: Any) -> ResponseReturnValue:
            session = _find_session(callers)
            if session is None:
                raise LoginRequired
            if request.method == "POST":
                _check_origin()
                sent = request.form.get("csrf", "")
                if not secrets.compare_digest(sent.encode(), session.csrf.encode()):
                    raise NotAllowed
            g.session = session
            return view(*args, **kwargs)

        return checked

    @blueprint.get("")
    @public
    def board() -> ResponseReturnValue:
        session = _find_session(callers)
        if session is None:
            return _page("staff_login.html", refused=None)
        return _page("staff.html", staff_name=session.staff.name, **_live(session))

    @blueprint.post("/login")
    @public
    def login() -> ResponseReturnValue:
        _check_origin()
        server = resources()
        address = server.keys.hash("address", request.remote_addr or "")
        code = request.form.get("code", "").strip()
        try:
            count_tries(server.database, (STAFF_LOGINS_PER_ADDRESS, address))
        except RateLimited:
            return _page("staff_login.html", status=429, refused="login_too_often")
        staff = callers.find(code) if 0 < len(code) <= MAX_CODE_CHARS else None
        if staff is None or staff.role != "staff":
            return _page("staff_login.html", status=401, refused="login_refused")
        server.database.transact(lambda unit: _audit_login(unit, staff))
        reply = redirect("/staff", 303)
        reply.set_cookie(
            _COOKIE,
            _seal_session(code, server.database.clock()),
            max_age=int(SESSION_LENGTH.total_seconds()),
            path="/staff",
            httponly=True,
            secure=request.is_secure,
            samesite="Strict",
        )
        return reply

    @blueprint.post("/logout")
    @signed_in
    def logout() -> ResponseReturnValue:
        reply = redirect("/staff", 303)
        reply.delete_cookie(_COOKIE, path="/staff", httponly=True, samesite="Strict")
        return reply

    @blueprint.get("/live")
    @signed_in
    def live() -> ResponseReturnValue:
        return _page("staff_live.html", **_live(g.session))

    @blueprint.post("/help-calls/<help_call_id>/acknowledge")
    @signed_in
    def acknowledge(help_call_id: str) -> ResponseReturnValue:
        session: Session = g.session
        if not _ID.fullmatch(help_call_id):
            raise HelpCallNotFound
        acknowledge_help_call(resources().database, call_id=help_call_id, staff=session.staff)
        if request.headers.get("X-Fragment"):
            return _page("staff_live.html", **_live(session))
        return redirect("/staff", 303)

    @blueprint.get("/language/<code>")
    @public
    def language(code: str) -> ResponseReturnValue:
        reply = redirect("/staff", 303)
        reply.set_cookie(
            LANGUAGE_COOKIE,
            find_language(code) or "vi",
            max_age=365 * 86_400,
            path="/staff",
            httponly=True,
            secure=request.is_secure,
            samesite="Strict",
        )
        return reply

    return blueprint


def _page(template: str, *, status: int = 200, **facts: Any) -> Response:
    return render_page(template, "help", status=status, **facts)


def _live(session: Session) -> dict[str, Any]:
    server = resources()
    calls = list_help_calls(server.database, caller=session.staff, state=None, limit=MAX_CALLS)
    return {
        "csrf": session.csrf,
        "waiting": [call for call in calls if call.state == "waiting"],
        "acknowledged": [call for call in calls if call.state != "waiting"][:RECENT_CALLS],
        "troubles": list_troubles(server.database),
        "matters": list_open_matters(server),
    }


def _seal_session(code: str, now: datetime) -> str:
    """The hash of the credential, sealed: the cookie opens nothing but this page."""
    content = {
        "hash": credential_hash(code),
        "until": (now + SESSION_LENGTH).timestamp(),
        "csrf": secrets.token_urlsafe(16),
    }
    box = resources().keys.seal(json.dumps(content).encode(), context=_CONTEXT)
    return base64.urlsafe_b64encode(box).decode()


def _find_session(callers: Callers) -> Session | None:
    server = resources()
    try:
        box = base64.urlsafe_b64decode(request.cookies.get(_COOKIE, ""))
        content = json.loads(server.keys.unseal(box, context=_CONTEXT))
    except (CannotUnseal, binascii.Error, ValueError):
        return None
    if content["until"] < server.database.clock().timestamp():
        return None
    staff = callers.find_by_hash(content["hash"])
    if staff is None or staff.role != "staff":
        return None
    return Session(staff=staff, csrf=content["csrf"])


def _check_origin() -> None:
    """A form of another site is refused even where a browser would send the cookie along."""
    origin = request.headers.get("Origin")
    if origin is not None and urlsplit(origin).netloc != request.host:
        raise NotAllowed


def _audit_login(unit: UnitOfWork, staff: Caller) -> None:
    unit.audit(Event.STAFF_LOGGED_IN, actor=staff.actor, subject=staff.actor)
