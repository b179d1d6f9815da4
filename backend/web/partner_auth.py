"""Signed requests of partners: headers first, then the size, then the signature, then the rest."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

from flask import current_app, g, request

from backend.errors import BodyTooLarge, PartnerRefused
from backend.services.recognise_partner import PartnerFacts, Partners, SignedRequest
from his_adapter.json_kiosk.contract import (
    ENDPOINTS,
    MERCHANT_HEADER,
    SIGNATURE_HEADER,
    TIMESTAMP_HEADER,
    Call,
)
from his_adapter.json_kiosk.signing import request_text

BLUEPRINT = "partner_kiosk"
MAX_BODY_BYTES = 2_000_000
"""The contract lets a picture of the card come along; it is not kept."""
MAX_HEADER_CHARS = 128

Route = TypeVar("Route", bound=Callable[..., Any])


def answers(call: Call, *, about_people: bool = False) -> Callable[[Route], Route]:
    """Which call of the contract a route answers; about people, each signature opens it once."""

    def mark(route: Route) -> Route:
        route.__dict__.update(
            partner_call=call, about_people=about_people, allowed_roles=frozenset({"partner"})
        )
        return route

    return mark


def is_about_people(view: Any) -> bool:
    return bool(getattr(view, "about_people", False))


def partner() -> PartnerFacts:
    """Who signed the current request."""
    return cast("PartnerFacts", g.partner)


def recognise(partners: Partners, *, once: bool) -> PartnerFacts:
    """Raises PartnerRefused, BodyTooLarge, RateLimited, StorageUnavailable."""
    merchant_id, timestamp, signature = (
        request.headers.get(name, "")
        for name in (MERCHANT_HEADER, TIMESTAMP_HEADER, SIGNATURE_HEADER)
    )
    if not all(0 < len(each) <= MAX_HEADER_CHARS for each in (merchant_id, timestamp, signature)):
        raise PartnerRefused
    call: Call = _view().partner_call
    body = _read_body() if ENDPOINTS[call].writes and partners.find(merchant_id) else b""
    signed = SignedRequest(
        untrusted_merchant_id=merchant_id,
        untrusted_timestamp=timestamp,
        untrusted_signature=signature,
        make_text=lambda: request_text(
            ENDPOINTS[call].signed,
            merchant_id=merchant_id,
            timestamp=timestamp,
            parameters=request.args,
            body=body,
        ),
        once=once,
    )
    return partners.recognise(signed)


def _view() -> Any:
    return current_app.view_functions[request.endpoint or ""]


def _read_body() -> bytes:
    """Nothing is read for a merchant nobody knows."""
    request.max_content_length = MAX_BODY_BYTES + 1
    if (request.content_length or 0) > MAX_BODY_BYTES:
        raise BodyTooLarge
    body = request.get_data(cache=True)
    if len(body) > MAX_BODY_BYTES:
        raise BodyTooLarge
    return body
