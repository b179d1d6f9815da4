"""Each vector, by the client's code and by the stand-in's."""

from __future__ import annotations

from datetime import UTC, datetime
from urllib.parse import parse_qsl

import pytest

from payments.providers.vnpay import emulator, signing

SECRET = "DEMOVNPAYHASHSECRET0000000000000"
PAY = (
    "vnp_Amount=35000000&vnp_Command=pay&vnp_CreateDate=20261120091500&vnp_CurrCode=VND"
    "&vnp_ExpireDate=20261120093000&vnp_IpAddr=10.0.0.5&vnp_Locale=vn"
    "&vnp_OrderInfo=Thanh+toan+vien+phi+VP26AB7K9M&vnp_OrderType=other"
    "&vnp_ReturnUrl=https%3A%2F%2Fkiosk.example%2Fvnpay%2Freturn&vnp_TmnCode=DEMOTMN1"
    "&vnp_TxnRef=VP26AB7K9M&vnp_Version=2.1.0"
)
NOTICE = (
    "vnp_Amount=35000000&vnp_BankCode=BIDV&vnp_BankTranNo=VNP14000001&vnp_CardType=QRCODE"
    "&vnp_OrderInfo=Thanh+toan+vien+phi+VP26AB7K9M&vnp_PayDate=20261120091630"
    "&vnp_ResponseCode=00&vnp_TmnCode=DEMOTMN1&vnp_TransactionNo=14000001"
    "&vnp_TransactionStatus=00&vnp_TxnRef=VP26AB7K9M"
)
FORMS = [
    pytest.param(
        PAY,
        "0bea48326cc4484e99e8faabb42dd2b9b51ee20a0fc7c070b1f8d782b57cd2ff"
        "50eb30d37001827bd064e5f46dbc009249d0fc87206989add3b1944e5c442c4e",
        id="pay",
    ),
    pytest.param(
        PAY.replace("=pay", "=genqr"),
        "c222487a9621b968db743605bf4b6a036207435aef7ecdc48675329fae6d1ff4"
        "2743aa317f7e1d117b7c5385dbc5072135e77cc691f97df281e06b05ddd4030a",
        id="genqr",
    ),
    pytest.param(
        NOTICE,
        "11e6e9bafb5c5e2511d10325d4d2e489af0e0a0a957b51d8ae8e3920b808b3fb"
        "a26b03b5276d272bddb0deb7e0c10cc5a2562fa10719a9e428f8cda1610009f7",
        id="notice",
    ),
]
PIPED = [
    pytest.param(
        signing.QUERY,
        emulator._ASKED["querydr"],
        "RQ0001|2.1.0|querydr|DEMOTMN1|VP26AB7K9M|20261120091500|20261120092000|10.0.0.5"
        "|Truy van VP26AB7K9M",
        "c718562f51ed4a8b94937a4813c0db7d272b39501396670ecc89cecdac79f7ff"
        "5b20d2558b285d5968184c443444a85a88a34df1f1b305e200a0c5d0bfd7a748",
        id="querydr",
    ),
    pytest.param(
        signing.QUERY_REPLY,
        emulator._TOLD,
        "RS0001|querydr|00|Success|DEMOTMN1|VP26AB7K9M|35000000|BIDV|20261120091630|14000001|01|00"
        "|Thanh toan vien phi VP26AB7K9M||",
        "62dcb011ec22f06b3f45cabb1728182921e3fbf1852589609f6425a984d5e7ef"
        "fdfd8ab80f6864ae8dd72834e320a230febd949b5ee2ed3b9eea1afd3420b57d",
        id="querydr reply",
    ),
    pytest.param(
        signing.REFUND,
        emulator._ASKED["refund"],
        "RQ0002|2.1.0|refund|DEMOTMN1|03|VP26AB7K9M|10000000|14000001|20261120091500|thungan01"
        "|20261120100000|10.0.0.5|Hoan mot phan VP26AB7K9M",
        "bd1dbd804ad549f35bdd182f3bffdce54ea0f43ca59b598385abcd8ad9ba2902"
        "2c1b6f550ec3e497825afd8a411ac4de81735f7fcc3d4644a161c47a17346fe3",
        id="refund",
    ),
]


@pytest.mark.parametrize(("text", "expected"), FORMS)
def test_vector_of_a_form(text: str, expected: str) -> None:
    fields = dict(reversed(parse_qsl(text)))
    unsigned = {**fields, "vnp_SecureHash": "x", "vnp_SecureHashType": "SHA512", "vnp_Empty": ""}
    assert signing.form_text(unsigned) == text
    assert signing.sign(SECRET, text) == expected
    assert emulator.signed_query(unsigned) == text
    assert emulator.hash_of(text, SECRET) == expected


@pytest.mark.parametrize(("names", "told", "text", "expected"), PIPED)
def test_vector_of_a_piped_text(
    names: tuple[str, ...], told: str, text: str, expected: str
) -> None:
    values = {name: value for name, value in zip(names, text.split("|"), strict=True) if value}
    assert signing.sign_piped(SECRET, names, values) == expected
    assert emulator.piped(told, values) == text
    assert emulator.hash_of(text, SECRET) == expected


def test_times_are_those_of_vietnam() -> None:
    moment = datetime(2026, 11, 20, 17, 0, 5, tzinfo=UTC)
    assert signing.write_time(moment) == "20261121000005"
    assert signing.read_time("20261121000005") == moment
    for wrong in (
        "",
        "2026112100000",
        "20261121000005 ",
        "20261340000000",
        "２０２６１１２１００００",
    ):
        with pytest.raises(ValueError):
            signing.read_time(wrong)
