"""Receipts as pictures. `make golden` redraws them: look at them before you commit."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from devices.models import ReceiptDocument
from devices.printers.receipts import render_receipt
from devices.printers.rendering import WIDTHS_PX
from tests.factories.receipts import EN, VI, english_receipt_json, receipt_json
from tests.flows.stand_ins import Bench
from tests.flows.steps import TO_QR, touch, walk

FOLDER = Path(__file__).parent / "receipts"
# Another build of the type library moves single dots of a letter's edge, no more.
MAX_SHARE_DIFFERENT = 0.002

_TO_COME = "Đã nhận tiền, chờ ghi nhận vào hồ sơ. Bạn không cần làm gì thêm."
_TO_COME_EN = "Received; still to be entered in your record. You need not do anything."
_LONG = {
    "lines": [
        {"label": f"Xét nghiệm tổng phân tích tế bào máu ngoại vi lần {n}", "value": "1.268.000 đ"}
        for n in range(1, 7)
    ],
    "total": {"label": "Đã nhận", "value": "1.234.567.000 đ"},
    "notes": [*VI["notes"], _TO_COME],
}

RECEIPTS: dict[str, dict[str, Any]] = {
    "vi-normal": receipt_json(),
    "vi-to-come": receipt_json(
        qr="BM7K2P4QX",
        texts=VI | {"notes": [*VI["notes"], _TO_COME], "qr_label": "Mã của lần trả này"},
    ),
    "vi-long": receipt_json(texts=VI | _LONG),
    "en-normal": english_receipt_json(),
    "en-to-come": english_receipt_json(
        texts=EN | {"notes": [*EN["notes"], _TO_COME_EN]},
        vi=VI | {"notes": [*VI["notes"], _TO_COME]},
    ),
    "vi-practice": receipt_json(practice=True),
    "en-practice": english_receipt_json(practice=True),
}


def slip_json(language: str) -> dict[str, Any]:
    """What is printed for somebody who leaves after a part of the money came."""
    bench = Bench()
    if language != "vi":
        touch(bench, "language", language)
    walk(bench, TO_QR)
    bench.gateway.money.receive(100_000)
    bench.wait(1)
    touch(bench, "finish")
    return bench.printer.receipts[0].model_dump(mode="json")


RECEIPTS |= {f"{language}-slip": slip_json(language) for language in ("vi", "en")}


@pytest.mark.parametrize("width_px", WIDTHS_PX)
@pytest.mark.parametrize("name", RECEIPTS)
def test_receipt_looks_as_accepted(name: str, width_px: int) -> None:
    picture = render_receipt(ReceiptDocument.from_json(RECEIPTS[name]), width_px=width_px)
    file = FOLDER / f"{name}-{width_px}.png"
    if os.environ.get("TIEPDON_GOLDEN") == "write":
        file.parent.mkdir(exist_ok=True)
        picture.save(file, optimize=True)
    assert file.is_file(), f"no accepted picture {file.name}: run make golden and look at it"
    accepted = Image.open(file)
    assert picture.size == accepted.size
    different = np.asarray(picture, dtype=bool) ^ np.asarray(accepted, dtype=bool)
    assert different.mean() <= MAX_SHARE_DIFFERENT


def test_no_picture_without_its_receipt() -> None:
    expected = {f"{name}-{width_px}.png" for name in RECEIPTS for width_px in WIDTHS_PX}
    assert {file.name for file in FOLDER.glob("*.png")} == expected
