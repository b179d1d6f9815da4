from __future__ import annotations

import pytest

from payments.errors import BrokenReply
from payments.models import Money
from payments.providers.vnpay.emulator import qr_content
from payments.providers.vnpay.qr_check import check_qr

AMOUNT = Money(350_000)
GOOD = qr_content(350_000, "VP26AB7KX-1")


def test_what_may_be_shown() -> None:
    assert check_qr(GOOD, AMOUNT) == GOOD


@pytest.mark.parametrize(
    "text",
    [
        None,
        7,
        "",
        "x",
        GOOD[:-1],
        GOOD.replace("350000", "950000"),
        qr_content(950_000, "VP26AB7KX-1"),
        GOOD + GOOD,
        "é" * 40,
        "https://example.invalid/pay",
        "9" * 600,
    ],
)
def test_what_may_not(text: object) -> None:
    with pytest.raises(BrokenReply):
        check_qr(text, AMOUNT)
