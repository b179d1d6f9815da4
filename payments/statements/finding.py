"""Where in a file the table of movements stands, and what is printed above it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date

from payments.statements.errors import (
    HeadingsNotFound,
    NotATable,
    OfAnotherAccount,
    StatementRefused,
)
from payments.statements.layouts import (
    Columns,
    Layout,
    find_columns,
    get_layout,
    layout_names,
    speaks_of,
)
from payments.statements.tables import (
    SEPARATORS,
    Row,
    Table,
    decode_text,
    is_workbook,
    read_csv,
    read_sheets,
)
from payments.statements.values import Cell, Unreadable, fold, read_time, squeeze

_MAX_ROWS_ABOVE = 80
_NO_HEADINGS = "no row names a date, an amount and what it was for"
_ACCOUNT_WORDS = ("so tai khoan", "account no", "account number", "so tk")
_OLD_ACCOUNT_WORDS = (" cu ", " old ")
_ACCOUNT = re.compile(r"(?=[A-Z]*[0-9])[0-9A-Z]{6,19}")
_PERIOD_WORDS = ("tu ngay", "from")
_DAY = re.compile(r"[0-9]{1,2}[/.-][0-9]{1,2}[/.-][0-9]{4}|[0-9]{4}-[0-9]{2}-[0-9]{2}")


@dataclass(frozen=True, kw_only=True)
class FoundTable:
    layout: Layout
    columns: Columns
    above: Table
    below: Table


def find_table(content: bytes, layout: Layout | None) -> FoundTable:
    """The one table of movements. Without a layout, the first that the file speaks of.

    Raises StatementRefused.
    """
    layouts = (layout,) if layout else tuple(get_layout(name) for name in layout_names())
    if not is_workbook(content):
        return _find_in_csv(content, layouts)
    found = [table for sheet in read_sheets(content) if (table := _in_table(sheet, layouts))]
    if len(found) > 1:
        raise HeadingsNotFound("several sheets hold movements: save each as a file of its own")
    if not found:
        raise HeadingsNotFound(_NO_HEADINGS)
    return found[0]


def _find_in_csv(content: bytes, layouts: tuple[Layout, ...]) -> FoundTable:
    text = decode_text(content)
    fault: StatementRefused = HeadingsNotFound(_NO_HEADINGS)
    for separator in SEPARATORS:
        try:
            found = _in_table(read_csv(text, separator), layouts)
        except NotATable as error:
            fault = error  # another separator may be the right one
            continue
        if found is not None:
            return found
    raise fault


def _in_table(table: Table, layouts: tuple[Layout, ...]) -> FoundTable | None:
    for layout in layouts:
        found = _under_headings(table, layout)
        if found is None:
            continue
        # The last one, generic, takes whatever it can read.
        if layout is layouts[-1] or speaks_of(layout, found.above, found.columns):
            return found
    return None


def _under_headings(table: Table, layout: Layout) -> FoundTable | None:
    for at, row in enumerate(table[:_MAX_ROWS_ABOVE]):
        columns, rows = find_columns(layout, row.cells), 1
        if at + 1 < len(table):
            below = table[at + 1]
            joined = find_columns(layout, _joined(row, below)) or {}
            alone = max(len(columns or ()), len(find_columns(layout, below.cells) or ()))
            if len(joined) > alone:
                columns, rows = joined, 2
        if columns is not None:
            return FoundTable(
                layout=layout, columns=columns, above=table[:at], below=table[at + rows :]
            )
    return None


def _joined(upper: Row, lower: Row) -> tuple[Cell, ...]:
    """Headings on two rows; one over several columns stands over the first of them."""
    if any(not isinstance(cell, str | None) for cell in lower.cells):
        return ()
    cells: list[Cell] = []
    over = ""
    for column, below in enumerate(lower.cells):
        above = upper.cells[column] if column < len(upper.cells) else None
        over = above if isinstance(above, str) and above.strip() else over
        cells.append(f"{over} {below}" if isinstance(below, str) and below.strip() else above)
    return tuple(cells)


def check_account(above: Table, account: str) -> None:
    """Raises OfAnotherAccount when the words above the table name accounts, and not this one."""
    named = False
    for row in above:
        texts = [squeeze(str(cell)).upper() for cell in row.cells if cell is not None]
        line = fold(" ".join(texts))
        if any(word in f" {line} " for word in _OLD_ACCOUNT_WORDS):
            continue
        if any(word in line for word in _ACCOUNT_WORDS):
            if account.upper() in re.sub(r"[^0-9A-Z]", "", "".join(texts)):
                return
            named = named or any(_ACCOUNT.search(text) for text in texts)
    if named:
        raise OfAnotherAccount("the file says that it is about another account")


def stated_period(above: Table) -> tuple[date, date] | None:
    """First and last day, where the words above the table say "from … to …"."""
    for row in above:
        line = squeeze(" ".join(cell for cell in row.cells if isinstance(cell, str)))
        if not any(word in fold(line) for word in _PERIOD_WORDS):
            continue
        try:
            days = [read_time(text) for text in _DAY.findall(line)]
        except Unreadable:
            continue
        known = [day[0].date() for day in days if day]
        if len(known) == 2 and known[0] <= known[1]:
            return known[0], known[1]
    return None
