"""Each vector, by the client's code and by the stand-in's."""

from __future__ import annotations

import pytest

from payments.providers.momo import signing
from payments.providers.momo.emulator import sign_text

KEY = "demo-momo-secret"
ID = "0c6f9d1e-0000-4000-8000-00000000000"
COMMON = {"accessKey": "DEMOACCESSKEY", "partnerCode": "DEMOPARTNER", "orderId": "VP26AB7K9M-1"}
VECTORS = [
    pytest.param(
        signing.CREATE,
        COMMON
        | {
            "amount": 350000,
            "extraData": "",
            "ipnUrl": "https://kiosk.example/momo/ipn",
            "orderInfo": "Thanh toan vien phi",
            "redirectUrl": "https://kiosk.example/momo/return",
            "requestId": ID + "1",
            "requestType": "captureWallet",
        },
        "48bc47fd314f9695c34b013d1090164c4cf3d6151a54dcd3a7629225ae3bd588",
        id="create",
    ),
    pytest.param(
        signing.NOTICE,
        COMMON
        | {
            "amount": 350000,
            "extraData": "",
            "message": "Successful.",
            "orderInfo": "Thanh toan vien phi",
            "orderType": "momo_wallet",
            "payType": "qr",
            "requestId": ID + "1",
            "responseTime": 1795140930000,
            "resultCode": 0,
            "transId": 4000000001,
        },
        "fbf0cddd672c55d4093809d32e3aef7f220baeed7ccb43d14945e9c27444009b",
        id="notice",
    ),
    pytest.param(
        signing.QUERY,
        COMMON | {"requestId": ID + "2"},
        "01165d06be09507dda26a605826ba21b0554c0cd905ab4dc7c93504fc8cbc063",
        id="query",
    ),
    pytest.param(
        signing.REFUND,
        COMMON
        | {
            "orderId": "VP26AB7K9M-1-R1",
            "amount": 100000,
            "description": "Hoan mot phan",
            "requestId": ID + "3",
            "transId": 4000000001,
        },
        "607de2e9f7e434e6b50633c24c82e8daac89c97e112d30f537ea136bce56d14a",
        id="refund",
    ),
]


@pytest.mark.parametrize(("names", "values", "expected"), VECTORS)
def test_vector(names: tuple[str, ...], values: dict[str, str | int], expected: str) -> None:
    assert signing.sign(KEY, names, values) == expected
    assert sign_text(values, KEY) == expected


def test_names_stand_in_alphabetical_order() -> None:
    for names in (signing.CREATE, signing.NOTICE, signing.QUERY, signing.REFUND):
        assert list(names) == sorted(names)


def test_a_missing_field_is_no_empty_one() -> None:
    with pytest.raises(KeyError):
        signing.sign(KEY, signing.QUERY, COMMON)
