"""Calls of the gateway, as its letters describe them, and what may be wrong with an answer.

Secrets stand in addresses, headers and bodies of these calls: none of them is ever logged or put
into an error.
"""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeGuard
from urllib.parse import urlencode

from his_adapter.bhxh.token import Token, TokenSource, good_for_s
from his_adapter.bhxh.transport import HttpReply, NoReply, NotSent, Transport
from his_adapter.errors import (
    BrokenReply,
    Forbidden,
    LoginFailed,
    OutcomeUnknown,
    Throttled,
    Unavailable,
)
from his_adapter.models import WriteKey

TOKEN = "/api/token/take"  # noqa: S105 - the path, not a secret
CARD = "/api/egw/KQNhanLichSuKCB2024"
HISTORY = "/api/egw/Lskcb2025"
COPAYMENT = "/api/TraCuuCCT/TraCuuTienMCCT"
CHECK_IN = "/api/qd130/checkInKcbQd3176"

CHECK_IN_KIND = "0"
_FORM = "application/x-www-form-urlencoded"
_JSON = "application/json"
_MAX_DEPTH = 20
_NO_TOKEN = frozenset({"401", "501", "999"})

OnReply = Callable[[HttpReply, str | None], None]
"""Told of an answer and of the result code in it, before anything is made of either."""


@dataclass(frozen=True, kw_only=True)
class Account:
    username: str
    password_md5: str = field(repr=False)
    facility_code: str


@dataclass(frozen=True, kw_only=True, repr=False)
class CardQuestion:
    """As the gateway wants it: `number` of 10, 12 or 15 characters, `birth_date` dd/MM/yyyy."""

    number: str
    full_name: str
    birth_date: str
    employee_name: str
    employee_cccd: str


class BhxhClient:
    def __init__(
        self,
        transport: Transport,
        account: Account,
        *,
        clock: Callable[[], datetime],
        ticks: Callable[[], float] = time.monotonic,
        history_as_form: bool = True,
    ) -> None:
        self._transport = transport
        self._account = account
        self._clock = clock
        self._ticks = ticks
        self._history_as_form = history_as_form
        self.tokens = TokenSource(self._log_in, ticks=ticks)

    def check_card(
        self, question: CardQuestion, *, timeout_s: float, on_reply: OnReply
    ) -> dict[str, Any]:
        """The untrusted answer. A token that is refused twice comes back as its code."""
        body = {
            "maThe": question.number,
            "hoTen": question.full_name,
            "ngaySinh": question.birth_date,
            "hoTenCb": question.employee_name,
            "cccdCb": question.employee_cccd,
        }
        return self._ask(CARD, body, as_form=False, timeout_s=timeout_s, on_reply=on_reply)

    def history(self, question: CardQuestion, *, timeout_s: float) -> dict[str, Any]:
        body = {
            "maThe": question.number,
            "hoTen": question.full_name,
            "ngaySinh": question.birth_date,
            "hoTenCb": question.employee_name,
            "cccdCb": question.employee_cccd,
        }
        return self._ask(
            HISTORY, body, as_form=self._history_as_form, timeout_s=timeout_s, on_reply=_ignore
        )

    def copayment(self, question: CardQuestion, *, timeout_s: float) -> dict[str, Any]:
        body = {
            "username": self._account.username,
            "maThe": question.number,
            "hoTen": question.full_name,
            "ngaySinh": question.birth_date,
        }

        def send(token: Token, left_s: float) -> dict[str, Any]:
            reply = self._post(
                COPAYMENT,
                json.dumps(body, ensure_ascii=False).encode(),
                headers=self._headers(token, _JSON),
                timeout_s=left_s,
            )
            return _read(reply, code_field="MaKetQua")

        return self._with_token(send, code_field="MaKetQua", timeout_s=timeout_s)

    def send_checkin(self, document: bytes, *, key: WriteKey, timeout_s: float) -> dict[str, Any]:
        """Raises OutcomeUnknown when the file left and no answer that can be read came back."""
        form = {
            "username": self._account.username,
            "loaiHoSo": CHECK_IN_KIND,
            "maTinh": self._account.facility_code[:2],
            "maCSKCB": self._account.facility_code,
            "fileHSBase64": base64.b64encode(document).decode("ascii"),
        }

        def send(token: Token, left_s: float) -> dict[str, Any]:
            try:
                reply = self._transport.post(
                    CHECK_IN,
                    urlencode(form).encode("ascii"),
                    headers=self._headers(token, _FORM),
                    timeout_s=left_s,
                )
            except NotSent as error:
                raise Unavailable(str(error)) from error
            except (NoReply, BrokenReply) as error:
                raise OutcomeUnknown("no answer to the file that was sent", key=key) from error
            try:
                return _read(reply, code_field="maKetQua")
            except (Unavailable, BrokenReply) as error:
                # It may have been taken in before the answer went wrong.
                raise OutcomeUnknown("no answer to the file that was sent", key=key) from error

        return self._with_token(send, code_field="maKetQua", timeout_s=timeout_s)

    # --- the way there -----------------------------------------------------------------------

    def _ask(
        self,
        path: str,
        body: Mapping[str, str],
        *,
        as_form: bool,
        timeout_s: float,
        on_reply: OnReply,
    ) -> dict[str, Any]:
        content = urlencode(body) if as_form else json.dumps(body, ensure_ascii=False)

        def send(token: Token, left_s: float) -> dict[str, Any]:
            reply = self._post(
                path,
                content.encode(),
                query={
                    "token": token.access,
                    "id_token": token.identity,
                    "username": self._account.username,
                    "password": self._account.password_md5,
                },
                headers={"Content-Type": _FORM if as_form else _JSON, "Accept": _JSON},
                timeout_s=left_s,
            )
            try:
                document = _read(reply, code_field="maKetQua")
            except (BrokenReply, Unavailable, Throttled, Forbidden):
                on_reply(reply, None)
                raise
            on_reply(reply, read_code(document.get("maKetQua")))
            return document

        return self._with_token(send, code_field="maKetQua", timeout_s=timeout_s)

    def _with_token(
        self,
        send: Callable[[Token, float], dict[str, Any]],
        *,
        code_field: str,
        timeout_s: float,
    ) -> dict[str, Any]:
        """One login more and one more try when the token is refused, then it is the answer."""
        give_up_at = self._ticks() + timeout_s
        token = self.tokens.get(timeout_s=timeout_s)
        document = send(token, give_up_at - self._ticks())
        if read_code(document.get(code_field)) not in _NO_TOKEN:
            return document
        self.tokens.drop(token)
        token = self.tokens.get(timeout_s=give_up_at - self._ticks())
        document = send(token, give_up_at - self._ticks())
        if read_code(document.get(code_field)) in _NO_TOKEN:
            self.tokens.drop(token)
        return document

    def _post(
        self,
        path: str,
        body: bytes,
        *,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str],
        timeout_s: float,
    ) -> HttpReply:
        """Of a question: whether it arrived makes no difference."""
        try:
            return self._transport.post(
                path, body, query=query, headers=headers, timeout_s=timeout_s
            )
        except (NotSent, NoReply) as error:
            raise Unavailable(str(error)) from error

    def _log_in(self, timeout_s: float) -> Token:
        form = {"username": self._account.username, "password": self._account.password_md5}
        reply = self._post(
            TOKEN,
            urlencode(form).encode(),
            headers={"Content-Type": _FORM, "Accept": _JSON},
            timeout_s=timeout_s,
        )
        document = _read(reply, code_field="maKetQua")
        code = read_code(document.get("maKetQua"))
        if code in {"401", "403"}:
            raise LoginFailed("the insurer refuses our account or its password")
        if code != "200":
            raise Unavailable("the insurer could not let us in")
        untrusted = document.get("APIKey")
        access, identity = (
            untrusted.get(name) if isinstance(untrusted, dict) else None
            for name in ("access_token", "id_token")
        )
        if not _is_token(access) or not _is_token(identity) or not isinstance(untrusted, dict):
            raise BrokenReply("the insurer let us in without a token")
        life_s = good_for_s(untrusted.get("expires_in"), now=self._clock())
        return Token(access=access, identity=identity, good_for_s=life_s)

    def _headers(self, token: Token, content_type: str) -> dict[str, str]:
        return {
            "Content-Type": content_type,
            "Accept": _JSON,
            "accessToken": token.access,
            "tokenId": token.identity,
            "passwordHash": self._account.password_md5,
        }


def read_code(untrusted: object) -> str | None:
    """A result code that may be stored and shown, None for anything else."""
    if isinstance(untrusted, int) and not isinstance(untrusted, bool) and 0 <= untrusted < 1000:
        return f"{untrusted:03d}"
    if isinstance(untrusted, str):
        code = untrusted.strip()
        if code.isascii() and code.isalnum() and len(code) <= 8:
            return code
    return None


def _ignore(_reply: HttpReply, _code: str | None) -> None:
    pass


def _is_token(untrusted: object) -> TypeGuard[str]:
    # Printable, so that no answer can put a line of its own into our headers.
    return (
        isinstance(untrusted, str)
        and 0 < len(untrusted) <= 4096
        and untrusted.isascii()
        and untrusted.isprintable()
        and " " not in untrusted
    )


def _read(reply: HttpReply, *, code_field: str) -> dict[str, Any]:
    """The JSON object of an answer; HTTP 401 reads as the result code that means the same."""
    if reply.status == 401:
        return {code_field: "401"}
    if reply.status == 429:
        raise Throttled("the insurer asks us to slow down")
    if reply.status >= 500:
        raise Unavailable(f"the insurer answered with HTTP {reply.status}")
    if reply.status == 403:
        raise Forbidden("the insurer does not let this address in")
    if reply.status != 200:
        raise BrokenReply(f"the insurer answered with HTTP {reply.status}")
    try:
        document = json.loads(reply.body.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        raise BrokenReply("the answer of the insurer is not JSON") from None
    if not isinstance(document, dict) or not _is_shallow(document, _MAX_DEPTH):
        raise BrokenReply("the answer of the insurer is not a JSON object")
    return document


def _is_shallow(value: object, depth: int) -> bool:
    if depth == 0:
        return False
    if isinstance(value, dict):
        return all(_is_shallow(each, depth - 1) for each in value.values())
    if isinstance(value, list):
        return all(_is_shallow(each, depth - 1) for each in value)
    return True
