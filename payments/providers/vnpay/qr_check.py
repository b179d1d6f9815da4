"""The text of a VNPAY-QR (EMVCo, object 26 of VNPAY's own scheme), looked at before it is shown."""

from __future__ import annotations

from payments.errors import BrokenReply
from payments.models import Money
from payments.vietqr.codec import crc
from payments.vietqr.errors import VietQrError
from payments.vietqr.objects import read_objects

_MAX_CHARS = 512
_AMOUNT, _CURRENCY, _VND = "54", "53", "704"


def check_qr(qr_text: object, amount: Money) -> str:
    """The text, with its CRC, currency and amount right. Raises BrokenReply."""
    if not isinstance(qr_text, str) or not 8 < len(qr_text) <= _MAX_CHARS:
        raise BrokenReply("no QR")
    if not qr_text.isascii() or crc(qr_text[:-4]) != qr_text[-4:].upper():
        raise BrokenReply("the QR is damaged")
    try:
        objects = read_objects(qr_text)
    except VietQrError as error:
        raise BrokenReply("the QR cannot be read") from error
    if objects.get(_CURRENCY) != _VND or objects.get(_AMOUNT) != str(amount.amount_vnd):
        raise BrokenReply("the QR asks for another amount")
    return qr_text
