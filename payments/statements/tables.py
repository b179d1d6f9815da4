"""Bytes of a file to rows of cells: CSV in the encodings and with the separators met, and XLSX.

Everything is bounded before it is read: bytes, rows, columns, and what a zip unpacks to.
"""

from __future__ import annotations

import csv
import io
import struct
import threading
import warnings
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time
from functools import cache
from typing import cast

from payments.statements.errors import FileTooLarge, NotATable
from payments.statements.values import Cell

MAX_BYTES = 20_000_000
MAX_ROWS = 200_000
MAX_COLUMNS = 60
MAX_CELL_CHARS = 4_000
SEPARATORS = (",", ";", "\t", "|")

_MAX_UNPACKED_BYTES = 300_000_000
_MAX_PARTS = 1_000
_MAX_SHEETS = 20
_MIN_SEPARATORS = 3
"""A memo may go on in a new line; a row has more columns than this."""
_MAX_SHEET_ROWS = 1_048_576
_ZIP, _OLD_EXCEL = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"
_BOMS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))


@dataclass(frozen=True)
class Row:
    """`number` counts from 1 as spreadsheets show it."""

    number: int
    cells: tuple[Cell, ...]


Table = list[Row]
"""Rows that hold anything at all."""


def is_workbook(content: bytes) -> bool:
    """Raises FileTooLarge, and NotATable for what only looks like one."""
    if len(content) > MAX_BYTES:
        raise FileTooLarge(f"more than {MAX_BYTES} bytes")
    if content.startswith(_OLD_EXCEL):
        raise NotATable("an Excel 97 file (.xls): save it as .xlsx or CSV first")
    return content.startswith(_ZIP)


def decode_text(content: bytes) -> str:
    """UTF-8, UTF-16 or Windows-1258, told apart by the bytes. Raises NotATable."""
    encodings = [name for bom, name in _BOMS if content.startswith(bom)]
    if not encodings and b"\0" in content[:200]:
        encodings = ["utf-16-le" if content[1:2] == b"\0" else "utf-16-be"]
    for encoding in encodings or ["utf-8", "cp1258"]:
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" in text:
            break
        if text.lstrip()[:200].lower().startswith(("<!doctype", "<html", "<table", "<?xml")):
            raise NotATable("a web page with another name: save it as .xlsx or CSV first")
        return text
    raise NotATable("no text in an encoding that is known")


def read_csv(text: str, separator: str) -> Table:
    """Raises FileTooLarge, and NotATable also for a quotation mark that is not closed: the rows
    up to the next one would be lost in one cell.
    """
    table: Table = []
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    try:
        for number, fields in enumerate(reader, start=1):
            if any(_holds_rows(field, separator) for field in fields):
                raise NotATable(f"row {number}: a quotation mark that is not closed")
            _keep(table, number, tuple(_unquote(field) for field in fields[:MAX_COLUMNS]))
    except csv.Error as error:
        raise NotATable("its quotation marks do not agree: save it as .xlsx") from error
    return table


def _holds_rows(field: str, separator: str) -> bool:
    return "\n" in field and field.count(separator) >= _MIN_SEPARATORS


def _unquote(field: str) -> str:
    """`="0012"` keeps a number from losing its zeros in a spreadsheet."""
    if field.startswith('="') and field.endswith('"'):
        field = field[2:-1]
    return field[:MAX_CELL_CHARS]


def read_sheets(content: bytes) -> list[Table]:
    """One table a sheet. Raises FileTooLarge and NotATable."""
    _check_package(content)
    try:
        with _one_at_a_time, warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            tables = _read_workbook(content)
    except _broken_workbook() as error:
        raise NotATable("this XLSX file is damaged") from error
    if any("invalid" in str(warning.message) for warning in said):
        raise NotATable("this XLSX file is damaged: a sheet of it cannot be found")
    return tables


# openpyxl leaves damaged sheets out with no more than a warning. It warns of harmless things too,
# such as styles that banks' programs forget; and who listens to warnings has to be alone.
_one_at_a_time = threading.Lock()


def _read_workbook(content: bytes) -> list[Table]:
    from openpyxl import load_workbook  # heavy, and rarely needed

    # Values only: a formula counts as what the bank's program had computed for it.
    workbook = load_workbook(io.BytesIO(content), read_only=True, data_only=True)
    if len(workbook.worksheets) > _MAX_SHEETS:
        raise FileTooLarge("more sheets than a statement has")
    tables: list[Table] = []
    for sheet in workbook.worksheets:
        # What a sheet says of its own size may be wrong, and hides rows then.
        sheet.reset_dimensions()
        left = MAX_ROWS - sum(len(table) for table in tables)
        tables.append(_read_sheet(sheet.iter_rows(max_col=MAX_COLUMNS, values_only=True), left))
    return tables


@cache
def _broken_workbook() -> tuple[type[Exception], ...]:
    """What zipfile, XML parsers and openpyxl raise for packages that break a standard somewhere."""
    from openpyxl.utils.exceptions import InvalidFileException

    return (
        zipfile.BadZipFile,
        zlib.error,
        struct.error,
        InvalidFileException,
        SyntaxError,
        KeyError,
        ValueError,
        TypeError,
        AttributeError,
        IndexError,
        EOFError,
        OSError,
        RuntimeError,
    )


def _read_sheet(rows: Iterator[tuple[object, ...]], most_rows: int) -> Table:
    table: Table = []
    for number, cells in enumerate(rows, start=1):
        if number > _MAX_SHEET_ROWS:
            raise FileTooLarge("more rows than a sheet has")
        _keep(table, number, tuple(_as_cell(cell) for cell in cells), most_rows)
    return table


def _as_cell(value: object) -> Cell:
    if isinstance(value, str):
        return value[:MAX_CELL_CHARS]
    if value is None or isinstance(value, int | float | datetime | date | time):
        return cast("Cell", value)
    return str(value)[:MAX_CELL_CHARS]


def _keep(table: Table, number: int, cells: tuple[Cell, ...], most_rows: int = MAX_ROWS) -> None:
    if all(cell is None or (isinstance(cell, str) and not cell.strip()) for cell in cells):
        return
    if len(table) >= most_rows:
        raise FileTooLarge(f"more than {MAX_ROWS} rows")
    table.append(Row(number, cells))


def _check_package(content: bytes) -> None:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as package:
            parts = package.infolist()
            size = sum(part.file_size for part in parts)
            # A part cannot unpack to more than its entry says: zipfile stops there.
            if len(parts) > _MAX_PARTS or size > _MAX_UNPACKED_BYTES:
                raise FileTooLarge("it unpacks to more than a statement holds")
            if package.testzip() is not None:
                raise NotATable("this XLSX file is damaged")
    except _broken_workbook() as error:
        raise NotATable("this XLSX file is damaged or locked by a password") from error
