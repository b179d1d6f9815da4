"""Nobody gets in who was not let in: every route is closed unless it says who may call it.

Programs send a credential as a bearer. Browsers hold a cookie with the token of a session
(Flask-Login keeps it there); what a cookie alone could change also needs the token that only our
pages know (Flask-WTF), because a browser sends cookies for any site that asks it to.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import urlencode, urlsplit

from flask import Flask, current_app, g, redirect, request, session
from flask.sessions import SecureCookieSessionInterface
from flask.typing import ResponseReturnValue
from flask_login import LoginManager, login_user, logout_user
from flask_wtf.csrf import CSRFError, CSRFProtect

from backend.errors import FormRefused, LoginRequired, NotAllowed
from backend.services.note_refusal import note_refusal
from backend.services.recognise_caller import Caller, Callers
from backend.services.recognise_partner import Partners
from backend.services.resources import Resources
from backend.services.staff_sessions import StaffSession, find_session
from backend.storage.origin import set_origin
from backend.web import partner_auth
from backend.web.api import API_PREFIX, resources
from backend.web.pages import render_page
from backend.web.problems import problem

MAX_CREDENTIAL_CHARS = 128
PAGES_PREFIX = "/staff"
PHONES = "/t/"
_SCHEME = "bearer"
_SAFE = {"GET", "HEAD", "OPTIONS"}
_STAGE_PAGES = {
    "second_factor": "/staff/second-factor",
    "enrol": "/staff/second-factor",
    "password": "/staff/password",
}

_csrf = CSRFProtect()


@dataclass(frozen=True, kw_only=True)
class SignedIn:
    """A session as Flask-Login wants to see it: known by its token, not by the user's id."""

    staff_session: StaffSession
    is_authenticated: bool = True
    is_active: bool = True
    is_anonymous: bool = False

    def get_id(self) -> str:
        return self.staff_session.token


class _Cookie(SecureCookieSessionInterface):
    """Over TLS the cookie is for TLS only; a demo on loopback has none."""

    def get_cookie_secure(self, app: Flask) -> bool:  # noqa: ARG002  # the signature is Flask's
        return bool(request.is_secure)


def install(app: Flask, callers: Callers, server: Resources) -> None:
    app.secret_key = server.keys.hash("browser-cookie")
    app.config.update(
        # Browsers tell ports of one name not apart: who opens a lesson stays signed in at work.
        SESSION_COOKIE_NAME="staff-practice" if server.config.practice else "staff",
        SESSION_COOKIE_HTTPONLY=True,
        # Lax, not Strict: who comes back from the single sign-on of the hospital comes from
        # another site. Changes need the token of the page in any case.
        SESSION_COOKIE_SAMESITE="Lax",
        WTF_CSRF_CHECK_DEFAULT=False,
        WTF_CSRF_TIME_LIMIT=None,
        # Would ask for a Referer, which our pages do not send; Origin is looked at below.
        WTF_CSRF_SSL_STRICT=False,
    )
    app.session_interface = _Cookie()
    _csrf.init_app(app)
    manager = LoginManager()
    manager.init_app(app, add_context_processor=False)
    manager.session_protection = None
    manager.user_loader(_load)
    app.context_processor(_page_facts)
    partners = Partners(server)

    def check() -> ResponseReturnValue | None:
        """Before anything of the request is read or looked up."""
        view = current_app.view_functions.get(request.endpoint or "")
        # The phone in a patient's hand is theirs: its address is kept nowhere.
        set_origin(None if request.path.startswith(PHONES) else request.remote_addr)
        if getattr(view, "public", False):
            if request.method not in _SAFE and request.path.startswith(f"{PAGES_PREFIX}/"):
                check_form()
            return None
        if view is None and not request.path.startswith(f"{API_PREFIX}/"):
            return None  # nothing there: answered as such
        if hasattr(view, "page_roles"):
            return _check_page(view)
        if request.blueprint == partner_auth.BLUEPRINT:
            g.partner = partner_auth.recognise(partners, once=partner_auth.is_about_people(view))
            g.caller = g.partner.caller
            return None
        caller = _find_bearer(callers) or _get_browser()
        # An unknown caller is told 401 for any address, known or not.
        if view is not None and not caller.has_any(getattr(view, "allowed_roles", frozenset())):
            _note_refusal(caller)
            raise NotAllowed
        if (most := getattr(view, "api_max_bytes", None)) is not None:
            request.max_content_length = most + 1
        g.caller = caller
        return None

    app.before_request(check)
    app.register_error_handler(FormRefused, _on_old_form)


def begin_session(token: str) -> None:
    """The browser holds the token of a session from here on, and nothing of an earlier one."""
    session.clear()
    found = find_session(resources(), token, active=True)
    if found is None:
        raise LoginRequired
    login_user(SignedIn(staff_session=found))


def forget_session() -> None:
    logout_user()
    session.clear()


def find_staff_session(*, active: bool | None = None) -> StaffSession | None:
    """Who sits at this browser, also half signed in. Looked up once a request."""
    if "staff_session" not in g:
        token = session.get("_user_id")
        is_active = _is_active() if active is None else active
        g.staff_session = (
            find_session(resources(), token, active=is_active) if isinstance(token, str) else None
        )
    return cast("StaffSession | None", g.staff_session)


def staff_session() -> StaffSession:
    """The session of a page that `staff_page` let somebody see."""
    return cast("StaffSession", g.staff_session)


def make_recheck(callers: Callers) -> Callable[[], bool]:
    """For a reply that goes on after the request: False once its reader may no longer read on,
    because they signed out, were closed or revoked. Listening does not keep anybody signed in.
    """
    server, found = resources(), g.get("staff_session")
    if found is not None:

        def is_signed_in() -> bool:
            again = find_session(server, found.token, active=False)
            return again is not None and again.stage is None

        return is_signed_in
    credential = request.headers.get("Authorization", "").partition(" ")[2]
    return lambda: callers.find(credential) is not None


def check_form() -> None:
    """Raises FormRefused for a change that did not come from a page of ours."""
    fetch_site = request.headers.get("Sec-Fetch-Site")
    origin = request.headers.get("Origin", "null")
    # Our pages send no referrer, and browsers then say "null" for the origin of a form.
    is_foreign = origin != "null" and urlsplit(origin).netloc != request.host
    if fetch_site in {"cross-site", "same-site"} or is_foreign:
        raise FormRefused
    try:
        _csrf.protect()
    except CSRFError as error:
        raise FormRefused from error


def _load(token: str) -> SignedIn | None:
    """For Flask-Login."""
    found = find_session(resources(), token, active=False)
    return SignedIn(staff_session=found) if found else None


def _find_bearer(callers: Callers) -> Caller | None:
    """None when no credential is sent at all. Raises LoginRequired for a wrong one."""
    if "Authorization" not in request.headers:
        return None
    scheme, _, credential = request.headers["Authorization"].partition(" ")
    # RFC 9110 11.1: the name of a scheme is told apart by its letters, not by their case.
    if scheme.lower() != _SCHEME or not 0 < len(credential) <= MAX_CREDENTIAL_CHARS:
        raise LoginRequired
    caller = callers.find(credential)
    if caller is None:
        raise LoginRequired
    return caller


def _get_browser() -> Caller:
    found = find_staff_session()
    if found is None or found.stage is not None:
        raise LoginRequired
    if request.method not in _SAFE:
        check_form()
    return found.caller


def _check_page(view: Any) -> ResponseReturnValue | None:
    found = find_staff_session()
    if found is None:
        if is_asked_by_script():
            raise LoginRequired
        here = request.full_path.rstrip("?") if request.method == "GET" else PAGES_PREFIX
        return redirect(f"/staff/login?{urlencode({'next': here})}", 303)
    if view.page_max_bytes is not None and found.caller.has_any(view.page_roles):
        request.max_content_length = view.page_max_bytes
        request.max_form_memory_size = view.page_max_bytes
    if request.method not in _SAFE:
        check_form()
    own_stage = getattr(view, "page_stage", None)
    if found.stage is not None and _STAGE_PAGES[found.stage] != _STAGE_PAGES.get(own_stage or ""):
        if is_asked_by_script():
            raise LoginRequired
        return redirect(_STAGE_PAGES[found.stage], 303)
    g.caller = found.caller
    if not found.caller.has_any(view.page_roles):
        _note_refusal(found.caller)
        if is_asked_by_script():
            raise NotAllowed
        return render_page("staff/refused.html", "staff", status=403)
    return None


def _note_refusal(caller: Caller) -> None:
    rule = request.url_rule
    note_refusal(resources().database, caller, rule=rule.rule if rule is not None else "")


def _on_old_form(error: FormRefused) -> ResponseReturnValue:
    if request.path.startswith(f"{PAGES_PREFIX}/") and not is_asked_by_script():
        return render_page("staff/refused.html", "staff", status=error.status, reason="old_form")
    return problem(error)


def is_asked_by_script() -> bool:
    """A part of a page or a stream: an answer in the form of a page would be put in the middle."""
    return (
        "X-Fragment" in request.headers
        or "X-Background" in request.headers
        or request.accept_mimetypes.best == "text/event-stream"
    )


def _is_active() -> bool:
    """Whether a person does something. What a page fetches by itself does not count."""
    if "X-Background" in request.headers or "background" in request.args:
        return False
    if request.accept_mimetypes.best == "text/event-stream":
        return False
    return request.method not in _SAFE or not request.path.startswith(f"{API_PREFIX}/")


def _page_facts() -> dict[str, object]:
    """What every template of a page may use: `staff` is who is signed in, if anybody."""
    found = g.get("staff_session")
    return {"staff": found.caller if found and found.stage is None else None}
