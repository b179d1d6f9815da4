"""A second reader of what stands on the glass, so that ours is not its own witness.

Pictures are read by OpenCV, VietQR by a few lines that share nothing with `payments.vietqr`.
"""

from __future__ import annotations

import binascii
from dataclasses import dataclass
from pathlib import Path

import cv2


@dataclass(frozen=True, kw_only=True)
class ReadQr:
    bin: str
    account: str
    amount_vnd: int | None
    currency: str
    memo: str | None


def read_picture(file: Path) -> str:
    """The text of the QR in a picture. Raises ValueError when there is none."""
    picture = cv2.imread(str(file), cv2.IMREAD_GRAYSCALE)
    if picture is None:
        raise ValueError(f"{file.name} is no picture")
    text, _, _ = cv2.QRCodeDetector().detectAndDecode(picture)
    if not text:
        raise ValueError(f"{file.name} shows no QR that can be read")
    return text


def read_vietqr(text: str) -> ReadQr:
    """Raises ValueError, KeyError for anything but a sound VietQR."""
    body, crc = text[:-4], text[-4:]
    if not body.endswith("6304"):
        raise ValueError("no checksum at the end")
    if f"{binascii.crc_hqx(body.encode('ascii'), 0xFFFF):04X}" != crc.upper():
        raise ValueError("another checksum")
    top = _fields(text)
    holder = _fields(top["38"])
    if (holder["00"], top["58"]) != ("A000000727", "VN"):
        raise ValueError("not of NAPAS, or not of Vietnam")
    account = _fields(holder["01"])
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
        value = text[at + 4 : at + 4 + length]
        if tag in found or len(value) != length:
            raise ValueError(f"field {tag} is there twice, or too short")
        found[tag] = value
        at += 4 + length
    return found
