"""A report as a file: every table of the page, and of short periods each room and hour of a day.

XLSX is written row by row: a month of a large hospital needs little memory. CSV has decimal
commas and semicolons, as spreadsheets in Vietnam read it.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, time
from pathlib import Path
from typing import IO, Any

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Font
from openpyxl.utils import get_column_letter

from backend.domain.catalogue import Catalogue
from backend.domain.reports.periods import Period, Span
from backend.domain.reports.tables import (
    DETAIL_COLUMNS,
    Cell,
    Column,
    Hidden,
    Table,
    Unit,
    list_details,
)
from backend.events import Event
from backend.services.show_report import Report, iterate_room_hours, read_names
from backend.storage.database import Database

DETAILED_SPANS = (Span.DAY, Span.WEEK, Span.MONTH)
FORMULA_SIGNS = ("=", "+", "-", "@", "\t", "\r")
FORMATS = {
    Unit.COUNT: "#,##0",
    Unit.PERCENT: "0.0",
    Unit.MINUTES: "#,##0.0",
    Unit.SECONDS: "#,##0",
    Unit.VND: "#,##0",
    Unit.DAY: "dd/mm/yyyy",
}
WIDE, NARROW = 34, 16
MOST_TITLE_CHARS = 31
Words = Mapping[str, Any]


def write_report_xlsx(
    target: IO[bytes] | Path,
    report: Report,
    *,
    words: Words,
    head: Sequence[str],
    details: Iterable[Sequence[Cell]] = (),
) -> None:
    """Sheets: headlines, each table, `details`, and what each figure means."""
    book = Workbook(write_only=True)
    sheet = book.create_sheet(_title(words["rep_headlines"]))
    sheet.column_dimensions["A"].width = 2 * WIDE
    for line in head:
        sheet.append([_tame(line)])
    sheet.append([])
    sheet.append([_bold(sheet, name) for name in _headline_head(words)])
    for row, unit in _headline_rows(report, words):
        sheet.append([_cell(sheet, each, unit) for each in row])
    for table in report.tables:
        _write_sheet(book, words["rep_tables"][table.name]["title"], table, table.rows, words)
    _write_details(book, details, words)
    _write_definitions(book, report, words)
    book.save(target)


def write_report_csv(report: Report, *, words: Words, head: Sequence[str]) -> bytes:
    """All tables below each other. UTF-8 with its mark, so that a spreadsheet shows the letters."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=";")
    for line in head:
        writer.writerow([_tame(line)])
    writer.writerow([])
    writer.writerow(_headline_head(words))
    for row, _ in _headline_rows(report, words):
        writer.writerow([_plain(each) for each in row])
    for table in report.tables:
        writer.writerow([])
        writer.writerow([words["rep_tables"][table.name]["title"]])
        writer.writerow([name_column(column, words) for column in table.columns])
        for cells in table.rows:
            writer.writerow(
                [_plain(_say(table, index, each, words)) for index, each in enumerate(cells)]
            )
    return b"\xef\xbb\xbf" + text.getvalue().encode()


def list_report_details(
    database: Database, catalogue: Catalogue, report: Report
) -> Iterable[Sequence[Cell]]:
    """Nothing for quarters and years: their sheet would be longer than a spreadsheet is."""
    if report.period.span not in DETAILED_SPANS:
        return ()
    with database.read() as connection:
        names = read_names(connection, database.facility_id, catalogue)
    days = iterate_room_hours(database, report.period)
    return list_details(days, names, left_out=report.left_out_rooms)


def name_period(period: Period, words: Words) -> str:
    """As people call it: Tuần 23/11 – 29/11/2026."""
    first = period.first
    name: str = words["rep_names"][period.span.value].format(
        day=f"{first:%d/%m/%Y}",
        first=f"{first:%d/%m}",
        last=f"{period.last:%d/%m/%Y}",
        month=f"{first:%m}",
        quarter=(first.month + 2) // 3,
        year=first.year,
    )
    return name


def list_head(report: Report, catalogue: Catalogue, words: Words, *, language: str) -> list[str]:
    """Lines above the figures of a file: whose, of when, as of when, signed by whom."""

    def moment(at: datetime) -> str:
        return f"{at.astimezone(catalogue.zone):%H:%M %d/%m/%Y}"

    facility = catalogue.facility_name
    lines = [
        facility.vi if language == "vi" else facility.en,
        f"{words['rep_title']}: {name_period(report.period, words)}",
    ]
    if report.counted_at is None:
        return [*lines, words["rep_nothing"]]
    lines.append(words["rep_counted"].format(time=moment(report.counted_at)))
    lines += [
        words["rep_signed_by"].format(
            name=each.name, time=moment(each.signed_at), counted=moment(each.counted_at)
        )
        for each in report.signatures
    ]
    return lines


def note_report_export(database: Database, subject: str, *, form: str, actor: str) -> None:
    """Who took figures out of the house is on record."""
    with database.write() as unit:
        unit.audit(Event.REPORT_EXPORTED, actor=actor, subject=subject, detail={"form": form})


def name_column(column: Column, words: Words) -> str:
    """With its unit."""
    kind, _, rest = column.name.partition(".")
    pattern: str = words["rep_columns"][kind]
    unit: str = words["rep_units"].get(column.unit.value, "")
    name = pattern.format(rest=rest)
    return f"{name} ({unit})" if unit else name


def name_label(table: Table, code: str, words: Words) -> str:
    """What the first cell of a row says."""
    if table.labels is None:
        return code
    known: Mapping[str, str] = words["rep_labels"][table.labels]
    if code in known:
        return known[code]
    group, _, rest = code.partition(".")
    pattern = known.get(group)
    values: Mapping[str, str] = words["rep_labels"].get(group, {})
    return pattern.format(rest=values.get(rest, rest)) if pattern and rest else code


def _say(table: Table, index: int, cell: Cell, words: Words) -> Cell:
    if isinstance(cell, Hidden):
        return str(words["rep_few"])
    if index == 0 and isinstance(cell, str):
        return name_label(table, cell, words)
    return cell


def _headline_head(words: Words) -> list[str]:
    return [
        words["rep_head"][each] for each in ("figure", "now", "before", "year_before", "missing")
    ]


def _headline_rows(report: Report, words: Words) -> Iterable[tuple[list[Cell], Unit]]:
    for each in report.headlines:
        unit = words["rep_units"].get(each.unit.value, "")
        name = words["rep_figures"][each.name]["title"]
        label = f"{name} ({unit})" if unit else name
        yield (
            [label, each.value, each.before, each.year_before, each.missing_percent],
            each.unit,
        )


def _write_sheet(
    book: Workbook, title: str, table: Table, rows: Iterable[Sequence[Cell]], words: Words
) -> None:
    sheet = book.create_sheet(_title(title))
    for index, column in enumerate(table.columns, start=1):
        wide = column.unit is Unit.TEXT and index <= 2
        sheet.column_dimensions[get_column_letter(index)].width = WIDE if wide else NARROW
    sheet.freeze_panes = "A2"
    sheet.append([_bold(sheet, name_column(column, words)) for column in table.columns])
    units = [column.unit for column in table.columns]
    for row in rows:
        sheet.append(
            [
                _cell(sheet, _say(table, index, each, words), unit)
                for index, (each, unit) in enumerate(zip(row, units, strict=True))
            ]
        )


def _write_details(book: Workbook, details: Iterable[Sequence[Cell]], words: Words) -> None:
    """Bare figures: tens of thousands of cells with a format each would take most of the time."""
    sheet = book.create_sheet(_title(words["rep_tables"]["details"]["title"]))
    sheet.freeze_panes = "A2"
    for letter, width in (("A", NARROW), ("B", WIDE)):
        sheet.column_dimensions[letter].width = width
    sheet.append([_bold(sheet, name_column(column, words)) for column in DETAIL_COLUMNS])
    for row in details:
        sheet.append([_bare(each) for each in row])


def _bare(value: Cell) -> Any:
    match value:
        case float():
            return round(value, 1)
        case date():
            return value.strftime("%d/%m/%Y")
        case str():
            return _tame(value)
        case _:
            return value


def _write_definitions(book: Workbook, report: Report, words: Words) -> None:
    sheet = book.create_sheet(_title(words["rep_definitions"]))
    sheet.column_dimensions["A"].width = WIDE
    sheet.column_dimensions["B"].width = 4 * WIDE
    for each in report.headlines:
        told = words["rep_figures"][each.name]
        sheet.append([told["title"], told["means"]])
    for table in report.tables:
        told = words["rep_tables"][table.name]
        sheet.append([told["title"], told["means"]])


def _bold(sheet: Any, text: str) -> Any:
    cell = WriteOnlyCell(sheet, value=text)
    cell.font = Font(bold=True)
    return cell


def _cell(sheet: Any, value: Cell, unit: Unit) -> Any:
    if isinstance(value, str):
        return _tame(value)
    if value is None or unit not in FORMATS:
        return value
    if isinstance(value, float):
        value = round(value, 2)
    elif isinstance(value, date):
        value = datetime.combine(value, time(0))
    cell = WriteOnlyCell(sheet, value=value)
    cell.number_format = FORMATS[unit]
    return cell


def _plain(value: Cell) -> str | int:
    match value:
        case None:
            return ""
        case float():
            return f"{value:.1f}".replace(".", ",")
        case date():
            return value.strftime("%d/%m/%Y")
        case str():
            return _tame(value)
        case _:
            return value


def _tame(text: str) -> str:
    """A name that a spreadsheet would take for a formula must not be run."""
    return f"'{text}" if text.startswith(FORMULA_SIGNS) else text


def _title(text: str) -> str:
    """Sheet names are short and know no slash."""
    return text.replace("/", "-")[:MOST_TITLE_CHARS]
