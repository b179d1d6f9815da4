"""Where a caller really is when a proxy of the same machine stands in front."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from werkzeug.middleware.proxy_fix import ProxyFix

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_THIS_MACHINE = {"127.0.0.1", "::1"}


def behind_own_proxy(app: WSGIApplication) -> WSGIApplication:
    """Takes the caller's address from X-Forwarded-For when the proxy on loopback says it.

    Anybody else who sends that header is not believed: limits count per address.
    """
    told_by_proxy = ProxyFix(app, x_for=1, x_proto=0, x_host=0)

    def serve(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        is_own = environ.get("REMOTE_ADDR") in _THIS_MACHINE
        return (told_by_proxy if is_own else app)(environ, start_response)

    return serve
