"""The words of a receipt: what was paid for, how much, by which way. No name, no number of a person.

It is no invoice (hóa đơn) and says so: invoices come from the HIS or its vendor alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from backend.domain.catalogue import Catalogue
from backend.domain.settings import Words
from payments.models import Money

Language = Literal["vi", "en"]

TITLE = Words(vi="BIÊN NHẬN THANH TOÁN", en="PAYMENT RECEIPT")
SLIP_TITLE = Words(vi="PHIẾU ĐẾN QUẦY THU NGÂN", en="FOR THE CASHIER'S DESK")
TO_PAY = Words(vi="Cần trả", en="To pay")
WHERE = Words(vi="Nơi nộp tiền", en="Where to pay")
GO_WITH_NUMBER = Words(
    vi="Khi nghe hoặc thấy số này, mời đến quầy thu ngân.",
    en="Come to the cashier when you hear or see this number.",
)
GO_WITHOUT_NUMBER = Words(
    vi="Mời đưa phiếu này cho quầy thu ngân.", en="Please show this slip at the cashier's desk."
)
ADVANCE_TITLE = Words(vi="BIÊN NHẬN TẠM ỨNG", en="RECEIPT FOR AN ADVANCE")
TOTAL = Words(vi="Đã nhận", en="Received")
BILL = Words(vi="Phiếu thu", en="Bill")
ADVANCE = Words(vi="Tạm ứng viện phí", en="Advance payment")
NUMBER = Words(vi="Số thứ tự", en="Your number")
METHOD = Words(vi="Cách trả", en="Paid with")
PAID_AT = Words(vi="Lúc", en="Time")
REFERENCE = Words(vi="Mã giao dịch", en="Transaction")
TO_BE_ENTERED = Words(
    vi="Bệnh viện đã nhận tiền. Hồ sơ viện phí sẽ được ghi nhận sau.",
    en="The hospital has your money. Your account will show it later.",
)
NO_INVOICE = Words(
    vi="Đây là biên nhận, không phải hóa đơn. Mời giữ lại để đối chiếu.",
    en="This is a receipt, not an invoice. Please keep it.",
)
ASK_FOR_INVOICE = Words(
    vi="Cần hóa đơn, mời báo mã này tại quầy thu ngân.",
    en="For an invoice, give this code at the cashier's desk.",
)
PART_HELD = Words(
    vi="Bạn đã trả thừa {amount}. Mời đến quầy thu ngân để nhận lại.",
    en="You paid {amount} too much. Please see the cashier to get it back.",
)
INVOICE_QR = Words(vi="Quét để xem hóa đơn điện tử", en="Scan to see the electronic invoice")
CODE_QR = Words(vi="Mã biên nhận", en="Receipt code")


def write_amount(amount: Money, language: Language) -> str:
    """`350.000 đ`, and `350,000 VND` where đồng are not known by their sign."""
    return str(amount) if language == "vi" else f"{amount.amount_vnd:,} VND"


@dataclass(frozen=True, kw_only=True)
class PaidLine:
    """`code` is that of the bill; empty for an advance."""

    code: str
    title: str
    amount: Money


@dataclass(frozen=True, kw_only=True)
class ReceiptFacts:
    code: str
    lines: Sequence[PaidLine]
    method: Words
    paid_at: datetime
    reference: str
    number: str | None
    told_hospital: bool
    over: Money
    invoice_url: str | None
    language: Language


@dataclass(frozen=True, kw_only=True)
class SlipFacts:
    """What somebody who pays in cash takes to the counter."""

    lines: Sequence[PaidLine]
    number: str | None
    place: Words | None
    landmark: Words | None
    issued_at: datetime
    language: Language


def compose_slip(facts: SlipFacts, catalogue: Catalogue) -> dict[str, Any]:
    """A `Receipt` that says what is still to be paid, and where."""
    hospital = catalogue.facility_name
    codes = " ".join(line.code for line in facts.lines if line.code)

    def compose(language: Language) -> dict[str, Any]:
        def say(words: Words) -> str:
            return words.vi if language == "vi" else words.en

        told = [(NUMBER, facts.number or "")]
        if facts.place is not None:
            told.append((WHERE, say(facts.place)))
        notes = [say(GO_WITH_NUMBER if facts.number else GO_WITHOUT_NUMBER)]
        if facts.landmark is not None and say(facts.landmark):
            notes.insert(0, say(facts.landmark))
        total = sum((line.amount for line in facts.lines), Money(0))
        return {
            "title": say(SLIP_TITLE),
            "lines": _lines(facts.lines, say, language),
            "total": {"label": say(TO_PAY), "value": write_amount(total, language)},
            "facts": [{"label": say(label), "value": value} for label, value in told if value],
            "notes": notes,
            "qr_label": "",
        }

    return {
        "hospital": hospital.vi if facts.language == "vi" else hospital.en,
        "code": facts.number or codes,
        "issued_at": facts.issued_at.astimezone(catalogue.zone).isoformat(timespec="seconds"),
        "qr": codes,
        "hotline": catalogue.hotline,
        "lang": facts.language,
        "texts": compose(facts.language),
        "vi": None if facts.language == "vi" else compose("vi"),
    }


def _lines(
    lines: Sequence[PaidLine], say: Callable[[Words], str], language: Language
) -> list[dict[str, str]]:
    return [
        {
            "label": f"{say(BILL)} {line.code}" if line.code else say(ADVANCE),
            "value": write_amount(line.amount, language),
        }
        for line in lines
    ]


def compose_receipt(facts: ReceiptFacts, catalogue: Catalogue) -> dict[str, Any]:
    """`Receipt` of the OpenAPI description."""
    hospital = catalogue.facility_name
    return {
        "hospital": hospital.vi if facts.language == "vi" else hospital.en,
        "code": facts.code,
        "issued_at": facts.paid_at.astimezone(catalogue.zone).isoformat(timespec="seconds"),
        "qr": facts.invoice_url or facts.code,
        "hotline": catalogue.hotline,
        "lang": facts.language,
        "texts": _compose_texts(facts, catalogue, facts.language),
        "vi": None if facts.language == "vi" else _compose_texts(facts, catalogue, "vi"),
        "practice": catalogue.practice,
    }


def _compose_texts(facts: ReceiptFacts, catalogue: Catalogue, language: Language) -> dict[str, Any]:
    def say(words: Words) -> str:
        return words.vi if language == "vi" else words.en

    total = sum((line.amount for line in facts.lines), Money(0))
    is_advance = not any(line.code for line in facts.lines)
    when = facts.paid_at.astimezone(catalogue.zone).strftime("%H:%M:%S %d/%m/%Y")
    told = [(METHOD, say(facts.method)), (PAID_AT, when), (REFERENCE, facts.reference)]
    if facts.number is not None:
        told.insert(0, (NUMBER, facts.number))
    notes = [] if facts.told_hospital else [say(TO_BE_ENTERED)]
    if facts.over.is_positive:
        notes.append(say(PART_HELD).format(amount=write_amount(facts.over, language)))
    notes.append(say(NO_INVOICE))
    if facts.invoice_url is None:
        notes.append(say(ASK_FOR_INVOICE))
    return {
        "title": say(ADVANCE_TITLE if is_advance else TITLE),
        "lines": _lines(facts.lines, say, language),
        "total": {"label": say(TOTAL), "value": write_amount(total, language)},
        "facts": [{"label": say(label), "value": value} for label, value in told if value],
        "notes": notes,
        "qr_label": say(INVOICE_QR if facts.invoice_url else CODE_QR),
    }
