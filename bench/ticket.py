"""Drawing and encoding tickets: what a patient waits for before the first dot is printed."""

from __future__ import annotations

import statistics
import time

from bench import Row
from devices.models import TicketDocument
from devices.printers import rendering
from devices.printers.escpos import encode
from devices.printers.profiles import get_profile
from devices.printers.rendering import render

_VI: dict[str, object] = {
    "hospital": "Trung tâm Y tế Huyện Mẫu",
    "issued_at": "2026-11-23T01:15:00Z",
    "number": "A012",
    "service": "Khám nội tổng quát",
    "department": "Khoa Khám bệnh",
    "room": "Phòng 12",
    "floor": "2",
    "landmark": "cạnh thang máy khu B",
    "wait_min": [20, 35],
    "next": "Ngồi chờ trước phòng. Khi nghe hoặc thấy số này, mời vào phòng.",
    "notes": ["Cần kiểm tra thẻ", "Mời xuất trình giấy tờ tại quầy"],
    "hotline": "0236 3 000 000",
    "lang": "vi",
}
_EN: dict[str, object] = _VI | {
    "lang": "en",
    "service": "General medicine",
    "room": "Room 12",
    "landmark": "next to the lift, block B",
    "next": "Sit outside the room. Go in when you hear or see this number.",
    "notes": ["Your card has to be checked", "Please show your papers at the desk"],
    "vi": {key: _VI[key] for key in ("service", "department", "room", "landmark", "next", "notes")},
}


def run(*, quick: bool) -> list[Row]:
    count = 20 if quick else 100
    rows = []
    for ticket in (_VI, _EN):
        for profile in ("generic-80", "generic-58"):
            for kept in (False, True):
                _once_ms(ticket, profile, 0, kept=kept)  # loads typeface and libraries
                times_ms = [_once_ms(ticket, profile, n, kept=kept) for n in range(count)]
                texts = "texts seen before" if kept else "all texts new"
                rows.append(
                    Row(
                        name=f"ticket draw + encode, {ticket['lang']}, {profile}, {texts}",
                        value=statistics.median(times_ms),
                        unit="ms",
                        goal=50,
                        note=f"p95 {statistics.quantiles(times_ms, n=20)[-1]:.1f} ms",
                    )
                )
    return rows


def _once_ms(ticket: dict[str, object], profile_name: str, number: int, *, kept: bool) -> float:
    """Processor time of one ticket, with a number and a code of its own as in life."""
    profile = get_profile(profile_name)
    qr = f"https://kham.example/t/7Kq2mXw9ZpTb4V{number:06}"
    document = TicketDocument.from_json(ticket | {"number": f"A{number:03}", "qr": qr})
    if not kept:
        rendering._line_mask.cache_clear()
        rendering._word_px.cache_clear()
    started_s = time.thread_time()
    encode(render(document, width_px=profile.width_px), profile, process_id=b"DEMO")
    return (time.thread_time() - started_s) * 1000
