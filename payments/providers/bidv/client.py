"""The wire of BIDV's open API: token, virtual accounts, QR, the file of reconciliation."""

from __future__ import annotations

import base64
import binascii
import logging
import secrets
import threading
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

from payments.errors import BrokenReply, Declined, Unavailable
from payments.events import PaymentEvent
from payments.http import MAX_REPLY_BYTES, HttpClient, Reply
from payments.models import Order
from payments.providers.bidv.config import BidvConfig, PaygateConfig
from payments.providers.bidv.envelope import HEADER, Envelope
from payments.providers.bidv.signing import secure_code
from payments.secrets import Secret

_OK = "000"
_TOKEN = "/openapi/oauth2/token"  # noqa: S105 - a path
_ACCOUNTS = "/open-banking/paygate/virtualAccount/payer/v1"
_QR = "/open-banking/paygate/virtualAccount/genVietQR/v1"
_FILE = "/open-banking/paygate/common/reconciliation/v1"
_OPEN, _CHANGE = "1", "3"
_EXISTS = "182"
_MAX_FILE_BYTES = 30_000_000
_TOKEN_SPARE = timedelta(minutes=5)
_TOKEN_LIFE_S = 3_600
_MAX_ERROR_CHARS = 20
_log = logging.getLogger(__name__)


class Paygate:
    """Safe to call from several threads: one token for all."""

    def __init__(
        self, name: str, config: BidvConfig, gate: PaygateConfig, *, clock: Callable[[], datetime]
    ) -> None:
        self._name = name
        self._config = config
        self._gate = gate
        self._clock = clock
        self._envelope = Envelope(gate)
        self._http = HttpClient(gate.base_url, read_s=gate.read_s)
        self._lock = threading.Lock()
        self._token = Secret("")
        self._token_ends = datetime.min.replace(tzinfo=UTC)

    def make_qr(self, order: Order) -> str:
        """Text of a QR for the account of this order's code, not looked into. Raises as `create`.

        The bank names the text `vietQR` in one integration; the others are guesses of another.
        """
        if self._gate.opens_accounts:
            self._open_account(order)
        reply = self._ask(
            _QR,
            {
                "serviceId": self._config.service_id,
                "code": order.code,
                "name": self._config.merchant_name,
                "amount": str(order.amount.amount_vnd),
                "description": order.code,
            },
        )
        inner = reply.get("data")
        for place in (reply, inner if isinstance(inner, dict) else {}):
            for key in ("vietQR", "qrCode", "qrData"):
                text = place.get(key)
                if isinstance(text, str) and text:
                    return text
        raise BrokenReply("no QR in the reply")

    def read_file(self, day: date) -> bytes:
        """All that was paid on a day, in the bank's own form."""
        asked = day + timedelta(days=self._gate.file_day_offset)
        reply = self._ask(
            _FILE,
            {
                "type": "1",
                "providerId": self._gate.merchant_id,
                "serviceId": self._config.service_id,
                "transDate": asked.strftime("%Y%m%d"),
                "fileType": "1",
            },
            writes=False,
            most_bytes=_MAX_FILE_BYTES,
        )
        content = reply.get("fileContent") or ""
        try:
            return base64.b64decode(content, validate=True)
        except (TypeError, ValueError, binascii.Error) as error:
            raise BrokenReply("the file is not Base64") from error

    def log_in(self) -> None:
        """Returns when the bank knows us."""
        self._get_token(fresh=True)

    def close(self) -> None:
        self._http.close()

    def _open_account(self, order: Order) -> None:
        """One that is open gets the new amount. The fields of a payer are a guess: no integration
        shows them; that 182 means "exists" was seen in one, for accounts of another kind.
        """
        payer = {"code": order.code, "amount": str(order.amount.amount_vnd)}
        try:
            self._change_account(_OPEN, payer)
        except Declined as error:
            if error.reason != _EXISTS:
                raise
            self._change_account(_CHANGE, payer)

    def _change_account(self, action: str, payer: Mapping[str, str]) -> None:
        config, gate, interaction = self._config, self._gate, self._new_interaction()
        code = secure_code(
            config.secret.reveal(),
            interaction=interaction,
            service=config.service_id,
            merchant=gate.merchant_id,
            merchant_name=config.merchant_name,
        )
        self._ask(
            _ACCOUNTS,
            {
                "secureCode": code,
                "serviceId": config.service_id,
                "merchantId": gate.merchant_id,
                "merchantName": config.merchant_name,
                "action": action,
                "serviceCode": config.account_prefix,
                "payerList": [{"name": config.merchant_name, **payer}],
            },
            interaction=interaction,
        )

    def _ask(
        self,
        path: str,
        content: Mapping[str, Any],
        *,
        writes: bool = True,
        interaction: str = "",
        most_bytes: int = MAX_REPLY_BYTES,
    ) -> dict[str, Any]:
        """Raises Declined for any errorCode but 000."""
        body, interaction = self._envelope.seal(content), interaction or self._new_interaction()
        reply = self._send(path, body, interaction, writes=writes, most_bytes=most_bytes)
        if reply.status == 401:
            self._get_token(fresh=True)
            reply = self._send(path, body, interaction, writes=writes, most_bytes=most_bytes)
        if reply.status == 401:
            raise self._refused("token")
        if reply.status != 200:
            raise BrokenReply(f"status {reply.status}")
        answer = self._envelope.open(reply)
        error = answer.get("errorCode")
        if not isinstance(error, str) or len(error) > _MAX_ERROR_CHARS:
            raise BrokenReply("no errorCode in the reply")
        if error != _OK:
            raise Declined(error)
        return answer

    def _send(
        self, path: str, body: bytes, interaction: str, *, writes: bool, most_bytes: int
    ) -> Reply:
        gate = self._gate
        headers = {
            "Content-Type": "application/json",
            "Channel": gate.channel,
            "User-Agent": gate.user_agent,
            "X-API-Interaction-ID": interaction,
            "X-Idempotency-Key": str(uuid.uuid4()),
            "Timestamp": _stamp(self._clock()),
            "Authorization": f"Bearer {self._get_token()}",
        }
        if self._envelope.certificate:
            headers["X-Client-Certificate"] = self._envelope.certificate
        if signature := self._envelope.sign(body):
            headers[HEADER] = signature
        return self._http.ask(
            "POST", path, writes=writes, body=body, headers=headers, most_bytes=most_bytes
        )

    def _get_token(self, *, fresh: bool = False) -> str:
        with self._lock:
            now = self._clock()
            if not fresh and now < self._token_ends:
                return self._token.reveal()
            reply = self._http.ask(
                "POST",
                _TOKEN,
                writes=False,
                form={
                    "grant_type": "client_credentials",
                    "client_id": self._gate.client_id,
                    "client_secret": self._gate.client_secret.reveal(),
                    "scope": self._gate.scope,
                },
            )
            if reply.status in {400, 401, 403}:
                raise self._refused("login")
            if reply.status != 200:
                raise Unavailable(f"no token: status {reply.status}")
            content = reply.read_json()
            token, life_s = content.get("access_token"), content.get("expires_in", _TOKEN_LIFE_S)
            if not isinstance(token, str) or not token.isascii() or not token.isprintable():
                raise BrokenReply("no token in the reply")
            if type(life_s) is not int or not 0 < life_s <= 86_400:
                life_s = _TOKEN_LIFE_S
            self._token = Secret(token)
            self._token_ends = now + max(timedelta(seconds=life_s) - _TOKEN_SPARE, timedelta())
            return token

    def _new_interaction(self) -> str:
        if self._gate.interaction_id == "uuid":
            return str(uuid.uuid4())
        return f"{secrets.randbelow(10**12):012}"

    def _refused(self, what: str) -> Declined:
        _log.error(PaymentEvent.PROVIDER_REFUSES_US, extra={"provider": self._name, "what": what})
        return Declined(what)


def _stamp(now: datetime) -> str:
    return now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{now.microsecond // 1000:03}Z"
