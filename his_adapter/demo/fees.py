"""Fees that wait to be paid when the demo hospital opens: invented people, believable amounts.

Of an insured person the insurance pays its share of each service once a visit costs more than
15 % of the base salary; less than that it pays whole (Luật BHYT, điều 22).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from his_adapter.builtin import bills
from his_adapter.builtin.records import RecordKind, note_record
from his_adapter.builtin.store import Store
from his_adapter.demo import personas
from his_adapter.demo.hospital import TIMEZONE
from his_adapter.demo.personas import Persona
from his_adapter.models import Charge

_NOTE = "demo_fees"
_LAYOUT = "1"
_BETWEEN_BILLS = timedelta(minutes=35)


@dataclass(frozen=True, kw_only=True)
class OwedBill:
    """`covered_percent` of each line is paid by the insurance."""

    title_vi: str
    lines: tuple[tuple[str, str, int, int], ...]
    """Code, name, how many, what one costs."""
    covered_percent: int = 0

    @property
    def charges(self) -> tuple[Charge, ...]:
        return tuple(
            Charge(
                code=code,
                name_vi=name_vi,
                quantity=quantity,
                amount_vnd=quantity * price_vnd,
                insurance_vnd=quantity * price_vnd * self.covered_percent // 100,
            )
            for code, name_vi, quantity, price_vnd in self.lines
        )

    @property
    def due_vnd(self) -> int:
        return sum(each.amount_vnd - each.insurance_vnd for each in self.charges)


OWED: Mapping[Persona, tuple[OwedBill, ...]] = {
    personas.OWES_SHARE: (
        OwedBill(
            title_vi="Khám và xét nghiệm",
            covered_percent=80,
            lines=(
                ("NOI", "Khám Nội tổng hợp", 1, 45_000),
                ("XN-CTM", "Tổng phân tích tế bào máu", 1, 49_700),
                ("XN-SH", "Sinh hóa máu", 4, 22_400),
                ("SA-OB", "Siêu âm ổ bụng", 1, 58_600),
                ("NS-DD", "Nội soi dạ dày", 1, 276_500),
            ),
        ),
    ),
    personas.OWES_ALL: (
        OwedBill(
            title_vi="Khám Tai Mũi Họng",
            lines=(
                ("TMH", "Khám Tai Mũi Họng", 1, 45_000),
                ("NS-TMH", "Nội soi tai mũi họng", 1, 116_000),
            ),
        ),
        OwedBill(
            title_vi="Chụp X-quang",
            lines=(("XQ-NGUC", "X-quang ngực thẳng", 1, 73_300),),
        ),
    ),
}
"""Nobody else owes anything when the hospital opens."""


def seed_fees(store: Store, *, now: datetime) -> None:
    """Once per register; the people must be there."""
    with store.writing() as db:
        if db.execute("SELECT 1 FROM note WHERE name = ?", (_NOTE,)).fetchone() is not None:
            return
        for persona, owed in OWED.items():
            for place, bill in enumerate(owed):
                issued_at = now - (len(owed) - place) * _BETWEEN_BILLS
                invoice_id = _leave_bill(db, persona, bill, issued_at=issued_at)
                note_record(db, RecordKind.INVOICE, invoice_id, at=now)
        db.execute("INSERT INTO note VALUES (?, ?)", (_NOTE, _LAYOUT))


def _leave_bill(
    db: sqlite3.Connection, persona: Persona, bill: OwedBill, *, issued_at: datetime
) -> int:
    patient_id = int((persona.mrn or "BN0")[2:])
    for charge in bill.charges:
        bills.insert_charge(db, patient_id, None, charge)
    return bills.issue_invoice(
        db,
        patient_id,
        None,
        title_vi=bill.title_vi,
        day=issued_at.astimezone(ZoneInfo(TIMEZONE)).date(),
        issued_at=issued_at,
    )
