"""A reconciliation on paper: rows of a sheet for the finance office. Pure.

It names nobody: numbers of transactions, codes of payments, amounts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from backend.domain.reconciling import Figures, Item, Kind, Sum, Way
from backend.domain.settings import Words

Cell = str | int | None
Row = Sequence[Cell]

TITLE = Words(vi="BIÊN BẢN ĐỐI SOÁT THANH TOÁN", en="RECONCILIATION OF PAYMENTS")
PROVIDER = Words(vi="Ngân hàng hoặc ví", en="Bank or wallet")
ACCOUNT = Words(vi="Tài khoản", en="Account")
DAYS = Words(vi="Từ ngày, đến ngày", en="From, to")
SIGNED = Words(vi="Người ký", en="Signed by")
NOT_SIGNED = Words(vi="Chưa ký", en="Not signed")
NOTE = Words(vi="Ghi chú", en="Note")
COUNT = Words(vi="Số lượng", en="Count")
AMOUNT = Words(vi="Số tiền (đồng)", en="Amount (đồng)")
CAME = Words(vi="Tiền vào theo ngân hàng", en="Came, by the bank")
EXPECTED = Words(vi="Tiền vào theo sổ", en="Came, by the books")
DIFFERENCE = Words(vi="Chênh lệch", en="Difference")
LEFT = Words(vi="Tiền ra theo ngân hàng", en="Left, by the bank")
REFUNDED = Words(vi="Đã hoàn theo sổ", en="Given back, by the books")
BOOKED = Words(vi="Ghi sổ nhờ sao kê này", en="Booked from this statement")
DAY = Words(vi="Tiền vào ngày {day}", en="Came on {day}")
SHIFT = Words(vi="Ca {name}, từ {since}", en="Shift {name}, from {since}")
OUTSIDE = Words(vi="Chưa thuộc ca nào đã chốt", en="In no closed shift yet")
HEADINGS = (
    Words(vi="Dòng", en="Row"),
    Words(vi="Kết quả", en="Result"),
    Words(vi="Thời gian", en="Time"),
    Words(vi="Mã giao dịch", en="Transaction"),
    Words(vi="Mã thanh toán", en="Payment code"),
    Words(vi="Theo sổ (đồng)", en="Books (đồng)"),
    Words(vi="Theo ngân hàng (đồng)", en="Bank (đồng)"),
    Words(vi="Chênh lệch (đồng)", en="Difference (đồng)"),
    Words(vi="Cách tìm thấy", en="Found by"),
)
KINDS: Mapping[Kind, Words] = {
    Kind.OK: Words(vi="Khớp", en="Agrees"),
    Kind.WITHOUT_INTENT: Words(vi="Tiền chưa rõ của ai", en="Money nobody asked for"),
    Kind.WITHOUT_LINE: Words(vi="Có trong sổ, ngân hàng không có", en="Booked, not at the bank"),
    Kind.AMOUNT: Words(vi="Lệch số tiền", en="Amounts differ"),
    Kind.REFUND: Words(vi="Lệch tiền hoàn", en="Refunds differ"),
    Kind.NOT_POSTED: Words(vi="Chưa ghi vào HIS", en="Not entered in the HIS"),
    Kind.TO_CONFIRM: Words(vi="Có thể khớp, cần người xem", en="May agree, to be looked at"),
    Kind.UNREADABLE: Words(vi="Dòng không đọc được", en="Row that cannot be read"),
    Kind.DOUBT: Words(vi="Số dư hoặc tổng không khớp", en="Balance or total does not add up"),
}
WAYS: Mapping[Way, Words] = {
    Way.TRANSACTION: Words(vi="mã giao dịch", en="transaction number"),
    Way.REFERENCE: Words(vi="số tham chiếu", en="bank reference"),
    Way.CODE: Words(vi="mã trong nội dung", en="code in the memo"),
    Way.SUGGESTED: Words(vi="cùng số tiền, cùng phút", en="same amount and minute"),
    Way.BOOKED: Words(vi="ghi sổ từ sao kê", en="booked from the statement"),
}


@dataclass(frozen=True, kw_only=True)
class Heading:
    provider: str
    account: str
    first_day: date
    last_day: date
    signed_name: str | None
    signed_at: datetime | None
    note: str | None


@dataclass(frozen=True, kw_only=True)
class ShiftSum:
    """What came in these days while somebody was in charge; `name` None: in no closed shift yet."""

    name: str | None
    since: datetime | None
    sum: Sum


def make_sheet(
    heading: Heading,
    figures: Figures,
    items: Iterable[tuple[Item, str | None]],
    *,
    shifts: Sequence[ShiftSum] = (),
    zone: ZoneInfo,
    language: str,
) -> Iterator[Row]:
    """`items` with the codes of their payments, differences first."""

    def say(words: Words) -> str:
        return words.vi if language == "vi" else words.en

    def moment(at: datetime | None) -> str:
        return f"{at.astimezone(zone):%d/%m/%Y %H:%M:%S}" if at else ""

    yield [say(TITLE)]
    yield [say(PROVIDER), heading.provider]
    yield [say(ACCOUNT), heading.account]
    yield [say(DAYS), f"{heading.first_day:%d/%m/%Y}", f"{heading.last_day:%d/%m/%Y}"]
    signed = heading.signed_name if heading.signed_at else say(NOT_SIGNED)
    yield [say(SIGNED), signed, moment(heading.signed_at)]
    yield [say(NOTE), heading.note]
    yield []
    yield ["", say(COUNT), say(AMOUNT)]
    for words, each in (
        (CAME, figures.came),
        (EXPECTED, figures.expected),
        (LEFT, figures.left),
        (REFUNDED, figures.refunded),
        (BOOKED, figures.booked),
    ):
        yield [say(words), each.count, each.amount_vnd]
    yield [say(DIFFERENCE), None, figures.difference_vnd]
    for day, each in figures.days.items():
        shown = f"{date.fromisoformat(day):%d/%m/%Y}"
        yield [say(DAY).format(day=shown), each.count, each.amount_vnd]
    for shift in shifts:
        name = say(SHIFT).format(name=shift.name, since=moment(shift.since))
        yield [name if shift.name else say(OUTSIDE), shift.sum.count, shift.sum.amount_vnd]
    for kind in Kind:
        if figures.kinds.get(kind.value):
            yield [say(KINDS[kind]), figures.kinds[kind.value]]
    yield []
    yield [say(words) for words in HEADINGS]
    for item, code in sorted(items, key=lambda pair: not pair[0].is_difference):
        expected, found = item.expected_vnd, item.found_vnd
        yield [
            item.row,
            say(KINDS[item.kind]),
            moment(item.at),
            item.transaction_id,
            code,
            expected,
            found,
            None if expected is None or found is None else found - expected,
            say(WAYS[item.way]) if item.way else "",
        ]
