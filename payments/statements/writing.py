"""Statement files as banks give them out: for the stand-in of a bank, demonstrations and tests.

    content = write_statement(lines, layout="bidv", account="1200000000001", opening=Money(0))

Written apart from the reader: letterhead, period, opening and closing balance and totals stand
around the lines, amounts and times have the forms the layout is known for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from payments.models import Credit, Money, Payer
from payments.statements.layouts import Role, get_layout
from payments.statements.models import StatementLine
from payments.statements.sheets import SheetCell, to_csv, to_xlsx
from payments.statements.values import VIETNAM

_TITLES = {
    "bidv": ("NGÂN HÀNG TMCP ĐẦU TƯ VÀ PHÁT TRIỂN VIỆT NAM", "SAO KÊ TÀI KHOẢN"),
    "hdbank": ("NGÂN HÀNG TMCP PHÁT TRIỂN TP.HCM (HDBank)", "SAO KÊ GIAO DỊCH TÀI KHOẢN"),
}
_DEFAULT_TITLES = ("DANH SÁCH GIAO DỊCH",)


def _with_hundredths(amount_vnd: int) -> str:
    return f"{amount_vnd:,}.00"


def _with_points(amount_vnd: int) -> str:
    return f"{amount_vnd:,}".replace(",", ".")


_AMOUNTS: dict[str, Callable[[int], str]] = {"bidv": _with_hundredths, "hdbank": _with_points}


@dataclass(frozen=True, kw_only=True)
class _Page:
    roles: tuple[Role, ...]
    headings: tuple[str, ...]
    write_vnd: Callable[[int], SheetCell]


def write_statement(
    lines: Sequence[StatementLine],
    *,
    layout: str,
    account: str,
    opening: Money,
    days: tuple[date, date] | None = None,
    xlsx: bool = False,
    separator: str = ",",
    encoding: str = "utf-8-sig",
) -> bytes:
    """CSV, or XLSX with amounts as numbers. Balances run from `opening`; those of lines are not
    looked at. Raises UnknownLayout.
    """
    written = get_layout(layout).written
    text_of = _AMOUNTS.get(layout, str)
    page = _Page(
        roles=tuple(role for role, _ in written),
        headings=tuple(heading for _, heading in written),
        write_vnd=int if xlsx else text_of,
    )
    titles = _TITLES.get(layout, _DEFAULT_TITLES)
    rows = list(_rows(page, titles, lines, account=account, opening=opening, days=days))
    if xlsx:
        return to_xlsx(rows, title="Sao kê")
    return to_csv(rows, separator=separator, encoding=encoding, harmless=False)


def _rows(
    page: _Page,
    titles: tuple[str, ...],
    lines: Sequence[StatementLine],
    *,
    account: str,
    opening: Money,
    days: tuple[date, date] | None,
) -> Iterator[list[SheetCell]]:
    for title in titles:
        yield [title]
    yield [f"Số tài khoản (Account No.): {account}"]
    yield ["Loại tiền (Currency): VND"]
    if days:
        yield [f"Từ ngày (From): {days[0]:%d/%m/%Y} Đến ngày (To): {days[1]:%d/%m/%Y}"]
    yield []
    yield list(page.headings)
    balance_vnd = opening.amount_vnd
    yield _summary(page, "Số dư đầu kỳ (Opening balance)", {Role.BALANCE: balance_vnd})
    for number, line in enumerate(lines, start=1):
        balance_vnd += line.signed_vnd
        yield _line(page, number, line, balance_vnd)
    changes = [line.signed_vnd for line in lines]
    sums = {
        Role.DEBIT: -sum(change for change in changes if change < 0),
        Role.CREDIT: sum(change for change in changes if change > 0),
    }
    yield _summary(page, "Tổng cộng (Total)", sums)
    yield _summary(page, "Số dư cuối kỳ (Closing balance)", {Role.BALANCE: balance_vnd})
    yield []
    yield ["Chứng từ này được in từ hệ thống, không cần dấu của ngân hàng"]


def _line(page: _Page, number: int, line: StatementLine, balance_vnd: int) -> list[SheetCell]:
    movement = line.movement
    payer = movement.payer if isinstance(movement, Credit) else Payer()
    at = movement.paid_at.astimezone(VIETNAM)
    cells: dict[Role, SheetCell] = {
        Role.NUMBER: number,
        Role.DATE: f"{at:%d/%m/%Y %H:%M:%S}",
        Role.VALUE_DATE: f"{at:%d/%m/%Y}",
        Role.DEBIT: page.write_vnd(0 if line.credit else movement.amount.amount_vnd),
        Role.CREDIT: page.write_vnd(movement.amount.amount_vnd if line.credit else 0),
        Role.BALANCE: page.write_vnd(balance_vnd),
        Role.FEE: None if line.fee is None else page.write_vnd(line.fee.amount_vnd),
        Role.MEMO: movement.memo,
        Role.REFERENCE: movement.bank_reference,
        Role.TRANSACTION: movement.transaction_id,
        Role.ORDER: movement.order_key,
        Role.SEQUENCE: f"{number:06}",
        Role.TELLER: "990CTLNHI",
        Role.BRANCH: "120",
        Role.CODE: "1491",
        Role.PAYER_ACCOUNT: payer.account,
        Role.PAYER_NAME: payer.name,
        Role.PAYER_BANK: payer.bank,
    }
    return [cells.get(role) for role in page.roles]


def _summary(page: _Page, words: str, amounts: dict[Role, int]) -> list[SheetCell]:
    cells: list[SheetCell] = [
        page.write_vnd(amounts[role]) if role in amounts else None for role in page.roles
    ]
    return [words, *cells[1:]]
