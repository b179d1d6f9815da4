"""Signing in through the hospital's own sign-on: OpenID Connect, authorization code with PKCE.

Authlib speaks the protocol and checks signature, nonce and dates of the identity token; issuer
and audience are what our settings say, not what the other side says about itself.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, cast

from flask import Blueprint, Flask, current_app, request, session
from flask.typing import ResponseReturnValue
from requests import RequestException

from backend.config import SingleSignOn
from backend.errors import SignInRefused
from backend.events import Event
from backend.logging import log
from backend.services.single_sign_on import sign_in_vouched
from backend.services.staff_sessions import end_session
from backend.web.api import public, resources
from backend.web.auth import begin_session, find_staff_session
from backend.web.pages import local_path
from backend.web.problems import AddressNotFound
from backend.web.staff.login import go_on, hashed_address, remember_next, show_login

if TYPE_CHECKING:
    from authlib.integrations.flask_client import FlaskOAuth2App

TIMEOUT_S = 5
LEEWAY_S = 30
_NAME = "sso"

blueprint = Blueprint("staff_single_sign_on", __name__, url_prefix="/staff/sso")


def install(app: Flask, settings: SingleSignOn | None) -> None:
    """Asks the issuer for nothing yet: it may be away when this server starts."""
    if settings is None:
        return
    # Heavy, and for those who have a sign-on of their own only.
    from authlib.integrations.flask_client import OAuth

    OAuth(app).register(  # type: ignore[no-untyped-call]  # left open by its stubs
        _NAME,
        client_id=settings.client_id,
        client_secret=settings.client_secret,
        server_metadata_url=f"{settings.issuer}/.well-known/openid-configuration",
        client_kwargs={
            "scope": "openid profile",
            "code_challenge_method": "S256",
            "default_timeout": TIMEOUT_S,
        },
    )


@blueprint.get("")
@public
def begin() -> ResponseReturnValue:
    settings, client = _get_client()
    next_path = local_path(request.args.get("next"))
    for key in [key for key in session if key.startswith("_state_")]:
        session.pop(key)  # a cookie has no room for every try somebody gave up
    remember_next(next_path)
    base = resources().config.public_base or request.host_url.rstrip("/")
    try:
        if client.load_server_metadata().get("issuer") != settings.issuer:
            raise ValueError("the metadata are those of another issuer")
        reply = client.authorize_redirect(f"{base}/staff/sso/callback")
    except _faults() as error:
        log(Event.SINGLE_SIGN_ON_FAILED, error=error)
        return show_login(next_path, status=503, refused="sso_away")
    reply.status_code = 303
    return reply


@blueprint.get("/callback")
@public
def callback() -> ResponseReturnValue:
    settings, client = _get_client()
    next_path = local_path(session.get("next"))
    try:
        answer = client.authorize_access_token(
            leeway=LEEWAY_S,
            claims_options={
                "iss": {"essential": True, "value": settings.issuer},
                "aud": {"essential": True, "value": settings.client_id},
            },
        )
        name = str((answer.get("userinfo") or {}).get(settings.name_claim) or "")
        token = sign_in_vouched(resources(), name=name, address=hashed_address())
    except SignInRefused:
        return show_login(next_path, status=401, refused="sso_refused")
    except _faults() as error:
        log(Event.SINGLE_SIGN_ON_FAILED, error=error)
        return show_login(next_path, status=401, refused="sso_refused")
    before = find_staff_session(active=True)
    if before is not None:
        end_session(resources().database, before)
    begin_session(token)
    remember_next(next_path)
    return go_on()


@cache
def _faults() -> tuple[type[Exception], ...]:
    """All the ways the other side can be away, wrong or hostile."""
    from authlib.common.errors import AuthlibBaseError
    from joserfc.errors import JoseError

    return (AuthlibBaseError, JoseError, RequestException, ValueError, RuntimeError)


def _get_client() -> tuple[SingleSignOn, FlaskOAuth2App]:
    """Raises AddressNotFound where no single sign-on is set."""
    settings = resources().config.single_sign_on
    if settings is None:
        raise AddressNotFound
    oauth = current_app.extensions["authlib.integrations.flask_client"]
    return settings, cast("FlaskOAuth2App", oauth.create_client(_NAME))
