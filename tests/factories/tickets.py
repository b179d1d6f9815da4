"""Tickets for tests: invented hospital, no person."""

from __future__ import annotations

from typing import Any

from devices.models import TicketDocument

TICKET: dict[str, Any] = {
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
    "notes": [],
    "qr": "https://kham.example/t/7Kq2mXw9ZpTb4VnRfY3L",
    "hotline": "0236 3 000 000",
    "lang": "vi",
    "vi": None,
}
_VI_KEYS = ("service", "department", "room", "landmark", "next", "notes")


def ticket_json(**changes: object) -> dict[str, Any]:
    """A `Ticket` as the server sends it."""
    return TICKET | changes


def english_ticket_json(**changes: object) -> dict[str, Any]:
    """The same ticket for somebody who chose English."""
    english = {
        "lang": "en",
        "service": "General medicine",
        "department": "Outpatient department",
        "room": "Room 12",
        "landmark": "next to the lift, block B",
        "next": "Sit outside the room. Go in when you hear or see this number.",
        "vi": {key: TICKET[key] for key in _VI_KEYS},
    }
    return TICKET | english | changes


def ticket(**changes: object) -> TicketDocument:
    return TicketDocument.from_json(ticket_json(**changes))
