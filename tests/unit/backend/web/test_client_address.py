from __future__ import annotations

import pytest
from flask import Flask, request

from backend.web.client_address import behind_own_proxy


@pytest.mark.parametrize(
    ("peer", "forwarded", "seen"),
    [
        ("127.0.0.1", "192.0.2.7", "192.0.2.7"),
        ("127.0.0.1", "6.6.6.6, 192.0.2.7", "192.0.2.7"),
        ("127.0.0.1", None, "127.0.0.1"),
        ("192.0.2.66", "192.0.2.7", "192.0.2.66"),
    ],
)
def test_only_the_proxy_of_this_machine_is_believed(
    peer: str, forwarded: str | None, seen: str
) -> None:
    app = Flask("x")
    app.add_url_rule("/", view_func=lambda: request.remote_addr or "")
    app.wsgi_app = behind_own_proxy(app.wsgi_app)  # type: ignore[method-assign]
    headers = {"X-Forwarded-For": forwarded} if forwarded else {}
    reply = app.test_client().get("/", headers=headers, environ_base={"REMOTE_ADDR": peer})
    assert reply.text == seen
