"""The bank's file of a day: what it collected for us, one line each, fields apart by `|`.

Read in one integration only; fields counted from 0: 1 service, 3 bill, 4 customer, 5 amount,
6 currency, 7 trace number, 8 time, 9 day, 16 result, 20 transaction. The last line is the count
and the sum of all: a file that was cut on its way does not agree with it.
"""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from payments.errors import BrokenReply
from payments.models import Credit, Money
from payments.providers.bidv.callback import plain_code

_VIETNAM = ZoneInfo("Asia/Ho_Chi_Minh")
_SERVICE, _BILL, _CUSTOMER, _AMOUNT, _CURRENCY, _TRACE, _TIME, _DAY, _RESULT = (
    1, 3, 4, 5, 6, 7, 8, 9, 16,
)  # fmt: skip
_FAILED_AT_BANK = "005"
_FEWEST_FIELDS = 10


def read_file(
    content: bytes, *, provider: str, service_id: str, prefix: str, transaction_field: int
) -> tuple[Credit, ...]:
    """Raises BrokenReply for a file that does not agree with its own sum."""
    try:
        lines = [line for line in content.decode("utf-8-sig").splitlines() if line.strip()]
    except UnicodeDecodeError as error:
        raise BrokenReply("the file is not text") from error
    if not lines:
        return ()
    *rows, foot = (line.split("|") for line in lines)
    count, total = _number(foot, 0), _number(foot, 1)
    if len(foot) >= _FEWEST_FIELDS or (count, total) != (
        len(rows),
        sum(_number(row, _AMOUNT) for row in rows),
    ):
        raise BrokenReply("the file does not agree with its last line")
    return tuple(
        Credit(
            provider=provider,
            account=service_id,
            transaction_id=_field(row, transaction_field) or _field(row, _TRACE),
            bank_reference=_field(row, transaction_field) or _field(row, _TRACE),
            amount=Money(_number(row, _AMOUNT)),
            paid_at=_time(row),
            memo=plain_code(_field(row, _BILL) or _field(row, _CUSTOMER), prefix),
        )
        for row in rows
        if _is_money(row, service_id)
    )


def _is_money(row: list[str], service_id: str) -> bool:
    if _field(row, _CURRENCY) not in {"", "VND", "704"}:
        raise BrokenReply("the file has another currency")
    return (
        _field(row, _SERVICE) in {"", service_id}
        and _field(row, _RESULT) != _FAILED_AT_BANK
        and _number(row, _AMOUNT) > 0
    )


def _field(row: list[str], place: int) -> str:
    return row[place].strip() if place < len(row) else ""


def _number(row: list[str], place: int) -> int:
    whole, _, fraction = _field(row, place).partition(".")
    if not (whole.isascii() and whole.isdigit() and len(whole) <= 15) or fraction.strip("0"):
        raise BrokenReply("a number in the file cannot be read")
    return int(whole)


def _time(row: list[str]) -> datetime:
    text = _field(row, _DAY) + _field(row, _TIME)
    try:
        return datetime.strptime(text, "%Y%m%d%H%M%S").replace(tzinfo=_VIETNAM)
    except ValueError as error:
        raise BrokenReply("a time in the file cannot be read") from error
