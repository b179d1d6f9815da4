"""zbar hands out bytes, not its guess of the text."""

from __future__ import annotations

import cv2
import numpy as np

from devices.models import Frame
from devices.scanners import zbar
from devices.simulated.cards import CardKind, draw_card_frame

# zbar reads this as Big5 unless it is in binary mode.
PAYLOAD = "079085000000||Nguyễn Văn Thử|05091985|Nam|Linh Đông, Thủ Đức|12082021".encode()
BAR_PAYLOAD = b"BN0012345678"


def grey(frame: Frame) -> Frame:
    return np.asarray(cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY), dtype=np.uint8)


def test_vietnamese_comes_as_the_bytes_in_the_code() -> None:
    assert zbar.read_qr(grey(draw_card_frame(PAYLOAD))) == [PAYLOAD]


def test_each_reader_reads_its_kind() -> None:
    card = grey(draw_card_frame(PAYLOAD))
    slip = grey(draw_card_frame(BAR_PAYLOAD, kind=CardKind.SLIP))
    assert zbar.read_code128(card) == []
    assert zbar.read_qr(slip) == []
    assert zbar.read_code128(slip) == [BAR_PAYLOAD]
    assert zbar.read_both(card) == [PAYLOAD]
    assert zbar.read_both(slip) == [BAR_PAYLOAD]
