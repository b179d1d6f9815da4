"""Is it alive, is it ready: for load balancers and `tiepdon doctor`. No secrets, no versions."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify

from backend.errors import Unavailable
from backend.storage.migrate import is_at_head
from backend.web.api import public, resources

blueprint = Blueprint("health", __name__)


@blueprint.get("/healthz")
@public
def healthz() -> Response:
    return jsonify(status="alive")


@blueprint.get("/readyz")
@public
def readyz() -> Response:
    """503 as long as the database is away or older than this code."""
    if not is_at_head(resources().database.engine):
        raise Unavailable("The database waits for its migrations")
    return jsonify(status="ready")
