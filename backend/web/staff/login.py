"""Signing in and out, and the language of the pages."""

from __future__ import annotations

from flask import Blueprint, Response, redirect, request, session
from flask.typing import ResponseReturnValue

from backend.errors import RateLimited, SignInRefused
from backend.services.first_set_up import has_administrator, is_empty
from backend.services.sign_in import sign_in
from backend.services.staff_sessions import end_session
from backend.web.api import public, resources
from backend.web.auth import begin_session, find_staff_session, forget_session
from backend.web.page_texts import find_language
from backend.web.pages import LANGUAGE_COOKIE, local_path, render_page

_NEXT = "next"

blueprint = Blueprint("staff_login", __name__, url_prefix="/staff")


@blueprint.get("/login")
@public
def show() -> ResponseReturnValue:
    next_path = local_path(request.args.get("next"))
    if _is_for_first_set_up(next_path):
        return redirect("/staff/setup/start", 303)
    if find_staff_session(active=True) is not None:
        return redirect(next_path, 303)
    return show_login(next_path)


def _is_for_first_set_up(next_path: str) -> bool:
    """Nobody could sign in, or there is nobody who could go through the first set-up."""
    database = resources().database
    return is_empty(database) or (
        next_path.startswith("/staff/setup") and not has_administrator(database)
    )


@blueprint.post("/login")
@public
def login() -> ResponseReturnValue:
    next_path = local_path(request.form.get("next"))
    try:
        token = sign_in(
            resources(),
            untrusted_name=request.form.get("name", ""),
            untrusted_password=request.form.get("password", ""),
            address=hashed_address(),
        )
    except SignInRefused:
        return show_login(next_path, status=401, refused="login_refused")
    except RateLimited:
        return show_login(next_path, status=429, refused="login_too_often")
    before = find_staff_session(active=True)
    if before is not None:
        end_session(resources().database, before)
    begin_session(token)
    remember_next(next_path)
    return go_on()


@blueprint.post("/logout")
@public
def logout() -> ResponseReturnValue:
    """Ends the session on the server: a copy of the cookie is worth nothing afterwards."""
    found = find_staff_session(active=True)
    if found is not None:
        end_session(resources().database, found)
    forget_session()
    return redirect("/staff/login", 303)


@blueprint.get("/language/<code>")
@public
def language(code: str) -> ResponseReturnValue:
    reply = redirect(local_path(request.args.get("next")), 303)
    reply.set_cookie(
        LANGUAGE_COOKIE,
        find_language(code) or "vi",
        max_age=365 * 86_400,
        path="/staff",
        httponly=True,
        secure=request.is_secure,
        samesite="Lax",
    )
    return reply


def go_on() -> ResponseReturnValue:
    """Where somebody wanted to go before signing in; what is still to be done comes first."""
    return redirect(local_path(session.get(_NEXT)), 303)


def remember_next(path: str) -> None:
    """Where to go once signing in is complete, which may take several pages."""
    session[_NEXT] = path


def hashed_address() -> str:
    return resources().keys.hash("address", request.remote_addr or "")


def show_login(next_path: str, *, status: int = 200, refused: str | None = None) -> Response:
    return render_page(
        "staff/login.html",
        "staff",
        "login",
        status=status,
        refused=refused,
        next_path=next_path,
        single_sign_on=resources().config.single_sign_on is not None,
        name=request.form.get("name", "")[:80],
    )
