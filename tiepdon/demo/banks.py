"""The money around a demonstration: a bank, a wallet, and the settings that lead to them.

Both are stand-ins on this machine. The bank's page is a bank's app for whoever tries things out:
it reads a picture of the QR on the kiosk, and pays.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import ExitStack
from copy import copy
from pathlib import Path
from typing import Any, Self

from payments.emulation.banks import BIDV, Account
from payments.providers.momo import emulator as momo
from payments.providers.vietqr_bank import emulator as bank
from payments.secrets import Secret

BANK, WALLET = "bank", "momo"
"""As the server calls them: `/payments/bank`, `/payments/momo`."""
ACCOUNT = Account(bin=BIDV, number="1200000000001", holder="TTYT KHU VUC THACH LUNG")
"""Of the demo hospital, as a payer's app shows it."""


class DemoBanks:
    """Starts with `with`, before the server whose address is told, and ends after it.

    `environment` are the settings of that server. Everything is written below `folder`. Without
    `real_qr` there is the wallet alone, whose QR means nothing to the apps on people's telephones.
    """

    def __init__(self, folder: Path, *, server_address: str, real_qr: bool = True) -> None:
        self._folder = folder
        self._real_qr = real_qr
        self.bank = bank.BankEmulator(
            callback_url=f"{server_address}/payments/{BANK}", accounts=[copy(ACCOUNT)]
        )
        self.wallet = momo.MomoEmulator(callback_url=f"{server_address}/payments/{WALLET}")
        self._wallet_callback = f"{server_address}/payments/{WALLET}"
        self._stack = ExitStack()

    @property
    def environment(self) -> dict[str, str]:
        return {"TIEPDON_PAYMENTS_CONFIG": str(self._file)}

    @property
    def bank_app(self) -> str:
        """The page that is a bank's app."""
        return self.bank.base_url

    @property
    def wallet_app(self) -> str:
        return self.wallet.base_url

    def __enter__(self) -> Self:
        self._write_settings()
        with ExitStack() as starting:
            if self._real_qr:
                starting.enter_context(self.bank)
            starting.enter_context(self.wallet)
            self._stack = starting.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @property
    def _file(self) -> Path:
        return self._folder.resolve() / "payments.toml"

    def _write_settings(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        entries = [(WALLET, "momo", ("Ví MoMo", "MoMo wallet"), self._wallet_settings())]
        if self._real_qr:
            names = ("Ứng dụng ngân hàng", "Bank app")
            entries.insert(0, (BANK, "vietqr_bank", names, self.bank.settings(BIDV)))
        lines: list[str] = []
        for name, kind, labels, settings in entries:
            facts = {"name": name, "kind": kind, "label_vi": labels[0], "label_en": labels[1]}
            lines += ["[[provider]]", *self._table(facts), "[provider.settings]"]
            lines += [*self._table(settings, secrets_of=name), ""]
        self._file.write_text("\n".join(lines), encoding="utf-8")

    def _wallet_settings(self) -> dict[str, Any]:
        return {
            "base_url": self.wallet.base_url,
            "partner_code": momo.PARTNER,
            "access_key": Secret(momo.ACCESS_KEY),
            "secret_key": Secret(momo.SECRET),
            "callback_url": self._wallet_callback,
        }

    def _table(self, values: Mapping[str, Any], *, secrets_of: str = "") -> list[str]:
        """Keys and values as TOML writes them; strings are written alike in JSON."""
        return [
            f"{key} = {self._value(each, f'{secrets_of}-{key}')}" for key, each in values.items()
        ]

    def _value(self, value: Any, place: str) -> str:
        if isinstance(value, Secret):
            file = self._folder.resolve() / place
            file.write_text(value.reveal(), encoding="utf-8")
            return f"{{ file = {json.dumps(str(file))} }}"
        if isinstance(value, Mapping):
            inner = ", ".join(self._table(value, secrets_of=place))
            return f"{{ {inner} }}"
        return json.dumps(value, ensure_ascii=False)
