"""A statement file to lines of money. No row with money in it is dropped in silence.

Around the lines banks print letterheads, balances, totals and signatures. A row without a date
and without an amount is taken for such text; any other row is a line, a balance, a total, or is
listed as refused.
"""

from __future__ import annotations

import hashlib
import itertools
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime

from payments.models import Credit, Money, Payer
from payments.statements.finding import check_account, find_table, stated_period
from payments.statements.layouts import AUTO, Columns, Layout, Role, find_columns, get_layout
from payments.statements.models import Debit, RowNote, RowReason, Statement, StatementLine
from payments.statements.tables import Row
from payments.statements.values import Cell, Unreadable, fold, read_time, read_vnd, squeeze

_MAX_MEMO_CHARS = 1_000
_MAX_TEXT_CHARS = 200

_ORDER_KEY = re.compile(r"[A-Z]{2}[0-9A-Z]{7}-[0-9]{1,2}")
_TOTAL = re.compile(
    r"(tong|cong)( (cong|so|phat sinh|ps|doanh so|ghi|tien|trang|so tien)\b.*)?"
    r"|(sub ?|grand )?total( .*)?|doanh so( .*)?"
)
_OPENING = re.compile(r"(so )?du dau( .*)?|opening( .*)?")
_CLOSING = re.compile(r"(so )?du cuoi( .*)?|(closing|ending)( .*)?")
_IN = (
    "c", "cr", "co", "ghi co", "credit", "+", "tien vao", "in", "thanh toan", "payment", "pay",
    "thu", "nhan tien", "nap tien", "nop tien",
)  # fmt: skip
_OUT = (
    "d", "dr", "no", "ghi no", "debit", "-", "tien ra", "out", "hoan tien", "refund", "chi",
    "rut tien", "hoan tra",
)  # fmt: skip
_DONE = {
    "thanh cong", "giao dich thanh cong", "da thanh toan", "hoan thanh", "da hoan thanh", "success",
    "successful", "succeeded", "completed", "paid", "00", "da quyet toan", "da hoan tien", "settled",
}  # fmt: skip
_NOT_DONE = {
    "that bai", "giao dich that bai", "khong thanh cong", "failed", "failure", "error", "da huy",
    "huy", "cancelled", "canceled", "het han", "expired", "tu choi", "rejected",
}  # fmt: skip
_OURS = {"", "vnd", "704", "dong"}


def read_statement(
    content: bytes, *, layout: str | Layout, provider: str, account: str
) -> Statement:
    """`layout` is a name, AUTO, or a layout of the hospital's own. Raises StatementRefused.

    The same file always gives the same lines under the same transaction ids, and so do two files
    that overlap.
    """
    if isinstance(layout, str):
        found = find_table(content, None if layout == AUTO else get_layout(layout))
    else:
        found = find_table(content, layout)
    check_account(found.above, account)
    reading = _Reading(
        layout=found.layout, columns=found.columns, provider=provider, account=account
    )
    for row in found.below:
        reading.read(row)
    reading.check_balances()
    days = [line.movement.paid_at.date() for line in reading.lines]
    period = stated_period(found.above) or ((min(days), max(days)) if days else (None, None))
    return Statement(
        layout=found.layout.name,
        provider=provider,
        account=account,
        first_day=period[0],
        last_day=period[1],
        lines=tuple(reading.lines),
        refused=tuple(reading.refused),
        unpaid=tuple(reading.unpaid),
        doubts=tuple(sorted(reading.doubts, key=lambda note: note.row)),
        sha256=hashlib.sha256(content).hexdigest(),
    )


class _RowRefused(Exception):
    def __init__(self, reason: RowReason) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, kw_only=True)
class _Balance:
    row: int
    change_vnd: int
    balance_vnd: int


@dataclass(kw_only=True)
class _Reading:
    layout: Layout
    columns: Columns
    provider: str
    account: str
    lines: list[StatementLine] = field(default_factory=list)
    refused: list[RowNote] = field(default_factory=list)
    unpaid: list[RowNote] = field(default_factory=list)
    doubts: list[RowNote] = field(default_factory=list)
    _seen: set[tuple[bool, str]] = field(default_factory=set)
    _totals_from: int = 0
    _opening: _Balance | None = None
    _closing: _Balance | None = None

    def read(self, row: Row) -> None:
        try:
            when = self._when(row)
            if when is not None and not self._is_balance(row):
                self.lines.append(self._read_line(row, *when))
            else:
                self._read_around(row)
        except _RowRefused as refused:
            notes = self.unpaid if refused.reason is RowReason.UNPAID else self.refused
            notes.append(RowNote(row=row.number, reason=refused.reason))

    def check_balances(self) -> None:
        """Each balance is the one before and what moved; from the oldest line or from the newest."""
        lines = [
            _Balance(row=line.row, change_vnd=line.signed_vnd, balance_vnd=line.balance.amount_vnd)
            for line in self.lines
            if line.balance is not None
        ]
        ways = [list(_breaks(self._opening, way, self._closing)) for way in (lines, lines[::-1])]
        rows = min(ways, key=len)
        self.doubts.extend(RowNote(row=row, reason=RowReason.BALANCE) for row in rows)

    # --- cells ---

    def _cell(self, row: Row, role: Role) -> Cell:
        column = self.columns.get(role)
        return row.cells[column] if column is not None and column < len(row.cells) else None

    def _text(self, row: Row, role: Role, most: int = _MAX_TEXT_CHARS) -> str:
        cell = self._cell(row, role)
        if isinstance(cell, float) and cell.is_integer():
            cell = int(cell)
        return squeeze("" if cell is None else str(cell))[:most]

    def _amount(self, row: Row, role: Role) -> int | None:
        try:
            return read_vnd(self._cell(row, role))
        except Unreadable:
            raise _RowRefused(RowReason.AMOUNT) from None

    def _when(self, row: Row) -> tuple[datetime, bool] | None:
        try:
            return read_time(self._cell(row, Role.DATE), self._cell(row, Role.TIME))
        except Unreadable:
            return None

    # --- rows around the lines ---

    def _read_around(self, row: Row) -> None:
        """A row without a date that can be read."""
        if find_columns(self.layout, row.cells) is not None:
            return  # the headings again, on a new page
        words = [fold(cell) for cell in row.cells if isinstance(cell, str)]
        if any(_OPENING.fullmatch(word) for word in words):
            self._opening = self._opening or self._balance_of(row)
        elif any(_CLOSING.fullmatch(word) for word in words):
            self._closing = self._balance_of(row) or self._closing
        elif any(_TOTAL.fullmatch(word) for word in words):
            self._check_total(row)
        elif any(self._text(row, role) for role in (Role.CREDIT, Role.DEBIT, Role.AMOUNT)):
            raise _RowRefused(RowReason.DATE)
        else:
            self._continue_memo(row)

    def _is_balance(self, row: Row) -> bool:
        """A balance with its day: no money moved."""
        if any(self._text(row, role) for role in (Role.CREDIT, Role.DEBIT, Role.AMOUNT)):
            return False
        words = [fold(cell) for cell in row.cells if isinstance(cell, str)]
        return any(_OPENING.fullmatch(word) or _CLOSING.fullmatch(word) for word in words)

    def _balance_of(self, row: Row) -> _Balance | None:
        balance_vnd = self._amount(row, Role.BALANCE)
        if balance_vnd is None:
            return None
        return _Balance(row=row.number, change_vnd=0, balance_vnd=balance_vnd)

    def _check_total(self, row: Row) -> None:
        """Of the whole, or of the page since the last total."""
        credit, debit = self._moneys(row)
        if not credit and not debit:
            return
        sums = [_sums(self.lines), _sums(self.lines[self._totals_from :])]
        self._totals_from = len(self.lines)
        if not any(credit in {None, came} and debit in {None, left} for came, left in sums):
            self.doubts.append(RowNote(row=row.number, reason=RowReason.TOTAL))

    def _continue_memo(self, row: Row) -> None:
        """A memo on several rows, as files made from printed statements have it."""
        memo = self._text(row, Role.MEMO, _MAX_MEMO_CHARS)
        filled = [cell for cell in row.cells if cell is not None and squeeze(str(cell))]
        if not memo or len(filled) != 1 or not self.lines:
            return
        line = self.lines[-1]
        whole = f"{line.movement.memo} {memo}"[:_MAX_MEMO_CHARS]
        self.lines[-1] = replace(
            line,
            credit=line.credit and replace(line.credit, memo=whole),
            debit=line.debit and replace(line.debit, memo=whole),
        )

    # --- lines ---

    def _read_line(self, row: Row, when: datetime, time_known: bool) -> StatementLine:
        self._check_kind_of_row(row)
        credit, debit = self._moneys(row)
        if bool(credit) == bool(debit):
            raise _RowRefused(RowReason.AMOUNT)
        if debit and debit < 0:
            # Left, written with a minus, or a debit that was taken back: it does not say which.
            raise _RowRefused(RowReason.DIRECTION)
        # A credit below zero is one that the bank took back.
        signed_vnd = credit or -(debit or 0)
        balance, fee = self._amount(row, Role.BALANCE), self._amount(row, Role.FEE)
        movement = self._movement(row, when, signed_vnd, balance)
        return StatementLine(
            row=row.number,
            credit=movement if isinstance(movement, Credit) else None,
            debit=movement if isinstance(movement, Debit) else None,
            balance=None if balance is None else Money(balance),
            fee=None if fee is None else Money(abs(fee)),
            time_known=time_known,
            named=any(self._text(row, role) for role in (Role.TRANSACTION, Role.REFERENCE)),
        )

    def _check_kind_of_row(self, row: Row) -> None:
        status = fold(self._text(row, Role.STATUS))
        if status in _NOT_DONE:
            raise _RowRefused(RowReason.UNPAID)
        if Role.STATUS in self.columns and status not in _DONE:
            raise _RowRefused(RowReason.STATUS)
        if fold(self._text(row, Role.CURRENCY)) not in _OURS:
            raise _RowRefused(RowReason.CURRENCY)
        account = self._text(row, Role.ACCOUNT)
        if account and account.upper() != self.account.upper():
            raise _RowRefused(RowReason.ACCOUNT)

    def _moneys(self, row: Row) -> tuple[int | None, int | None]:
        """What came in and what went out."""
        if Role.CREDIT in self.columns:
            return self._amount(row, Role.CREDIT), self._amount(row, Role.DEBIT)
        amount = self._amount(row, Role.AMOUNT)
        if not amount:
            return None, None
        sign = fold(self._text(row, Role.SIGN))
        if amount < 0 or _says(sign, _OUT):
            return None, abs(amount)
        if Role.SIGN not in self.columns or _says(sign, _IN):
            return amount, None
        raise _RowRefused(RowReason.DIRECTION)

    def _movement(
        self, row: Row, when: datetime, signed_vnd: int, balance: int | None
    ) -> Credit | Debit:
        reference, order = self._text(row, Role.REFERENCE), self._text(row, Role.ORDER)
        memo = squeeze(f"{self._text(row, Role.MEMO, _MAX_MEMO_CHARS)} {order}")
        is_credit = signed_vnd > 0
        transaction = self._text(row, Role.TRANSACTION) or reference
        if transaction and (is_credit, transaction) in self._seen:
            raise _RowRefused(RowReason.REPEATED)
        transaction = transaction or self._derived_id(row, when, signed_vnd, memo, balance)
        self._seen.add((is_credit, transaction))
        order_key = _ORDER_KEY.search(order.upper())
        if not is_credit:
            return Debit(
                provider=self.provider,
                account=self.account,
                transaction_id=transaction,
                bank_reference=reference,
                amount=Money(-signed_vnd),
                paid_at=when,
                memo=memo,
                order_key=order_key and order_key[0],
            )
        return Credit(
            provider=self.provider,
            account=self.account,
            transaction_id=transaction,
            bank_reference=reference,
            amount=Money(signed_vnd),
            paid_at=when,
            memo=memo,
            order_key=order_key and order_key[0],
            payer=Payer(
                name=self._text(row, Role.PAYER_NAME),
                account=self._text(row, Role.PAYER_ACCOUNT),
                bank=self._text(row, Role.PAYER_BANK),
            ),
        )

    def _derived_id(
        self, row: Row, when: datetime, signed_vnd: int, memo: str, balance: int | None
    ) -> str:
        """For statements without numbers of their own: from what the line says.

        The number of a document alone will not do: tellers start it again every day. Lines alike
        in everything are told apart by their count.
        """
        document = f"{self._text(row, Role.SEQUENCE)}/{self._text(row, Role.TELLER)}"
        facts = [self.account, when.isoformat(), str(signed_vnd), document, memo, str(balance)]
        names = (
            f"L{hashlib.sha256('|'.join([*facts, str(count)]).encode()).hexdigest()[:24].upper()}"
            for count in itertools.count(1)
        )
        return next(name for name in names if (signed_vnd > 0, name) not in self._seen)


def _says(sign: str, words: Iterable[str]) -> bool:
    return any(sign == word or sign.startswith(f"{word} ") for word in words)


def _sums(lines: Iterable[StatementLine]) -> tuple[int, int]:
    changes = [line.signed_vnd for line in lines]
    came = sum(change for change in changes if change > 0)
    return came, came - sum(changes)


def _breaks(
    opening: _Balance | None, lines: list[_Balance], closing: _Balance | None
) -> Iterator[int]:
    steps = [step for step in (opening, *lines, closing) if step is not None]
    for before, after in itertools.pairwise(steps):
        if before.balance_vnd + after.change_vnd != after.balance_vnd:
            yield after.row
