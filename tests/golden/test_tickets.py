"""Tickets as pictures. `make golden` redraws them: look at them before you commit."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from devices.models import PaperMark, TicketDocument
from devices.printers.rendering import WIDTHS_PX, render
from tests.factories.tickets import english_ticket_json, ticket_json
from tests.flows.stand_ins import Bench

TRIAL = "trial-page"
FOLDER = Path(__file__).parent / "tickets"
# Another build of the type library moves single dots of a letter's edge, no more.
MAX_SHARE_DIFFERENT = 0.002

_LONG = {
    "hospital": "Trung tâm Chăm sóc sức khỏe sinh sản và Phục hồi chức năng Khu vực Miền núi Mẫu",
    "service": "Khám sức khỏe định kỳ cho người lao động làm việc trong môi trường độc hại",
    "department": "Khoa Khám bệnh theo yêu cầu và Quản lý bệnh mạn tính",
    "room": "Phòng khám Răng Hàm Mặt số 215",
    "landmark": "đi thẳng qua sảnh chính, rẽ trái sau nhà thuốc, cuối hành lang",
    "next": "Mời đến quầy thu phí số 3 nộp tạm ứng, rồi ngồi chờ trước phòng khám."
    " Khi nghe hoặc thấy số này, mời vào phòng.",
    "notes": ["Cần kiểm tra thẻ bảo hiểm y tế tại quầy tiếp đón trước khi vào phòng khám"],
    "qr": "https://tiepdon.benhvienmau.example/t/7Kq2mXw9ZpTb4VnRfY3LA8",
}
_NOTES = ["Cần kiểm tra thẻ", "Mời xuất trình giấy tờ tại quầy"]
_NOTES_EN = ["Your insurance card still has to be checked", "Please show your papers at the desk"]


def _english(**changes: Any) -> dict[str, Any]:
    json = english_ticket_json(**changes)
    if "notes" in changes:
        json["vi"] = json["vi"] | {"notes": _NOTES}
    return json


TICKETS: dict[str, dict[str, Any]] = {
    "vi-normal": ticket_json(),
    "vi-provisional": ticket_json(number="A105", notes=_NOTES, wait_min=None),
    "vi-priority": ticket_json(number="U008", room="Phòng 3", floor="Trệt", wait_min=[5, 10]),
    "vi-long": ticket_json(number="H1024", **_LONG),
    "en-normal": english_ticket_json(),
    "en-provisional": _english(number="A105", notes=_NOTES_EN, wait_min=None),
    "en-priority": english_ticket_json(number="U008", wait_min=[5, 10]),
    "en-long": english_ticket_json(number="H1024", vi=_LONG)
    | {
        "hospital": _LONG["hospital"],
        "service": "Periodic health check for people who work in a hazardous environment",
        "department": "Outpatient department on request, chronic disease management",
        "room": "Dental and maxillofacial room 215",
        "landmark": "straight through the main hall, left after the pharmacy, end of the corridor",
        "next": "Please pay the advance at cashier 3, then sit outside the room."
        " Go in when you hear or see this number.",
        "notes": ["Your insurance card has to be checked at reception before you go in"],
        "qr": _LONG["qr"],
    },
    "vi-practice": ticket_json(practice=True),
    "en-practice": english_ticket_json(practice=True),
}


def trial_page() -> TicketDocument:
    """What a kiosk prints when staff try its printer."""
    bench = Bench()
    bench.gateway.order("p1", "test_print")
    bench.wait(31)
    [page] = bench.printer.test_pages
    document = TicketDocument.from_json(page.model_dump_json())
    return replace(document, mark=PaperMark.TEST)


@pytest.mark.parametrize("width_px", WIDTHS_PX)
@pytest.mark.parametrize("name", [*TICKETS, TRIAL])
def test_ticket_looks_as_accepted(name: str, width_px: int) -> None:
    document = trial_page() if name == TRIAL else TicketDocument.from_json(TICKETS[name])
    picture = render(document, width_px=width_px)
    file = FOLDER / f"{name}-{width_px}.png"
    if os.environ.get("TIEPDON_GOLDEN") == "write":
        picture.save(file, optimize=True)
    assert file.is_file(), f"no accepted picture {file.name}: run make golden and look at it"
    accepted = Image.open(file)
    assert picture.size == accepted.size
    different = np.asarray(picture, dtype=bool) ^ np.asarray(accepted, dtype=bool)
    assert different.mean() <= MAX_SHARE_DIFFERENT


def test_no_picture_without_its_ticket() -> None:
    expected = {f"{name}-{width_px}.png" for name in [*TICKETS, TRIAL] for width_px in WIDTHS_PX}
    assert {file.name for file in FOLDER.glob("*.png")} == expected
