"""A small world of banks: accounts by bank and number, people with money, and what moved.

Everything is invented. Not safe by itself for several threads: the emulator holds its lock.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from payments.emulation.memo import rewrite_memo
from payments.fields import VIETNAM, clean
from payments.vietqr import VietQrError, decode
from payments.vietqr.banks import bank_name

BIDV, HDBANK = "970418", "970437"
HOSPITAL = "BENH VIEN DA KHOA MAU"
_START_VND = 150_000_000
_MAX_VND = 499_999_999
"""One transfer of NAPAS 247."""


class TransferRefused(ValueError):
    """Nothing moved. The text is what the bank's app shows, in Vietnamese."""


@dataclass(kw_only=True)
class Account:
    """`virtual_prefix`: any number that begins so is this account too, by another name."""

    bin: str
    number: str
    holder: str
    balance_vnd: int = _START_VND
    virtual_prefix: str = ""
    callback_url: str | None = None


@dataclass(frozen=True, kw_only=True)
class Person:
    id: str
    name: str
    bin: str
    account: str


@dataclass(frozen=True, kw_only=True)
class Movement:
    """One line of an account's statement. `amount_vnd` is below 0 for money that leaves."""

    transaction_id: str
    bank_reference: str
    bin: str
    account: str
    virtual_account: str
    amount_vnd: int
    balance_vnd: int
    booked_at: datetime
    memo: str = field(repr=False)
    payer: Person | None = field(default=None, repr=False)

    @property
    def day(self) -> date:
        return self.booked_at.astimezone(VIETNAM).date()

    def as_dict(self) -> dict[str, Any]:
        return {
            "transaction_id": self.transaction_id,
            "bank_reference": self.bank_reference,
            "bin": self.bin,
            "account": self.account,
            "virtual_account": self.virtual_account,
            "amount": self.amount_vnd,
            "balance": self.balance_vnd,
            "booked_at": self.booked_at.astimezone(VIETNAM).isoformat(timespec="seconds"),
            "memo": self.memo,
        }


PEOPLE = (
    Person(id="hoa", name="NGUYEN THI HOA", bin="970436", account="0011000000001"),
    Person(id="minh", name="TRAN VAN MINH", bin="970407", account="19000000000012"),
    Person(id="lan", name="LE THI LAN", bin="970422", account="0680000000013"),
    Person(id="tuan", name="PHAM QUOC TUAN", bin="970418", account="2150000000014"),
)


def demo_accounts() -> list[Account]:
    """Accounts of an invented hospital at the two banks of the demo, and at a third."""
    return [
        Account(bin=BIDV, number="1200000000001", holder=HOSPITAL, virtual_prefix="V1BVMAU"),
        Account(bin=HDBANK, number="0680000000001", holder=HOSPITAL),
        Account(bin="970436", number="0071000000001", holder=HOSPITAL),
    ]


class EmulatedBanks:
    def __init__(
        self, accounts: list[Account], *, clock: Callable[[], datetime], chance: random.Random
    ) -> None:
        self.accounts = accounts
        self.movements: list[Movement] = []
        self.virtual_accounts: dict[str, Account] = {}
        """Numbers that were given out one by one."""
        self._clock = clock
        self._chance = chance
        self._serial = chance.randrange(10**5, 10**6)

    def find_account(self, bin_: str, number: str) -> Account | None:
        if number in self.virtual_accounts:
            return self.virtual_accounts[number]
        at_bank = [account for account in self.accounts if bin_ in {"", account.bin}]
        for account in at_bank:
            if account.number == number:
                return account
        for account in at_bank:
            prefix = account.virtual_prefix
            if prefix and number.upper().startswith(prefix) and len(number) > len(prefix):
                return account
        return None

    def transfer(
        self,
        *,
        bin_: str,
        number: str,
        amount_vnd: int,
        memo: str,
        payer: Person,
        memo_style: str = "",
    ) -> Movement:
        """Money into an account, the memo as it arrives there. Raises TransferRefused."""
        account = self.find_account(bin_, number)
        if account is None:
            raise TransferRefused("Không tìm thấy tài khoản nhận.")
        if not 0 < amount_vnd <= _MAX_VND:
            raise TransferRefused("Số tiền phải từ 1 đến 499.999.999 đồng.")
        virtual = number if number != account.number else ""
        return self._move(
            account,
            amount_vnd,
            memo=rewrite_memo(memo, memo_style, self._chance),
            virtual=virtual,
            payer=payer,
        )

    def send_back(self, movement: Movement, amount_vnd: int) -> Movement:
        """Money the hospital gives back by hand. Raises TransferRefused."""
        account = self.find_account(movement.bin, movement.account)
        if account is None or not 0 < amount_vnd <= account.balance_vnd:
            raise TransferRefused("Số tiền trả lại không đúng.")
        return self._move(
            account,
            -amount_vnd,
            memo=f"HOAN TIEN {movement.bank_reference}",
            virtual="",
            payer=movement.payer,
        )

    def on_day(self, account: Account, day: date) -> Iterator[Movement]:
        return (
            movement
            for movement in self.movements
            if (movement.bin, movement.account, movement.day) == (account.bin, account.number, day)
        )

    def _move(
        self, account: Account, amount_vnd: int, *, memo: str, virtual: str, payer: Person | None
    ) -> Movement:
        account.balance_vnd += amount_vnd
        movement = self.imagine(account, amount_vnd, memo=memo, virtual=virtual, payer=payer)
        self.movements.append(movement)
        return movement

    def imagine(
        self,
        account: Account,
        amount_vnd: int,
        *,
        memo: str,
        virtual: str = "",
        payer: Person | None = None,
    ) -> Movement:
        """What a movement would look like. Nothing moves."""
        now = self._clock()
        self._serial += self._chance.randrange(1, 40)
        return Movement(
            transaction_id=f"{account.bin}{now.astimezone(VIETNAM):%y%m%d}{self._serial:08d}",
            bank_reference=f"FT{now.astimezone(VIETNAM):%y%j}{self._serial:07d}",
            bin=account.bin,
            account=account.number,
            virtual_account=virtual,
            amount_vnd=amount_vnd,
            balance_vnd=account.balance_vnd,
            booked_at=now,
            memo=memo,
            payer=payer,
        )


def describe_account(account: Account) -> dict[str, Any]:
    return {
        "bin": account.bin,
        "bank": bank_name(account.bin),
        "account": account.number,
        "holder": account.holder,
        "balance": account.balance_vnd,
        "virtual_prefix": account.virtual_prefix,
        "callback_url": account.callback_url,
    }


def read_wanted(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """`bin`, `account`, `amount`, `memo` of a transfer. Raises TransferRefused, ValueError."""
    wanted: dict[str, Any] = {"bin": "", "account": "", "amount": 0, "memo": ""}
    if "qr_text" in arguments:
        try:
            qr = decode(str(arguments["qr_text"]).strip())
        except VietQrError as error:
            raise TransferRefused("Mã QR này không phải mã chuyển khoản hợp lệ.") from error
        wanted = {
            "bin": qr.bin,
            "account": qr.account,
            "amount": qr.amount.amount_vnd if qr.amount else 0,
            "memo": qr.memo or "",
        }
    told = {name: arguments[name] for name in wanted if arguments.get(name) not in {None, ""}}
    wanted.update(told)
    wanted["amount"] = int(wanted["amount"])
    wanted["memo"] = clean(str(wanted["memo"]), 200)
    return wanted


def find_person(person_id: Any) -> Person:
    """The first one where nobody is named. Raises ValueError."""
    for person in PEOPLE:
        if person_id in {None, "", person.id}:
            return person
    raise ValueError("nobody of that name banks here")
