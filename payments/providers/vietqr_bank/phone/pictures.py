"""Finds the QR in a photograph or a screenshot."""

from __future__ import annotations

import io
from typing import Any

_MAX_PIXELS = 40_000_000


class NoQr(Exception):
    """Not a picture, too large, or without a QR that can be read."""


def read_qr(untrusted_picture: bytes) -> str:
    """Of several the one that is largest. Raises NoQr."""
    # heavy, and only this page needs them
    import zxingcpp
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(io.BytesIO(untrusted_picture)) as picture:
            if picture.width * picture.height > _MAX_PIXELS:
                raise NoQr
            grey = picture.convert("L")
    except (UnidentifiedImageError, Image.DecompressionBombError, OSError, ValueError) as error:
        raise NoQr from error
    found = [
        (_area(code.position), str(code.text))
        for code in zxingcpp.read_barcodes(
            grey, formats=zxingcpp.BarcodeFormats(zxingcpp.BarcodeFormat.QRCode)
        )
        if code.valid
    ]
    if not found:
        raise NoQr
    return max(found)[1]


def _area(position: Any) -> int:
    corners = (position.top_left, position.top_right, position.bottom_right, position.bottom_left)
    points = [(int(corner.x), int(corner.y)) for corner in corners]
    turns = zip(points, points[1:] + points[:1], strict=True)
    return abs(sum(x * next_y - next_x * y for (x, y), (next_x, next_y) in turns))
