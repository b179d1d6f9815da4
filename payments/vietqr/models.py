"""What a VietQR says."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from payments.models import Money
from payments.vietqr.errors import (
    AsksPayer,
    OutsideStandard,
    WrongAccount,
    WrongAmount,
    WrongBank,
    WrongMemo,
)

MAX_VND = 10**13 - 1
ASKS_PAYER = "***"
_BIN = re.compile(r"[0-9]{6}")
_ACCOUNT = re.compile(r"[0-9A-Za-z]{1,19}")
_MCC = re.compile(r"[0-9]{4}")
_MAX_CHARS = {"bill": 25, "terminal": 25, "name": 25, "city": 15, "postcode": 10}
_MAX_MEMO_CHARS = 25


class Service(StrEnum):
    TO_ACCOUNT = "QRIBFTTA"
    TO_CARD = "QRIBFTTC"
    TO_MERCHANT = "QRPUSH"
    """In later material of NAPAS, not in version 1.0 of the format."""


@dataclass(frozen=True, kw_only=True)
class VietQr:
    """Where to pay, and perhaps how much with which memo. One that exists is within the standard.

    `dynamic`: meant for one payment; banks do not enforce it. `others` are objects this code has
    no use for, by their path (`80`, `62.05`): kept so that they are written again.
    """

    bin: str
    """Six digits of the State Bank for the bank that holds the account."""
    account: str
    """Or card, or virtual account: at most 19 letters and digits."""
    service: Service | None = Service.TO_ACCOUNT
    dynamic: bool
    amount: Money | None = None
    memo: str | None = None
    """At most 25 characters of printable ASCII; so are the texts below, each with its own limit."""
    bill: str | None = None
    terminal: str | None = None
    mcc: str | None = None
    """Category of the merchant, four digits; hospitals: 8062."""
    name: str | None = None
    city: str | None = None
    postcode: str | None = None
    others: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        """Raises OutsideStandard, AsksPayer."""
        if _BIN.fullmatch(self.bin) is None:
            raise WrongBank("a bank is named by six digits")
        if _ACCOUNT.fullmatch(self.account) is None:
            raise WrongAccount("an account has 1 to 19 letters A-Z and digits")
        if self.amount is not None and not 0 < self.amount.amount_vnd <= MAX_VND:
            raise WrongAmount("an amount is above 0 and has at most 13 digits")
        if self.mcc is not None and _MCC.fullmatch(self.mcc) is None:
            raise OutsideStandard("mcc is four digits")
        if self.memo is not None and not is_text(self.memo, _MAX_MEMO_CHARS):
            raise WrongMemo(f"memo takes 1 to {_MAX_MEMO_CHARS} characters of printable ASCII")
        for field, most in _MAX_CHARS.items():
            value = getattr(self, field)
            if value is not None and not is_text(value, most):
                raise OutsideStandard(f"{field} takes 1 to {most} characters of printable ASCII")
        if ASKS_PAYER in {self.memo, self.bill, self.terminal}:
            raise AsksPayer("*** would make the app ask the payer")


def is_text(value: str, most: int) -> bool:
    return 0 < len(value) <= most and value.isascii() and value.isprintable()
