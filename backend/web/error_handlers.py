"""Turns every refusal and every fault into a problem, and every reply into a safe one."""

from __future__ import annotations

import json
from http import HTTPStatus

from flask import Flask, Response, current_app, request
from flask.typing import ResponseReturnValue
from pydantic import ValidationError
from sqlalchemy.exc import DBAPIError
from werkzeug.exceptions import HTTPException

from backend.errors import (
    BackendError,
    BadRequest,
    BodyTooLarge,
    StorageUnavailable,
    ValidationFailed,
)
from backend.events import Event
from backend.logging import log
from backend.web import partner_auth
from backend.web.api import API_PREFIX, MAX_BODY_BYTES
from backend.web.problems import AddressNotFound, MethodNotAllowed, NotJson, problem

_BY_STATUS: dict[int, type[BackendError]] = {
    HTTPStatus.NOT_FOUND: AddressNotFound,
    HTTPStatus.METHOD_NOT_ALLOWED: MethodNotAllowed,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: BodyTooLarge,
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: NotJson,
}

API_POLICY = "default-src 'none'; frame-ancestors 'none'"
PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; "
    "img-src 'self' data:; connect-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)
DOCS_POLICY = PAGE_POLICY.replace("style-src 'self'", "style-src 'self' 'unsafe-inline'")
"""The bundled API browser sets style attributes."""


def install(app: Flask) -> None:
    # A body in chunks is cut off at this length without a word: one more shows that it is too large.
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY_BYTES + 1
    app.register_error_handler(BackendError, _on_refusal)
    app.register_error_handler(HTTPException, _on_http_error)
    app.register_error_handler(DBAPIError, _on_database_fault)
    app.register_error_handler(Exception, _on_fault)
    app.before_request(_check_body)
    app.after_request(_add_headers)


def on_invalid(error: ValidationError) -> Response:
    """Names the places, not the values; an unknown field is not named, the caller chose it."""
    fields = [
        ".".join(map(str, item["loc"][:-1] if item["type"] == "extra_forbidden" else item["loc"]))
        for item in error.errors(include_url=False, include_context=False, include_input=False)
    ]
    return problem(ValidationFailed(), fields=[field or "(unknown)" for field in fields])


def _check_body() -> None:
    """Refuses a body by its size first, then by its type, then by its syntax."""
    if request.blueprint == partner_auth.BLUEPRINT:
        return  # looked at with its signature, and may hold a picture
    view = current_app.view_functions.get(request.endpoint or "")
    most = next(
        filter(None, (getattr(view, name, None) for name in ("page_max_bytes", "api_max_bytes"))),
        MAX_BODY_BYTES,
    )
    if (request.content_length or 0) > most:
        raise BodyTooLarge
    if request.method not in {"POST", "PUT"} or not request.path.startswith(API_PREFIX):
        return
    data = request.get_data()
    if not data:
        return
    if len(data) > most:
        raise BodyTooLarge
    if not request.is_json:
        raise NotJson
    try:
        parsed = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise BadRequest("The body is not JSON") from error
    if not isinstance(parsed, dict):
        raise BadRequest("The body is not a JSON object")


def _on_refusal(error: BackendError) -> Response:
    if error.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        log(Event.REQUEST_FAILED, error=error, route=_route(), code=error.code)
    return problem(error)


def _on_http_error(error: HTTPException) -> ResponseReturnValue:
    if error.response is not None:
        return error.response  # made by `on_invalid`
    if error.code is not None and error.code < HTTPStatus.BAD_REQUEST:
        return error.get_response()
    return problem(_BY_STATUS.get(error.code or 0, BadRequest)())


def _on_database_fault(error: DBAPIError) -> Response:
    log(Event.REQUEST_FAILED, error=error, route=_route(), code=StorageUnavailable.code)
    return problem(StorageUnavailable())


def _on_fault(error: Exception) -> Response:
    log(Event.REQUEST_FAILED, error=error, route=_route(), code=BackendError.code)
    return problem(BackendError())


def _route() -> str:
    """The pattern of the address: the address itself may hold a ticket's token."""
    return request.url_rule.rule if request.url_rule else "none"


def _add_headers(reply: Response) -> Response:
    headers = reply.headers
    headers.setdefault("Cache-Control", "no-store")
    headers.setdefault("Content-Security-Policy", API_POLICY)
    headers["X-Content-Type-Options"] = "nosniff"
    headers["Referrer-Policy"] = "no-referrer"
    headers["X-Robots-Tag"] = "noindex, nofollow"
    headers["Cross-Origin-Opener-Policy"] = "same-origin"
    headers["Cross-Origin-Resource-Policy"] = "same-origin"
    headers["Permissions-Policy"] = "camera=(), geolocation=(), microphone=()"
    return reply
