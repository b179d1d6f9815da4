from __future__ import annotations

from typing import Any

import pytest

from payments.models import Money
from payments.vietqr import VietQr, VietQrError, encode


def make(**changes: Any) -> VietQr:
    return VietQr(**{"bin": "970418", "account": "1200000000001", "dynamic": True} | changes)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"bin": "97041"}, "wrong-bank"),
        ({"bin": "9704180"}, "wrong-bank"),
        ({"bin": "97041８"}, "wrong-bank"),
        ({"bin": "970418\n"}, "wrong-bank"),
        ({"account": ""}, "wrong-account"),
        ({"account": "1" * 20}, "wrong-account"),
        ({"account": "12-34"}, "wrong-account"),
        ({"account": "12 34"}, "wrong-account"),
        ({"account": "Đ1234"}, "wrong-account"),
        ({"amount": Money(0)}, "wrong-amount"),
        ({"amount": Money(-1)}, "wrong-amount"),
        ({"amount": Money(10**13)}, "wrong-amount"),
        ({"memo": ""}, "wrong-memo"),
        ({"memo": "A" * 26}, "wrong-memo"),
        ({"memo": "viện phí"}, "wrong-memo"),
        ({"memo": "VP\n1"}, "wrong-memo"),
        ({"memo": "\x7f"}, "wrong-memo"),
        ({"memo": "***"}, "asks-payer"),
        ({"bill": "***"}, "asks-payer"),
        ({"mcc": "806"}, "outside-standard"),
        ({"name": "BỆNH VIỆN"}, "outside-standard"),
        ({"name": "A" * 26}, "outside-standard"),
        ({"city": "A" * 16}, "outside-standard"),
        ({"postcode": "A" * 11}, "outside-standard"),
    ],
)
def test_what_the_standard_has_no_room_for(changes: dict[str, Any], code: str) -> None:
    with pytest.raises(VietQrError) as refused:
        make(**changes)
    assert refused.value.code == code


def test_the_largest_of_everything() -> None:
    make(
        account="Z" * 19, amount=Money(10**13 - 1), memo="~" * 25, name=" " * 25, postcode="1" * 10
    )


def test_additional_data_together_has_99_characters() -> None:
    full = make(memo="A" * 25, bill="A" * 25, terminal="A" * 25, others=(("62.05", "A" * 8),))
    assert "6299" in encode(full)

    over = make(memo="A" * 25, bill="A" * 25, terminal="A" * 25, others=(("62.05", "A" * 9),))
    with pytest.raises(VietQrError, match="object 62 is longer"):
        encode(over)
