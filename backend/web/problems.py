"""Every way an answer can be "no", as RFC 9457 problem details with a stable code.

The codes are those of `backend.errors` and the few here that only HTTP knows. Texts are the fixed
titles of the errors: nothing of what the caller sent comes back in a problem.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from flask import Response

from backend.errors import (
    BackendError,
    BadRequest,
    CallingWordsRefused,
    NotFound,
    RateLimited,
    UnreadablePayload,
)
from backend.web.wire import Reply

CONTENT_TYPE = "application/problem+json"


class Problem(Reply):
    """RFC 9457 problem details; `code` is stable and listed in docs/reference/errors.md."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    message_key: str | None = None
    fields: list[str] = []
    """For `invalid`: where in the request, never what stood there."""


class MethodNotAllowed(BadRequest):
    code = "method_not_allowed"
    title = "This address does not take that method"
    status = 405


class NotJson(BadRequest):
    code = "not_json"
    title = "A body is sent as application/json"
    status = 415


class AddressNotFound(NotFound):
    code = "address_not_found"
    title = "There is no such address"


def problem(error: BackendError, *, fields: Iterable[str] = ()) -> Response:
    """The reply that tells a caller about an error; `fields` are places in the request."""
    payload_error = error if isinstance(error, UnreadablePayload) else None
    if isinstance(error, CallingWordsRefused):
        fields = error.fields
    code = payload_error.payload_code if payload_error else error.code
    body = Problem(
        type=f"urn:tiepdon:problem:{code}",
        title=error.title,
        status=error.status,
        detail=error.detail,
        code=code,
        message_key=payload_error.payload_message_key if payload_error else error.message_key,
        fields=sorted(set(fields)),
    )
    reply = Response(body.model_dump_json(), status=error.status, content_type=CONTENT_TYPE)
    if isinstance(error, RateLimited):
        reply.headers["Retry-After"] = str(error.retry_after_s)
    if error.status == 401:
        reply.headers["WWW-Authenticate"] = 'Bearer realm="tiepdon"'
    return reply


def every_error(base: type[BackendError] = BackendError) -> Iterator[type[BackendError]]:
    """The tree of errors, parents first, in the order of their definition."""
    yield base
    for child in base.__subclasses__():
        yield from every_error(child)
