"""Nobody gets in who was not let in: every route is closed unless it says who may call it."""

from __future__ import annotations

from flask import Flask, current_app, g, request

from backend.errors import LoginRequired, NotAllowed
from backend.services.recognise_caller import Caller, Callers
from backend.web.api import API_PREFIX

MAX_CREDENTIAL_CHARS = 128
_SCHEME = "bearer"


def install(app: Flask, callers: Callers) -> None:
    def check() -> None:
        """Before anything of the request is read or looked up."""
        view = current_app.view_functions.get(request.endpoint or "")
        if getattr(view, "public", False):
            return
        if view is None and not request.path.startswith(f"{API_PREFIX}/"):
            return  # nothing there: answered as such
        caller = _get_caller(callers)
        # An unknown caller is told 401 for any address, known or not.
        if view is not None and caller.role not in getattr(view, "allowed_roles", frozenset()):
            raise NotAllowed
        g.caller = caller

    app.before_request(check)


def _get_caller(callers: Callers) -> Caller:
    scheme, _, credential = request.headers.get("Authorization", "").partition(" ")
    # RFC 9110 11.1: the name of a scheme is told apart by its letters, not by their case.
    if scheme.lower() != _SCHEME or not 0 < len(credential) <= MAX_CREDENTIAL_CHARS:
        raise LoginRequired
    caller = callers.find(credential)
    if caller is None:
        raise LoginRequired
    return caller
