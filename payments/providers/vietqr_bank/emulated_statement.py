"""The statement of a day as people download it from a bank: CSV or XLSX, plain and generic."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence
from datetime import date
from typing import Any

from payments.providers.vietqr_bank.emulated_bank import Account, Movement
from payments.untrusted import VIETNAM

HEADINGS = ("Ngày giao dịch", "Số tham chiếu", "Ghi nợ", "Ghi có", "Số dư", "Nội dung")
Writer = Callable[[Account, date, Sequence[Movement]], tuple[bytes, str]]


def _rows(lines: Sequence[Movement]) -> list[tuple[Any, ...]]:
    return [
        (
            f"{line.booked_at.astimezone(VIETNAM):%d/%m/%Y %H:%M:%S}",
            line.bank_reference,
            -line.amount_vnd if line.amount_vnd < 0 else "",
            line.amount_vnd if line.amount_vnd > 0 else "",
            line.balance_vnd,
            line.memo,
        )
        for line in lines
    ]


def write_csv(account: Account, day: date, lines: Sequence[Movement]) -> tuple[bytes, str]:
    """UTF-8 with a mark in front, as spreadsheets expect it."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(("Số tài khoản", account.number, "Ngày", f"{day:%d/%m/%Y}"))
    writer.writerow(HEADINGS)
    writer.writerows(_rows(lines))
    return text.getvalue().encode("utf-8-sig"), "text/csv; charset=utf-8"


def write_xlsx(account: Account, day: date, lines: Sequence[Movement]) -> tuple[bytes, str]:
    from openpyxl import Workbook

    book = Workbook()
    sheet = book.create_sheet("Sao kê", 0)
    sheet.append(("Số tài khoản", account.number, "Ngày", f"{day:%d/%m/%Y}"))
    sheet.append(HEADINGS)
    for row in _rows(lines):
        sheet.append(row)
        sheet.cell(row=sheet.max_row, column=len(HEADINGS)).data_type = "s"  # never a formula
    content = io.BytesIO()
    book.save(content)
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    return content.getvalue(), kind


WRITERS: dict[str, Writer] = {"csv": write_csv, "xlsx": write_xlsx}
