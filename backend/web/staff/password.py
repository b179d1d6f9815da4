"""Choosing a new password: at the first sign-in, and whenever somebody wants to."""

from __future__ import annotations

from flask import Blueprint, Response, request
from flask.typing import ResponseReturnValue

from backend.domain.passwords import MIN_CHARS, MIN_CHARS_WITH_SECOND_FACTOR
from backend.errors import PasswordRefused, RateLimited, SignInRefused
from backend.services.change_password import change_password
from backend.web.api import resources
from backend.web.auth import staff_session
from backend.web.pages import render_page, staff_page
from backend.web.staff.login import go_on

blueprint = Blueprint("staff_password", __name__, url_prefix="/staff")


@blueprint.get("/password")
@staff_page(stage="password")
def show() -> Response:
    return _page()


@blueprint.post("/password")
@staff_page(stage="password")
def change() -> ResponseReturnValue:
    new = request.form.get("new", "")
    if new != request.form.get("again", ""):
        return _page(status=422, refused="not_the_same")
    try:
        change_password(
            resources(),
            staff_session(),
            untrusted_old=request.form.get("old", ""),
            untrusted_new=new,
        )
    except PasswordRefused as error:
        return _page(status=422, refused=error.fault)
    except SignInRefused:
        return _page(status=401, refused="old_wrong")
    except RateLimited:
        return _page(status=429, refused="too_often")
    return go_on()


def _page(*, status: int = 200, refused: str | None = None) -> Response:
    found = staff_session()
    return render_page(
        "staff/password.html",
        "staff",
        "password",
        status=status,
        refused=refused,
        login_name=found.login_name,
        first=found.stage == "password",
        least_chars=MIN_CHARS_WITH_SECOND_FACTOR if found.has_second_factor else MIN_CHARS,
        second_factor=found.has_second_factor,
    )
