"""Paying at a kiosk, and the door for banks and wallets."""

from __future__ import annotations

import json
from typing import Any

from flask import Blueprint, Response, request

from backend.services.cancel_payment import cancel_payment
from backend.services.check_payment import check_payment
from backend.services.offer_payment import offer_payment
from backend.services.pay_in_cash import CashWish, pay_in_cash
from backend.services.print_receipt import report_receipt
from backend.services.receive_callback import receive_callback
from backend.services.show_dues import DuesWish, show_dues
from backend.services.show_payment import show_newer, show_payment
from backend.services.start_payment import PaymentWish, start_payment
from backend.storage.repositories import Answer
from backend.web import payment_schemas as schemas
from backend.web.api import (
    IDEMPOTENT,
    Responses,
    allow,
    answer_reply,
    api_blueprint,
    caller,
    get_idempotency_key,
    get_intent,
    public,
    resources,
)
from payments.models import CallbackRequest

blueprint = api_blueprint("payments", "What is due, paying it by QR, and the receipt.")
callbacks = Blueprint("payment_callbacks", __name__, url_prefix="/payments")

PAYMENT: Responses = {200: schemas.PaymentReply}
NEW_PAYMENT: Responses = {201: schemas.PaymentReply}
DUES: Responses = {200: schemas.DuesReply}
CASH: Responses = {201: schemas.CashReply}
MAX_CALLBACK_BYTES = 64 * 1024
MAX_HEADER_CHARS = 2_000


@blueprint.post("/dues", responses=DUES)
@allow("kiosk")
def dues(body: schemas.DuesRequest) -> Response:
    """What a patient owes now, as the HIS says"""
    wish = DuesWish(scan_id=body.scan_id, untrusted_code=body.code, language=body.language)
    return _reply(show_dues(resources(), wish, kiosk=caller()))


@blueprint.post("/payments", responses=NEW_PAYMENT, openapi_extensions=IDEMPOTENT)
@allow("kiosk")
def start(body: schemas.PaymentRequest) -> Response:
    """Begin to pay bills or an advance; the reply holds the QR"""
    wish = PaymentWish(
        dues_id=body.dues_id,
        bill_ids=body.bill_ids,
        advance_vnd=body.advance_vnd,
        method=body.method,
        language=body.language,
    )
    return answer_reply(start_payment(resources(), wish, kiosk=caller(), intent=get_intent()))


@blueprint.get("/payments/<payment_id>", responses={**PAYMENT, 204: None})
@allow("kiosk")
def get(path: schemas.PaymentPath, query: schemas.PaymentQuery) -> Response:
    """A payment as it stands; 204 when nothing is newer than `version`"""
    shown = show_newer(resources(), path.payment_id, query.version)
    return Response(status=204) if shown is None else _reply(shown)


@blueprint.post("/payments/<payment_id>/offer", responses=PAYMENT, openapi_extensions=IDEMPOTENT)
@allow("kiosk")
def offer(path: schemas.PaymentPath, body: schemas.OfferRequest) -> Response:
    """Another way of paying, a fresh QR, or the QR for the rest"""
    get_idempotency_key()
    offer_payment(resources(), path.payment_id, body.method, kiosk=caller())
    return _reply(show_payment(resources(), path.payment_id))


@blueprint.post("/payments/<payment_id>/check", responses=PAYMENT)
@allow("kiosk")
def check(path: schemas.PaymentPath) -> Response:
    """The patient says it is paid: the provider is asked now"""
    check_payment(resources(), path.payment_id)
    return _reply(show_payment(resources(), path.payment_id))


@blueprint.post("/payments/<payment_id>/cancel", responses=PAYMENT, openapi_extensions=IDEMPOTENT)
@allow("kiosk")
def cancel(path: schemas.PaymentPath, body: schemas.CancelPaymentRequest) -> Response:
    """Not now; the reply tells whether money came first"""
    get_idempotency_key()
    cancel_payment(resources(), path.payment_id, reason=body.reason, kiosk=caller())
    return _reply(show_payment(resources(), path.payment_id))


@blueprint.post(
    "/payments/<payment_id>/print-state", responses=PAYMENT, openapi_extensions=IDEMPOTENT
)
@allow("kiosk")
def report_print(path: schemas.PaymentPath, body: schemas.ReceiptPrintRequest) -> Response:
    """What the printer said of the receipt; the payment stands whatever it said"""
    get_idempotency_key()
    report_receipt(resources(), path.payment_id, state=body.state, kiosk=caller())
    return _reply(show_payment(resources(), path.payment_id))


@blueprint.post("/cash", responses=CASH, openapi_extensions=IDEMPOTENT)
@allow("kiosk")
def cash(body: schemas.CashRequest) -> Response:
    """A ticket for the cashier's line, with the codes of the bills"""
    wish = CashWish(
        dues_id=body.dues_id,
        bill_ids=body.bill_ids,
        advance_vnd=body.advance_vnd,
        language=body.language,
    )
    return answer_reply(pay_in_cash(resources(), wish, kiosk=caller(), intent=get_intent()))


def _reply(content: dict[str, Any]) -> Response:
    return answer_reply(Answer(status=200, body=json.dumps(content, ensure_ascii=False)))


@callbacks.route(
    "/<provider>/", defaults={"rest": ""}, methods=["GET", "POST"], strict_slashes=False
)
@callbacks.route("/<provider>/<path:rest>", methods=["GET", "POST"])
@public
def receive(provider: str, rest: str) -> Response:
    """Where banks and wallets call. Who they are is for the provider's signature to say."""
    body = request.get_data(cache=False)
    untrusted = CallbackRequest(
        method=request.method,
        path=rest.strip("/"),
        headers={name.lower(): value[:MAX_HEADER_CHARS] for name, value in request.headers.items()},
        arguments=request.args.to_dict(),
        query=request.query_string.decode("latin-1"),
        untrusted_body=body,
        remote_address=request.remote_addr or "",
        received_at=resources().database.clock(),
    )
    answer = receive_callback(resources(), provider, untrusted)
    if answer is None:
        return Response(status=404)
    return Response(answer.body, status=answer.status, content_type=answer.content_type)
