"""A reader of VietQR of its own, so that ours cannot be its own witness."""

from __future__ import annotations

import binascii
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class ReadQr:
    bin: str
    account: str
    amount_vnd: int | None
    currency: str
    memo: str | None


def read_vietqr(text: str) -> ReadQr:
    """Fails (AssertionError, KeyError, ValueError) for anything but a sound VietQR."""
    body, crc = text[:-4], text[-4:]
    assert body.endswith("6304")
    assert f"{binascii.crc_hqx(body.encode('ascii'), 0xFFFF):04X}" == crc.upper()
    top = _fields(text)
    holder = _fields(top["38"])
    assert holder["00"] == "A000000727"
    account = _fields(holder["01"])
    assert top["58"] == "VN"
    amount = top.get("54")
    return ReadQr(
        bin=account["00"],
        account=account["01"],
        amount_vnd=None if amount is None else int(amount),
        currency=top["53"],
        memo=_fields(top.get("62", "")).get("08"),
    )


def _fields(text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    at = 0
    while at < len(text):
        tag, length = text[at : at + 2], int(text[at + 2 : at + 4])
        assert tag not in found
        found[tag] = text[at + 4 : at + 4 + length]
        assert len(found[tag]) == length
        at += 4 + length
    return found
