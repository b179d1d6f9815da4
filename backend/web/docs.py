"""The description of the API for programs and for people, without any other host."""

from __future__ import annotations

from importlib import resources as package_files
from pathlib import Path
from typing import Any, cast

from flask import Blueprint, Response, current_app, jsonify, render_template, send_from_directory
from flask_openapi3.openapi import OpenAPI

from backend.web.api import public
from backend.web.error_handlers import DOCS_POLICY
from backend.web.problems import AddressNotFound

_IDEMPOTENCY_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": True,
    "description": "One per intent: the same key and body give the first answer again.",
    "schema": {"type": "string", "pattern": "^[A-Za-z0-9.:_-]{8,80}$"},
}
_BROWSER_FILES = ("css/swagger-ui.css", "js/swagger-ui-bundle.js", "images/swagger.svg")

blueprint = Blueprint("docs", __name__)


@blueprint.get("/openapi.json")
@public
def openapi() -> Response:
    return jsonify(describe(cast("OpenAPI", current_app)))


@blueprint.get("/docs")
@public
def docs() -> Response:
    reply = Response(render_template("docs.html"))
    reply.headers["Content-Security-Policy"] = DOCS_POLICY
    return reply


@blueprint.get("/docs/<path:name>")
@public
def docs_file(name: str) -> Response:
    if name not in _BROWSER_FILES:
        raise AddressNotFound
    folder = Path(str(package_files.files("flask_openapi3_swagger"))) / "templates" / "swagger"
    return send_from_directory(folder, name, max_age=86_400)


def describe(app: OpenAPI) -> dict[str, Any]:
    """The OpenAPI 3.1 document; the key of idempotent writes is described where it is asked for."""
    document = cast("dict[str, Any]", app.api_doc)
    for operations in document["paths"].values():
        for operation in operations.values():
            if operation.pop("x-idempotent", False):
                operation.setdefault("parameters", []).append(_IDEMPOTENCY_KEY)
    return document
