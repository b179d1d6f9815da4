from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from backend.domain.receipt import (
    PaidLine,
    ReceiptFacts,
    SlipFacts,
    compose_receipt,
    compose_slip,
    write_amount,
)
from backend.domain.settings import Words
from backend.storage.catalogue import load_catalogue
from backend.storage.database import Database
from backend.web.payment_schemas import Receipt
from payments.models import Money
from tests.factories.hospital import Hospital

FACTS = ReceiptFacts(
    code="VPQHBX8D3",
    lines=[PaidLine(code="PT1", title="Khám", amount=Money(45_000))],
    method=Words(vi="Ngân hàng", en="Bank app"),
    paid_at=datetime(2026, 11, 23, 1, 0, 5, tzinfo=UTC),
    reference="FT26330001",
    number="A012",
    told_hospital=True,
    over=Money(0),
    invoice_url=None,
    language="vi",
)


def test_a_receipt_says_what_was_paid_when_and_how(database: Database) -> None:
    hospital = Hospital(database).set_up()
    with hospital.database.read() as connection:
        catalogue = load_catalogue(connection, hospital.database.facility_id)
    receipt = Receipt.model_validate(compose_receipt(FACTS, catalogue))
    assert receipt.texts.title == "BIÊN NHẬN THANH TOÁN"
    assert [(line.label, line.value) for line in receipt.texts.lines] == [
        ("Phiếu thu PT1", "45.000 đ")
    ]
    facts = {fact.label: fact.value for fact in receipt.texts.facts}
    assert facts == {
        "Số thứ tự": "A012",
        "Cách trả": "Ngân hàng",
        "Lúc": "08:00:05 23/11/2026",
        "Mã giao dịch": "FT26330001",
    }
    assert any("không phải hóa đơn" in note for note in receipt.texts.notes)
    assert receipt.qr == "VPQHBX8D3"
    assert receipt.vi is None

    english = Receipt.model_validate(
        compose_receipt(
            replace(FACTS, language="en", told_hospital=False, over=Money(5_000)), catalogue
        )
    )
    assert english.texts.total.value == "45,000 VND"
    assert english.vi is not None
    assert english.vi.total.value == "45.000 đ"
    assert any("5,000 VND" in note for note in english.texts.notes)
    assert any("later" in note for note in english.texts.notes)

    slip = Receipt.model_validate(
        compose_slip(
            SlipFacts(
                lines=FACTS.lines,
                number=None,
                place=Words(vi="Quầy thu phí 1", en="Cashier 1"),
                landmark=None,
                issued_at=FACTS.paid_at,
                language="vi",
            ),
            catalogue,
        )
    )
    assert slip.texts.total.label == "Cần trả"
    assert slip.qr == "PT1"
    assert slip.texts.facts[0].value == "Quầy thu phí 1"


def test_amounts_are_written_as_each_language_does() -> None:
    assert write_amount(Money(1_234_567), "vi") == "1.234.567 đ"
    assert write_amount(Money(1_234_567), "en") == "1,234,567 VND"
