"""Figures of a day or a shift as files for the finance office: CSV and XLSX, without any person."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import ColumnElement, select

from backend.domain.money_figures import DayFigures, Figures, Tally
from backend.events import Event
from backend.services.recognise_caller import Caller
from backend.storage.database import Database
from backend.storage.payment_tables import Credit, JournalEntry, Payment

Row = tuple[str, str, str, str, int, int]
MAX_MONEY = 100_000
FORMULA_SIGNS = ("=", "+", "-", "@", "\t", "\r")
WIDTH = 22


def list_rows(figures: Figures, day: DayFigures | None = None) -> list[Row]:
    """Sums by account and kind, by provider, by movement; of a day also by shift and account of
    the books.
    """
    rows = [
        ("income", each.provider, each.account, each.kind, each.tally.count, each.tally.amount_vnd)
        for each in figures.income
    ]
    rows += [_row("provider", name, tally) for name, tally in figures.by_provider().items()]
    rows += [_row("kind", name, tally) for name, tally in figures.by_kind().items()]
    rows += [_row("movement", cause, tally) for cause, tally in figures.moved.items()]
    rows.append(_row("total", "received", figures.received))
    if day is None:
        return rows
    for share in day.shifts:
        tally = share.received
        rows.append(
            ("shift", share.cashier_name, share.opened_at, "", tally.count, tally.amount_vnd)
        )
    rows.append(_row("shift", "outside", day.outside))
    rows += [("balance", name, "", "", 0, amount) for name, amount in sorted(day.balances.items())]
    rows += [_row("open", name, tally) for name, tally in day.list_open()]
    rows.append(_row("cashless", "by_qr", day.cashless))
    rows.append(("cashless", "at_counter", "", "", day.at_counter, 0))
    return rows


def list_money(
    database: Database, wanted: ColumnElement[bool], *, zone: Any
) -> list[tuple[Any, ...]]:
    """Every credit of it: what the bank can be asked about. Neither memo nor payer."""
    entry = JournalEntry
    query = (
        select(
            Credit.received_at,
            Credit.paid_at,
            Credit.provider,
            Credit.account,
            Credit.transaction_id,
            Credit.bank_reference,
            Payment.code,
            Payment.kind,
            Credit.amount_vnd,
        )
        .select_from(entry)
        .join(Credit, Credit.id == entry.credit_id)
        .outerjoin(Payment, Payment.id == Credit.payment_id)
        .where(wanted, entry.cause == "received")
        .order_by(entry.id)
        .limit(MAX_MONEY)
    )
    with database.read() as connection:
        rows = connection.execute(query).all()
    return [
        (
            f"{row.received_at.astimezone(zone):%Y-%m-%d %H:%M:%S}",
            f"{row.paid_at.astimezone(zone):%Y-%m-%d %H:%M:%S}",
            *row[2:6],
            row.code or "",
            row.kind or "unknown",
            row.amount_vnd,
        )
        for row in rows
    ]


def note_export(database: Database, subject: str, *, form: str, staff: Caller) -> None:
    """Who took figures out of the house is on record."""
    with database.write() as unit:
        unit.audit(
            Event.PAYMENT_FIGURES_EXPORTED,
            actor=staff.actor,
            subject=subject,
            detail={"form": form},
        )


def write_csv(rows: Iterable[Sequence[Any]], *, header: Sequence[str]) -> bytes:
    """UTF-8 with its mark, so that a spreadsheet shows Vietnamese letters."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(header)
    writer.writerows([tame(cell) for cell in row] for row in rows)
    return b"\xef\xbb\xbf" + text.getvalue().encode()


def write_xlsx(
    rows: Iterable[Sequence[Any]],
    money: Iterable[Sequence[Any]],
    *,
    header: Sequence[str],
    money_header: Sequence[str],
    titles: tuple[str, str],
) -> bytes:
    """Two sheets: sums, and every credit. The last column of both is an amount."""
    from openpyxl import Workbook
    from openpyxl.styles import Font
    from openpyxl.utils import get_column_letter

    book = Workbook()
    book.remove(book.worksheets[0])
    for title, names, lines in ((titles[0], header, rows), (titles[1], money_header, money)):
        sheet = book.create_sheet(title)
        sheet.append(list(names))
        for cell in sheet[1]:
            cell.font = Font(bold=True)
        for line in lines:
            sheet.append([tame(cell) for cell in line])
        for index in range(1, len(names) + 1):
            sheet.column_dimensions[get_column_letter(index)].width = WIDTH
        for cell in sheet[get_column_letter(len(names))][1:]:
            cell.number_format = "#,##0"
        sheet.freeze_panes = "A2"
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


def _row(section: str, name: str, tally: Tally) -> Row:
    return (section, name, "", "", tally.count, tally.amount_vnd)


def tame(cell: Any) -> Any:
    """What a bank wrote is text: a spreadsheet must not run it."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(FORMULA_SIGNS) else cell
