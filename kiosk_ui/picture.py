"""A picture of the glass as a small file."""

from __future__ import annotations

import io

from PIL import Image

COLOURS = 128


def encode_png(rgba: bytes, size: tuple[int, int]) -> bytes:
    """Of pixels as they are read from a window, the lowest row first. Takes a while."""
    picture = Image.frombytes("RGBA", size, rgba).convert("RGB")
    small = picture.transpose(Image.Transpose.FLIP_TOP_BOTTOM).quantize(
        COLOURS, dither=Image.Dither.NONE
    )
    file = io.BytesIO()
    small.save(file, "PNG", optimize=True)
    return file.getvalue()
