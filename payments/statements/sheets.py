"""Rows of text and numbers as a CSV or XLSX file."""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Iterable, Sequence
from datetime import datetime

SheetCell = str | int | datetime | None

_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")
_TONES = "\u0300\u0301\u0303\u0309\u0323"
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def to_csv(
    rows: Iterable[Sequence[SheetCell]],
    *,
    separator: str = ",",
    encoding: str = "utf-8-sig",
    harmless: bool = True,
) -> bytes:
    """`harmless`: a text that a spreadsheet would take for a formula gets a `'` before it.

    Memos are written by strangers, and opened by the finance office.
    """
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=separator)
    for row in rows:
        writer.writerow([_as_text(cell, harmless=harmless) for cell in row])
    whole = text.getvalue()
    return (_for_cp1258(whole) if encoding == "cp1258" else whole).encode(encoding, "replace")


def _for_cp1258(text: str) -> str:
    """That code page has few letters with a tone, and the tones as marks behind the letter."""
    letters = []
    for letter in unicodedata.normalize("NFC", text):
        parts = unicodedata.normalize("NFD", letter)
        tone = "".join(part for part in parts if part in _TONES)
        base = unicodedata.normalize("NFC", "".join(part for part in parts if part not in _TONES))
        letters.append(base + tone)
    return "".join(letters)


def to_xlsx(rows: Iterable[Sequence[SheetCell]], *, title: str) -> bytes:
    """Texts stay texts: none is ever a formula."""
    from openpyxl import Workbook
    from openpyxl.cell import WriteOnlyCell

    workbook = Workbook(write_only=True)
    sheet = workbook.create_sheet(title[:31])
    for row in rows:
        cells = []
        for value in row:
            text = _CONTROLS.sub("", value) if isinstance(value, str) else None
            cell = WriteOnlyCell(sheet, value=value if text is None else text)
            if text is not None:
                cell.data_type = "s"
            cells.append(cell)
        sheet.append(cells)
    content = io.BytesIO()
    workbook.save(content)
    return content.getvalue()


def _as_text(cell: SheetCell, *, harmless: bool) -> str:
    if cell is None:
        return ""
    if isinstance(cell, datetime):
        return cell.strftime("%Y-%m-%d %H:%M:%S")
    if not isinstance(cell, str):
        return str(cell)
    return f"'{cell}" if harmless and cell.startswith(_FORMULA_STARTS) else cell
