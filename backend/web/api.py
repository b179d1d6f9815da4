"""How routes are declared: blueprints, security, problem responses, and who is calling.

A route of the API is a plain function with `path`, `query` and `body` models of
`backend.web.*_schemas`; it returns `json_reply(…)` and raises errors of `backend.errors`. Access is
denied unless the route says who may call: `@allow("kiosk")`, `@allow("staff")` for any member of
staff, `@allow(StaffRole.RECEPTION, "kiosk")` or `@public`, directly above the function. Pages say
`@staff_page(…)` instead (`backend.web.pages`).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, TypeAlias, TypeVar, cast

from flask import Response, current_app, g, request
from flask_openapi3.blueprint import APIBlueprint
from flask_openapi3.models.tag import Tag
from pydantic import BaseModel

from backend.domain.roles import StaffRole
from backend.errors import IdempotencyKeyMissing
from backend.services.recognise_caller import Caller, Role
from backend.services.resources import Resources
from backend.storage.repositories import Answer, Intent
from backend.web.problems import CONTENT_TYPE

API_PREFIX = "/api/v1"
MAX_BODY_BYTES = 64 * 1024
EXTENSION = "tiepdon"

SECURITY_SCHEMES: dict[str, Any] = {
    "bearer": {
        "type": "http",
        "scheme": "bearer",
        "description": "The credential of an enrolled kiosk, or a token of a member of staff.",
    }
}
IDEMPOTENT: dict[str, Any] = {"x-idempotent": True}
"""`openapi_extensions` of a route that calls `get_idempotency_key`: the header is described."""

_PROBLEM_STATUSES = (400, 401, 403, 404, 409, 410, 413, 415, 422, 429, 500, 503)
_KEY_PATTERN = re.compile(r"[!-~]{1,80}")

Responses: TypeAlias = dict[str | int | HTTPStatus, type[BaseModel] | dict[Any, Any] | None]
Route = TypeVar("Route", bound=Callable[..., Any])


def api_blueprint(name: str, description: str, *, bearer: bool = True) -> APIBlueprint:
    """A group of routes under /api/v1, with the problems every route may answer with."""
    problem = {"content": {CONTENT_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}}
    return APIBlueprint(
        name,
        __name__,
        url_prefix=API_PREFIX,
        abp_tags=[Tag(name=name, description=description)],
        abp_security=[{"bearer": []}] if bearer else [],
        abp_responses={str(status): dict(problem) for status in _PROBLEM_STATUSES},
    )


def allow(*roles: Role | StaffRole, max_bytes: int | None = None) -> Callable[[Route], Route]:
    """Who may call a route: "kiosk", "staff" (whatever their role), or staff of these roles.

    `max_bytes`: what those who may call it may send, where that is more than MAX_BODY_BYTES.
    """

    def mark(route: Route) -> Route:
        route.__dict__["allowed_roles"] = frozenset(roles)
        route.__dict__["api_max_bytes"] = max_bytes
        return route

    return mark


def public(route: Route) -> Route:
    """Anybody may call this route. There are few: a test names each."""
    route.__dict__["public"] = True
    return route


def resources() -> Resources:
    """What the process of the current request works with."""
    return cast("Resources", current_app.extensions[EXTENSION])


def caller() -> Caller:
    """Who sent the current request; the route is not public."""
    return cast("Caller", g.caller)


def get_idempotency_key() -> str:
    """Raises IdempotencyKeyMissing when there is none or it is not one."""
    key = request.headers.get("Idempotency-Key", "")
    if not _KEY_PATTERN.fullmatch(key):
        raise IdempotencyKeyMissing
    return key


def get_intent() -> Intent:
    """The wish behind this request: method and address belong to it, the body word for word.

    Raises IdempotencyKeyMissing.
    """
    wish = f"{request.method} {request.path}\n".encode() + request.get_data(cache=True)
    return Intent(
        caller=caller().actor,
        key=get_idempotency_key(),
        body_hash=hashlib.sha256(wish).hexdigest(),
    )


def answer_reply(answer: Answer) -> Response:
    return Response(answer.body, status=answer.status, content_type="application/json")


def json_reply(reply: BaseModel, status: int = 200) -> Response:
    return Response(reply.model_dump_json(), status=status, content_type="application/json")
