from __future__ import annotations

import base64
import io

import pytest
import qrcode
from PIL import Image

from payments.errors import BrokenReply
from payments.providers.hdbank.qr_content import read_qr_content

TEXT = (
    "00020101021238570010A00000072701270006970437011306800000000010208QRIBFTTA"
    "5303704540715000005802VN62270109TU26001230810TU26AB7K9M6304AAA4"
)


def png(picture: Image.Image) -> str:
    content = io.BytesIO()
    picture.save(content, format="PNG")
    return base64.b64encode(content.getvalue()).decode()


def test_text_as_it_is_and_packed_and_drawn() -> None:
    drawn = png(qrcode.make(TEXT, box_size=4).get_image())
    packed = base64.b64encode(TEXT.encode()).decode()
    for content in (TEXT, packed, drawn, f"data:image/png;base64,{drawn}"):
        assert read_qr_content(content) == TEXT


@pytest.mark.parametrize(
    "content",
    [
        "",
        "không",
        "####",
        base64.b64encode(b"\xff\xfe").decode(),
        base64.b64encode(b"\x89PNG\r\n\x1a\n" + b"0" * 50).decode(),
        png(Image.new("L", (50, 50), 255)),
        png(Image.new("1", (3_000, 10), 255)),
    ],
)
def test_what_is_no_qr(content: str) -> None:
    if not content:
        assert read_qr_content(content) == ""  # and is then no VietQR
        return
    with pytest.raises(BrokenReply):
        read_qr_content(content)


def test_two_codes_in_one_picture() -> None:
    one = qrcode.make(TEXT, box_size=4).get_image().convert("L")
    other = qrcode.make("other", box_size=4).get_image().convert("L")
    both = Image.new("L", (one.width + other.width + 60, one.height), 255)
    both.paste(one, (0, 0))
    both.paste(other, (one.width + 60, 0))
    with pytest.raises(BrokenReply):
        read_qr_content(png(both))
