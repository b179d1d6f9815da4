"""The code beside the password: setting it up, giving it, and taking it away."""

from __future__ import annotations

import base64
from typing import Any

import qrcode
from flask import Blueprint, Response, request
from flask.typing import ResponseReturnValue
from qrcode.image.svg import SvgPathImage

from backend.errors import SecondFactorRefused
from backend.services.second_factor import (
    begin_enrolment,
    confirm_enrolment,
    give_second_factor,
    remove_second_factor,
)
from backend.web.api import resources
from backend.web.auth import staff_session
from backend.web.pages import render_page, staff_page
from backend.web.staff.login import go_on

blueprint = Blueprint("staff_second_factor", __name__, url_prefix="/staff/second-factor")


@blueprint.get("")
@staff_page(stage="second_factor")
def show() -> Response:
    return _page()


@blueprint.post("")
@staff_page(stage="second_factor")
def give() -> ResponseReturnValue:
    try:
        give_second_factor(resources(), staff_session(), untrusted_code=_code())
    except SecondFactorRefused:
        return _page(status=401, refused=True)
    return go_on()


@blueprint.post("/enrol")
@staff_page(stage="second_factor")
def enrol() -> ResponseReturnValue:
    try:
        codes = confirm_enrolment(resources(), staff_session(), untrusted_code=_code())
    except SecondFactorRefused:
        return _page(status=401, refused=True)
    return render_page("staff/recovery_codes.html", "staff", "second_factor", codes=codes)


@blueprint.post("/remove")
@staff_page()
def remove() -> ResponseReturnValue:
    try:
        remove_second_factor(resources(), staff_session(), untrusted_code=_code())
    except SecondFactorRefused:
        return _page(status=401, refused=True)
    return go_on()


def _code() -> str:
    return request.form.get("code", "")[:40]


def _page(*, status: int = 200, refused: bool = False) -> Response:
    found = staff_session()
    if found.stage == "second_factor":
        return _render("staff/give_code.html", status=status, refused=refused)
    if found.has_second_factor:
        return _render(
            "staff/second_factor.html",
            status=status,
            refused=refused,
            may_remove=not found.must_have_second_factor,
        )
    issuer = resources().catalogue.get().facility_name.vi
    enrolment = begin_enrolment(resources(), found, issuer=issuer)
    return _render(
        "staff/enrol.html",
        status=status,
        refused=refused,
        must_have=found.must_have_second_factor,
        qr=_draw_qr(enrolment.address),
        secret=" ".join(
            enrolment.secret[start : start + 4] for start in range(0, len(enrolment.secret), 4)
        ),
    )


def _render(template: str, *, status: int, **facts: Any) -> Response:
    return render_page(template, "staff", "second_factor", status=status, **facts)


def _draw_qr(text: str) -> str:
    """An address of a picture; the secret in it is nowhere else to be fetched from."""
    picture = qrcode.make(text, image_factory=SvgPathImage, border=3)
    return "data:image/svg+xml;base64," + base64.b64encode(picture.to_string()).decode()
