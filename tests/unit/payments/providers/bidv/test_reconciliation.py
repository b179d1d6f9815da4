from __future__ import annotations

from datetime import UTC, datetime

import pytest

from payments.errors import BrokenReply
from payments.models import Credit, Money
from payments.providers.bidv.reconciliation import read_file

LINE = "MB|123000|DEMOMID|{bill}|VP23AB7K2|{amount}|{currency}|000001|{time}|{day}|||||||{result}||||T{n}|"


def line(n: int = 1, **changes: str) -> str:
    parts = {
        "bill": "VP23AB7K2",
        "amount": "350000",
        "currency": "VND",
        "time": "080000",
        "day": "20261123",
        "result": "000",
    }
    return LINE.format(n=n, **parts | changes)


def read(*lines: str) -> tuple[Credit, ...]:
    return read_file(
        "\r\n".join(lines).encode(),
        provider="bidv",
        service_id="123000",
        prefix="V3DEMO",
        transaction_field=20,
    )


def test_a_day() -> None:
    first, second = read(line(1), line(2, amount="1000.00"), "2|351000|20261124010000")
    assert (first.transaction_id, first.amount, first.memo) == ("T1", Money(350_000), "VP23AB7K2")
    assert first.paid_at == datetime(2026, 11, 23, 1, 0, tzinfo=UTC)
    assert second.amount == Money(1_000)


def test_a_day_without_anything() -> None:
    assert read("0|0|20261124010000") == ()
    assert read("") == ()


def test_what_failed_at_the_bank_is_no_money() -> None:
    assert read(line(1, result="005"), "1|350000|20261124010000") == ()


@pytest.mark.parametrize(
    "lines",
    [
        (line(1),),
        (line(1), "2|350000|20261124010000"),
        (line(1), "1|350001|20261124010000"),
        (line(1, amount="1.5"), "1|1|20261124010000"),
        (line(1, amount="x"), "1|0|20261124010000"),
        (line(1, currency="USD"), "1|350000|20261124010000"),
        (line(1, day="20261323"), "1|350000|20261124010000"),
        ("nothing of the kind",),
    ],
)
def test_a_file_that_cannot_be_believed(lines: tuple[str, ...]) -> None:
    with pytest.raises(BrokenReply):
        read(*lines)
