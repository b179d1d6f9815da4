"""The kiosk of a partner, over HTTP without a network: signs as the contract says."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from backend.domain.notice import NOTICE_VERSION
from backend.services.manage_partners import NewPartner, add_partner
from backend.storage.crypto import Keys
from backend.storage.database import Clock, Database
from his_adapter.json_kiosk.contract import ENDPOINTS, Call
from his_adapter.json_kiosk.signing import epoch_ms, request_text, sign

PREFIX = "/partner/c06/v1"


class PartnerKiosk:
    """`late_ms` is what its clock is behind; every request is a millisecond later than the last."""

    def __init__(self, client: FlaskClient, partner: NewPartner, clock: Clock) -> None:
        self.client = client
        self.partner = partner
        self.clock = clock
        self.late_ms = 0
        self.sent = 0

    def headers(
        self, call: Call, parameters: dict[str, Any], body: bytes, *, timestamp: str | None = None
    ) -> dict[str, str]:
        self.sent += 1
        timestamp = timestamp or str(int(epoch_ms(self.clock())) - self.late_ms + self.sent)
        text = request_text(
            ENDPOINTS[call].signed,
            merchant_id=self.partner.merchant_id,
            timestamp=timestamp,
            parameters=parameters,
            body=body,
        )
        return {
            "x-merchant-id": self.partner.merchant_id,
            "x-timestamp": timestamp,
            "x-sign": sign(self.partner.secret.encode(), text),
            "Content-Type": "application/json",
        }

    def get(self, call: Call, **parameters: Any) -> TestResponse:
        address = f"{PREFIX}{ENDPOINTS[call].path}?{urlencode(parameters)}"
        return self.client.get(address, headers=self.headers(call, parameters, b""))

    def ask(self, call: Call, **parameters: Any) -> dict[str, Any]:
        return read(self.get(call, **parameters))

    def register(self, body: Any, client: FlaskClient | None = None) -> dict[str, Any]:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        reply = (client or self.client).post(
            f"{PREFIX}/dangky-kcb",
            data=content,
            headers=self.headers(Call.REGISTER, {}, content),
        )
        return read(reply)


def read(reply: TestResponse) -> dict[str, Any]:
    document = reply.get_json()
    assert isinstance(document, dict), reply.get_data()
    return document


def let_in(
    database: Database, keys: Keys, *, name: str = "Ngân hàng Mẫu", **options: Any
) -> NewPartner:
    options.setdefault("notice_version", NOTICE_VERSION)
    options.setdefault("reads_cards", True)
    return add_partner(database, keys, name=name, **options)


def wish(
    service_id: str, serial: int = 0, *, key: str | None = None, **changes: Any
) -> dict[str, Any]:
    """What a partner sends to register an invented woman."""
    person = {
        "ID_BN": None,
        "MA_BN": None,
        "HO_TEN": "Nguyễn Thị Thử",
        "HO_BN": "Nguyễn",
        "TEN_BN": "Thị Thử",
        "NGAY_SINH": "1985-06-15",
        "GIOI_TINH": 2,
        "SO_GTTT": f"079185{serial:06d}",
        "MATINH_CUTRU": "79",
        "MAHUYEN_CU_TRU": None,
        "MAXA_CU_TRU": "26734",
        "DIA_CHI": "12 Đường Ví Dụ, Phường Mẫu, Thành phố Giả Định",
        "DIEN_THOAI": "0900000001",
        "NGAY_VAO": "2026-11-23 08:00:00",
    }
    service = {
        "ID_KHOA": "KHOA",
        "ID_DICH_VU": service_id,
        "ID_LOAI_KHAM": "new.bhyt",
        "ID_KHUNG_THOI_GIAN": None,
    }
    body: dict[str, Any] = {
        "THONG_TIN_BN": person | changes.pop("person", {}),
        "THONG_TIN_DICH_VU": service | changes.pop("service", {}),
    }
    if key is not None:
        body["MA_YEU_CAU"] = key
    return body | changes
