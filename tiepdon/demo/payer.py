"""Somebody with a phone before the kiosk: pays what the QR on the glass asks for."""

from __future__ import annotations

from collections.abc import Callable

import click

from kiosk_ui.presenters.views import PayView, View
from payments.vietqr import decode
from tiepdon.demo.banks import DemoBanks


class Payer:
    """`look` gives what stands on the glass now."""

    def __init__(self, banks: DemoBanks, look: Callable[[], View]) -> None:
        self._banks = banks
        self._look = look

    def pay(self, *, times: int = 1, less_vnd: int = 0, told: bool = True) -> None:
        """`less_vnd` too little; not `told`: the hospital never hears of it by itself."""
        view = self._look()
        if not isinstance(view, PayView):
            click.echo("nothing to pay: no QR is on the glass", err=True)
            return
        try:
            self._pay(view.qr, times=times, less_vnd=less_vnd, told=told)
        except (ValueError, LookupError) as error:
            click.echo(f"not paid: {error}", err=True)

    def _pay(self, qr_text: str, *, times: int, less_vnd: int, told: bool) -> None:
        bank, wallet = self._banks.bank, self._banks.wallet
        emulator = wallet if qr_text.startswith(wallet.base_url) else bank
        if not told:
            emulator.faults.set_from("drop_webhook", {"n": times})
        if emulator is wallet:
            ref = qr_text.rpartition("/")[2]
            order = wallet.find(ref)
            amount_vnd = order.amount_vnd - less_vnd if order and less_vnd else None
            wallet.take_money(ref, amount_vnd, times=times)
            return
        amount = decode(qr_text).amount
        if amount is None:
            raise ValueError("the QR asks for no amount")
        bank.pay({"qr_text": qr_text, "amount": amount.amount_vnd - less_vnd, "times": times})
