from __future__ import annotations

import io

import numpy as np
from PIL import Image

from kiosk_ui.picture import encode_png


def test_the_lowest_row_comes_first_and_ends_at_the_bottom() -> None:
    pixels = np.zeros((4, 3, 4), dtype=np.uint8)
    pixels[0] = (200, 10, 10, 255)
    png = encode_png(pixels.tobytes(), (3, 4))
    picture = np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))
    assert picture.shape == (4, 3, 3)
    assert (picture[3] == (200, 10, 10)).all()
    assert (picture[0] == 0).all()
