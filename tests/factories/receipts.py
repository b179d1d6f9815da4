"""Receipts for tests: invented hospital, no person."""

from __future__ import annotations

from typing import Any

from devices.models import ReceiptDocument


def _line(label: str, value: str) -> dict[str, str]:
    return {"label": label, "value": value}


VI: dict[str, Any] = {
    "title": "PHIẾU THU TIỀN",
    "lines": [_line("Khám nội tổng quát", "9.000 đ"), _line("Xét nghiệm máu", "68.000 đ")],
    "total": _line("Đã nhận", "77.000 đ"),
    "facts": [
        _line("Cách trả", "Quét mã ngân hàng"),
        _line("Lúc", "06:12 23/11/2026"),
        _line("Số phiếu khám", "A012"),
    ],
    "notes": ["Phiếu này không phải hóa đơn."],
    "qr_label": "Quét mã để xem hóa đơn điện tử",
}
EN: dict[str, Any] = {
    "title": "PAYMENT RECEIPT",
    "lines": [_line("General medicine", "9,000 VND"), _line("Blood test", "68,000 VND")],
    "total": _line("Received", "77,000 VND"),
    "facts": [
        _line("Paid by", "Bank QR"),
        _line("At", "06:12 23/11/2026"),
        _line("Ticket", "A012"),
    ],
    "notes": ["This is not a tax invoice."],
    "qr_label": "Scan for the electronic invoice",
}
RECEIPT: dict[str, Any] = {
    "hospital": "Trung tâm Y tế Huyện Mẫu",
    "code": "BM7K2P4QX",
    "issued_at": "2026-11-22T23:12:00Z",
    "qr": "https://hoadon.example/tra-cuu/7Kq2mXw9ZpTb4VnRfY3L",
    "hotline": "0236 3 000 000",
    "lang": "vi",
    "texts": VI,
    "vi": None,
}


def receipt_json(**changes: object) -> dict[str, Any]:
    """A `Receipt` as the server sends it."""
    return RECEIPT | changes


def english_receipt_json(**changes: object) -> dict[str, Any]:
    """The same for somebody who chose English."""
    return RECEIPT | {"lang": "en", "texts": EN, "vi": VI} | changes


def receipt(**changes: object) -> ReceiptDocument:
    return ReceiptDocument.from_json(receipt_json(**changes))
