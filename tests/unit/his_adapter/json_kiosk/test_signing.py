from __future__ import annotations

from his_adapter.json_kiosk.contract import BODY
from his_adapter.json_kiosk.signing import is_signed_by, request_text, sign, text_to_sign


def test_the_published_example() -> None:
    text = text_to_sign([20170829103111, "BN-0011", None, 300])
    assert text == "20170829103111|BN-0011||300"
    assert len(sign(b"your_secret_key", text)) == 64


def test_what_is_signed_of_a_request() -> None:
    text = request_text(
        ["MA_KHOA", "a.b", "c", BODY],
        merchant_id="M",
        timestamp="1",
        parameters={"MA_KHOA": "N", "a": {"b": True}},
        body=b"{}",
    )
    digest = "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
    assert text == f"M|1|N|true||{digest}"


def test_signatures_in_any_case_and_of_any_kind() -> None:
    signature = sign(b"k", "text")
    assert is_signed_by(b"k", "text", signature.upper())
    for wrong in ("", "é", "x" * 10_000, signature[:-1], sign(b"l", "text"), sign(b"k", "Text")):
        assert not is_signed_by(b"k", "text", wrong)
