"""What the bank's `qrCode` says. The document: "Base64, to make the picture of a QR".

Its example begins like a PNG; another reading is Base64 of the text, or the text itself. All three
are taken, for whichever it is the text is looked into before anybody sees it.
"""

from __future__ import annotations

import base64
import binascii
import io

import zxingcpp
from PIL import Image

from payments.errors import BrokenReply

_PNG = b"\x89PNG\r\n\x1a\n"
_VIETQR = "000201"
_MAX_SIDE = 2_000


def read_qr_content(untrusted: str) -> str:
    """The text of the QR. Raises BrokenReply."""
    if untrusted.startswith(_VIETQR):
        return untrusted
    head, comma, tail = untrusted.partition(",")
    bare = tail if comma and head.startswith("data:image/png") else untrusted
    try:
        content = base64.b64decode(bare, validate=True)
    except (ValueError, binascii.Error) as error:
        raise BrokenReply("qrCode is neither text nor Base64") from error
    if content.startswith(_PNG):
        return _read_picture(content)
    try:
        return content.decode("ascii")
    except UnicodeDecodeError as error:
        raise BrokenReply("qrCode is neither a picture nor text") from error


def _read_picture(content: bytes) -> str:
    try:
        with Image.open(io.BytesIO(content), formats=("PNG",)) as picture:
            if max(picture.size) > _MAX_SIDE:
                raise BrokenReply("the picture is too large")
            grey = picture.convert("L")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise BrokenReply("the picture cannot be read") from error
    found = zxingcpp.read_barcodes(grey, formats=zxingcpp.BarcodeFormats(zxingcpp.QRCode))
    if len(found) != 1:
        raise BrokenReply("the picture does not hold one QR")
    return str(found[0].text)
