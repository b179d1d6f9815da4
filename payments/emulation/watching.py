"""What emulators share that watch accounts: people transfer, the hospital is told of it."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any

from payments.emulation.banks import (
    Account,
    EmulatedBanks,
    Movement,
    TransferRefused,
    demo_accounts,
    describe_account,
    find_person,
    read_wanted,
)
from payments.emulation.clock import EmulatedClock
from payments.emulation.frame import Control, Emulator


class AccountEmulator(Emulator):
    """Beyond the switches of every emulator: `POST /_emu/pay`, `send_back`, `open_account`,
    `ping`.
    """

    def __init__(
        self,
        *,
        port: int = 0,
        seed: int = 0,
        clock: EmulatedClock | None = None,
        callback_url: str | None = None,
        accounts: list[Account] | None = None,
    ) -> None:
        super().__init__(port=port, seed=seed, clock=clock, callback_url=callback_url)
        self.banks = EmulatedBanks(
            accounts or demo_accounts(), clock=self.clock, chance=self.random
        )

    @abstractmethod
    def tell(
        self, movement: Movement, *, delay_s: float = 0.0, fields: Mapping[str, Any] | None = None
    ) -> None:
        """Queues the callback about a movement. `fields` replace such of its content."""

    @abstractmethod
    def ping(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """A call that asks whether we hear it, without money."""

    def controls(self) -> Mapping[str, Control]:
        return {
            "pay": self.pay,
            "ping": self.ping,
            "send_back": self.send_back,
            "open_account": self.open_account,
        }

    def pay(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """`qr_text`, or `account` with `bin`, `amount`, `memo`. Whatever is told besides a QR
        replaces what it says. `times`, `delay` (seconds before the callback), `payer` (an id),
        `memo_style`, `fields` (replace such of the callback: a careless or a hostile party).
        Raises TransferRefused, ValueError.
        """
        wanted = read_wanted(arguments)
        times = min(int(arguments.get("times", 1)), 100)
        style = str(arguments.get("memo_style", self.faults.memo_style))
        payer = find_person(arguments.get("payer"))
        with self.lock:
            if self.faults.take("fail"):
                raise TransferRefused("Giao dịch không thành công. Tiền của quý khách chưa bị trừ.")
            made = [
                self.banks.transfer(
                    bin_=wanted["bin"],
                    number=wanted["account"],
                    amount_vnd=wanted["amount"],
                    memo=wanted["memo"],
                    payer=payer,
                    memo_style=style,
                )
                for _ in range(times)
            ]
        for movement in made:
            self.tell(
                movement,
                delay_s=float(arguments.get("delay", 0)),
                fields=dict(arguments.get("fields", {})),
            )
        return {"paid": [movement.as_dict() for movement in made]}

    def send_back(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """`transaction_id` and perhaps `amount`: the hospital pays money back by hand."""
        with self.lock:
            known = {each.transaction_id: each for each in self.banks.movements}
            movement = known[str(arguments["transaction_id"])]
            amount_vnd = int(arguments.get("amount", movement.amount_vnd))
            back = self.banks.send_back(movement, amount_vnd)
        self.tell(back)
        return {"sent_back": back.as_dict()}

    def open_account(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """`bin`, `account`, `holder`, perhaps `virtual_prefix` and `callback_url`."""
        account = Account(
            bin=str(arguments["bin"]),
            number=str(arguments["account"]),
            holder=str(arguments.get("holder", "BENH VIEN DA KHOA MAU")),
            virtual_prefix=str(arguments.get("virtual_prefix", "")),
            callback_url=arguments.get("callback_url"),
        )
        with self.lock:
            if self.banks.find_account(account.bin, account.number) is not None:
                raise ValueError("this account is open")
            self.banks.accounts.append(account)
        return describe_account(account)

    def describe(self) -> dict[str, Any]:
        with self.lock:
            return {
                "accounts": [describe_account(each) for each in self.banks.accounts],
                "movements": [each.as_dict() for each in self.banks.movements[-1_000:]],
            }
