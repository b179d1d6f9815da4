"""`tiepdon vietqr`: the text behind a VietQR, written and read."""

from __future__ import annotations

import json
import re

import click

from payments.models import Money
from payments.vietqr import VietQr, VietQrError, decode, encode

_AMOUNT = re.compile(r"[0-9]{1,13}")


def _read_amount(
    context: click.Context, parameter: click.Parameter, text: str | None
) -> Money | None:
    """Digits only: what is written otherwise may mean another sum."""
    if text is None:
        return None
    if _AMOUNT.fullmatch(text) is None:
        message = "an amount is whole đồng: 1 to 13 digits, nothing between them"
        raise click.BadParameter(message, context, parameter)
    return Money(int(text))


@click.group()
def command() -> None:
    """Write and read the text of a VietQR (NAPAS, EMVCo). Nothing is sent anywhere."""


@command.command("encode")
@click.option("--bin", "bank", required=True, metavar="B", help="Six digits of the bank (970418).")
@click.option("--account", required=True, metavar="A", help="At most 19 letters and digits.")
@click.option("--amount", callback=_read_amount, metavar="N", help="Whole đồng: 350000.")
@click.option("--memo", metavar="M", help="At most 25 characters of printable ASCII.")
def encode_command(*, bank: str, account: str, amount: Money | None, memo: str | None) -> None:
    """Print the text of a QR for a transfer to account A at bank B.

    With an amount it is dynamic (12: for one payment), without one static (11). Exit status 2
    where a value is outside the limits or the charset of the standard.
    """
    try:
        text = encode(
            VietQr(bin=bank, account=account, amount=amount, memo=memo, dynamic=amount is not None)
        )
    except VietQrError as error:
        raise click.UsageError(f"{error} ({error.code})") from error
    click.echo(text)


# A text may start with a dash; it is an answer that it is no VietQR.
@command.command("decode", context_settings={"ignore_unknown_options": True})
@click.argument("text", metavar="TEXT")
def decode_command(*, text: str) -> None:
    """Print what the QR with TEXT says, as JSON: valid error bin account service amount memo.

    Blanks around TEXT do not count. Exit status 0 when it is valid, 1 when not.
    """
    answer: dict[str, object] = dict.fromkeys(
        ("valid", "error", "bin", "account", "service", "amount", "memo")
    )
    try:
        qr = decode(text.strip(" \t\r\n"))
    except VietQrError as error:
        answer |= {"valid": False, "error": error.code}
    else:
        answer |= {
            "valid": True,
            "bin": qr.bin,
            "account": qr.account,
            "service": qr.service,
            "amount": qr.amount and qr.amount.amount_vnd,
            "memo": qr.memo,
        }
    click.echo(json.dumps(answer, ensure_ascii=False))
    if not answer["valid"]:
        raise click.exceptions.Exit(1)
