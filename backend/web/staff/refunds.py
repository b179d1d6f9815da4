"""Refunds: the finance office approves or rejects, a cashier notes what was paid out by hand."""

from __future__ import annotations

import re
from typing import Any

from flask import Blueprint, Response, redirect, request
from flask.typing import ResponseReturnValue

from backend.errors import (
    BackendError,
    ChangedMeanwhile,
    ReasonMissing,
    RefundNotFound,
    SecondPersonNeeded,
)
from backend.services.approve_refund import approve_refund
from backend.services.confirm_manual_refund import MAX_PROOF_CHARS, confirm_manual_refund
from backend.services.list_suspense import list_refunds
from backend.services.reject_refund import reject_refund
from backend.services.request_refund import MAX_REASON_CHARS
from backend.web.api import caller, resources
from backend.web.pages import staff_page
from backend.web.staff.payments import ACCOUNTANTS, CASHIERS, MONEY_ROLES, render_money_page

_ID = re.compile(r"[0-9a-f]{32}")
_REFUSALS = (ChangedMeanwhile, ReasonMissing, SecondPersonNeeded)
ENDED = ("done", "rejected", "failed")
LATEST = 20

blueprint = Blueprint("staff_refunds", __name__, url_prefix="/staff/payments/refunds")


@blueprint.get("")
@staff_page(*MONEY_ROLES)
def board() -> Response:
    return _page()


@blueprint.post("/<refund_id>/approve")
@staff_page(*ACCOUNTANTS)
def approve(refund_id: str) -> ResponseReturnValue:
    try:
        approve_refund(resources().database, _checked(refund_id), staff=caller())
    except _REFUSALS as error:
        return _page(error)
    return redirect("/staff/payments/refunds", 303)


@blueprint.post("/<refund_id>/reject")
@staff_page(*MONEY_ROLES)
def reject(refund_id: str) -> ResponseReturnValue:
    """Also by the cashier who asked for it and sees that it was a mistake."""
    reason = request.form.get("reason", "")
    try:
        reject_refund(resources().database, _checked(refund_id), reason=reason, staff=caller())
    except _REFUSALS as error:
        return _page(error)
    return redirect("/staff/payments/refunds", 303)


@blueprint.post("/<refund_id>/paid-out")
@staff_page(*CASHIERS)
def paid_out(refund_id: str) -> ResponseReturnValue:
    proof = request.form.get("proof", "")
    try:
        confirm_manual_refund(
            resources().database, _checked(refund_id), proof=proof, staff=caller()
        )
    except _REFUSALS as error:
        return _page(error)
    return redirect("/staff/payments/refunds", 303)


def _checked(untrusted_id: str) -> str:
    if not _ID.fullmatch(untrusted_id):
        raise RefundNotFound
    return untrusted_id


def _page(refusal: BackendError | None = None) -> Response:
    database = resources().database
    facts: dict[str, Any] = {
        "requested": list_refunds(database, states=("requested",)),
        "under_way": list_refunds(database, states=("approved", "processing")),
        "ended": list_refunds(database, states=ENDED, newest=LATEST),
    }
    return render_money_page(
        "payments/refunds.html",
        "refunds",
        status=refusal.status if refusal else 200,
        refused=refusal.code if refusal else None,
        max_reason=MAX_REASON_CHARS,
        max_proof=MAX_PROOF_CHARS,
        **facts,
    )
