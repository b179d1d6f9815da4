"""A small OpenID provider on loopback, over real HTTP, that can be made to lie."""

from __future__ import annotations

import base64
import hashlib
import secrets
import threading
import time
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from flask import Flask, redirect, request
from flask.typing import ResponseReturnValue
from joserfc import jwt
from joserfc.jwk import RSAKey
from werkzeug.serving import make_server

CLIENT_ID = "tiepdon"
CLIENT_SECRET = "a secret between two servers"


class SignOnServer:
    """Signs in `name` without asking. `changes` go into the identity token (None: left out)."""

    def __init__(self) -> None:
        self.name = "truc"
        self.changes: dict[str, Any] = {}
        self.key = self._published = RSAKey.generate_key(2048, {"kid": "1"}, private=True)
        self.sends_id_token = True
        self.claimed_issuer: str | None = None
        self._codes: dict[str, dict[str, str]] = {}
        self._server = make_server("127.0.0.1", 0, self._app(), threaded=True)
        self.issuer = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _app(self) -> Flask:
        app = Flask("sign-on")

        @app.get("/.well-known/openid-configuration")
        def metadata() -> ResponseReturnValue:
            return {
                "issuer": self.claimed_issuer or self.issuer,
                "authorization_endpoint": f"{self.issuer}/authorize",
                "token_endpoint": f"{self.issuer}/token",
                "jwks_uri": f"{self.issuer}/keys",
                "id_token_signing_alg_values_supported": ["RS256"],
            }

        @app.get("/keys")
        def keys() -> ResponseReturnValue:
            return {"keys": [self._published.as_dict(private=False)]}

        @app.get("/authorize")
        def authorize() -> ResponseReturnValue:
            code = secrets.token_urlsafe(16)
            self._codes[code] = request.args.to_dict()
            answer = urlencode({"code": code, "state": request.args["state"]})
            return redirect(f"{request.args['redirect_uri']}?{answer}")

        @app.post("/token")
        def token() -> ResponseReturnValue:
            wish = self._codes.pop(request.form["code"], None)
            digest = hashlib.sha256(request.form.get("code_verifier", "").encode()).digest()
            challenge = base64.urlsafe_b64encode(digest).decode().rstrip("=")
            assert request.authorization is not None
            assert request.authorization.password == CLIENT_SECRET
            if wish is None or wish["code_challenge"] != challenge:
                return {"error": "invalid_grant"}, 400
            assert wish["code_challenge_method"] == "S256"
            body = {"access_token": "x", "token_type": "Bearer"}
            if self.sends_id_token:
                body["id_token"] = self._id_token(wish["nonce"])
            return body

        return app

    def _id_token(self, nonce: str) -> str:
        now = int(time.time())
        claims = {
            "iss": self.issuer,
            "sub": "1",
            "aud": CLIENT_ID,
            "iat": now,
            "exp": now + 300,
            "nonce": nonce,
            "preferred_username": self.name,
        } | self.changes
        claims = {name: value for name, value in claims.items() if value is not None}
        return jwt.encode({"alg": "RS256", "kid": "1"}, claims, self.key)


def state_of(address: str) -> str:
    return parse_qs(urlsplit(address).query)["state"][0]
