"""The text of a VietQR: written in ascending order, read in any order.

After "QR format v1.0" of NAPAS (09/2021), which is EMVCo's merchant-presented QR with NAPAS's own
account object 38. The first object is the version, the last a CRC of everything before its value.
"""

from __future__ import annotations

import binascii
import re

from payments.models import Money
from payments.vietqr.errors import (
    AsksForTip,
    AsksPayer,
    BadCharacters,
    BadStructure,
    NotVnd,
    OtherScheme,
    OutsideStandard,
    TooLong,
    TwoSchemes,
    VnpayQr,
    WrongAmount,
    WrongBank,
    WrongCrc,
    WrongService,
)
from payments.vietqr.models import ASKS_PAYER, Service, VietQr
from payments.vietqr.objects import read_objects, write_objects

MAX_CHARS = 512
"""An alphanumeric QR that a phone still reads from a screen holds less."""

NAPAS = "A000000727"
VNPAY = "A000000775"

_VERSION, _INITIATION, _VNPAY_ACCOUNT, _ACCOUNT = "00", "01", "26", "38"
_MCC, _CURRENCY, _AMOUNT, _COUNTRY = "52", "53", "54", "58"
_NAME, _CITY, _POSTCODE, _MORE, _CRC, _OTHER_LANGUAGE = "59", "60", "61", "62", "63", "64"
_TIPS = ("55", "56", "57")
_BILL, _TERMINAL, _MEMO = "01", "07", "08"
_ASKABLE = {f"0{n}" for n in range(1, 9)}
_GUID, _BENEFICIARY, _SERVICE = "00", "01", "02"
_STATIC, _DYNAMIC, _VND = "11", "12", "704"
_CRC_TAIL = re.compile(r"6304[0-9A-Fa-f]{4}")
# The point may stand even without decimals, and đồng have none: "50000." is well written.
_AMOUNT_FORM = re.compile(r"([0-9]+)\.?")
_MAX_AMOUNT_CHARS = 13


def encode(qr: VietQr) -> str:
    """Raises OutsideStandard where objects together are longer than their template holds."""
    beneficiary = write_objects({"00": qr.bin, "01": qr.account})
    account = {_GUID: NAPAS, _BENEFICIARY: beneficiary, _SERVICE: qr.service or ""}
    more = {_BILL: qr.bill or "", _TERMINAL: qr.terminal or "", _MEMO: qr.memo or ""}
    objects = {
        _VERSION: "01",
        _INITIATION: _DYNAMIC if qr.dynamic else _STATIC,
        _ACCOUNT: write_objects(account | _below(_ACCOUNT, qr)),
        _MCC: qr.mcc or "",
        _CURRENCY: _VND,
        _AMOUNT: "" if qr.amount is None else str(qr.amount.amount_vnd),
        _COUNTRY: "VN",
        _NAME: qr.name or "",
        _CITY: qr.city or "",
        _POSTCODE: qr.postcode or "",
        _MORE: write_objects(more | _below(_MORE, qr)),
    }
    # The CRC comes last, after objects with a higher name too.
    text = write_objects(objects | {path: value for path, value in qr.others if "." not in path})
    text += "6304"
    return text + crc(text)


def decode(untrusted_text: str) -> VietQr:
    """Raises VietQrError, and nothing else for any text whatever."""
    if len(untrusted_text) > MAX_CHARS:
        raise TooLong(f"longer than {MAX_CHARS} characters")
    if not untrusted_text.isprintable():
        raise BadCharacters("a sign that cannot be printed")
    body, tail = untrusted_text[:-4], untrusted_text[-8:]
    if _CRC_TAIL.fullmatch(tail) is None:
        raise BadStructure("no CRC at the end")
    if crc(body) != tail[4:].upper():
        raise WrongCrc("the CRC is that of another text")
    return _from_objects(read_objects(untrusted_text))


def crc(text: str) -> str:
    """CRC-16/CCITT-FALSE as four upper-case digits."""
    return f"{binascii.crc_hqx(text.encode(), 0xFFFF):04X}"


def _from_objects(objects: dict[str, str]) -> VietQr:
    names = list(objects)
    if names[0] != _VERSION or objects[_VERSION] != "01" or names[-1] != _CRC:
        raise BadStructure("the version 01 comes first, the CRC last")
    if any(not value.isascii() for name, value in objects.items() if name != _OTHER_LANGUAGE):
        raise BadCharacters("a sign outside ASCII")
    account = _read_account(objects)
    beneficiary = _read_beneficiary(account)
    more = read_objects(objects.get(_MORE, ""))
    if any(more.get(name) == ASKS_PAYER for name in _ASKABLE):
        raise AsksPayer("the payer would be asked for a part of it")
    if any(name in objects for name in _TIPS):
        raise AsksForTip("with a tip or a fee on top")
    if _required(objects, _CURRENCY) != _VND:
        raise NotVnd("another currency than VND")
    if _required(objects, _COUNTRY) != "VN":
        raise OutsideStandard("another country than Vietnam")
    initiation = _required(objects, _INITIATION)
    if initiation not in {_STATIC, _DYNAMIC}:
        raise OutsideStandard("neither static nor dynamic")
    return VietQr(
        bin=beneficiary["00"],
        account=beneficiary["01"],
        service=_read_service(account),
        dynamic=initiation == _DYNAMIC,
        amount=_read_amount(objects.get(_AMOUNT)),
        memo=more.get(_MEMO),
        bill=more.get(_BILL),
        terminal=more.get(_TERMINAL),
        mcc=objects.get(_MCC),
        name=objects.get(_NAME),
        city=objects.get(_CITY),
        postcode=objects.get(_POSTCODE),
        others=(
            *_others(objects, _KNOWN),
            *_others(account, {_GUID, _BENEFICIARY, _SERVICE}, f"{_ACCOUNT}."),
            *_others(more, {_BILL, _TERMINAL, _MEMO}, f"{_MORE}."),
        ),
    )


_KNOWN = {
    _VERSION, _INITIATION, _ACCOUNT, _MCC, _CURRENCY, _AMOUNT, _COUNTRY, _NAME, _CITY, _POSTCODE,
    _MORE, _CRC,
}  # fmt: skip


def _read_account(objects: dict[str, str]) -> dict[str, str]:
    napas, vnpay = objects.get(_ACCOUNT), objects.get(_VNPAY_ACCOUNT)
    if napas is not None and vnpay is not None:
        raise TwoSchemes("objects 26 and 38 both name a receiver")
    if vnpay is not None:
        is_vnpay = read_objects(vnpay).get(_GUID) == VNPAY
        raise (VnpayQr if is_vnpay else OtherScheme)("object 26 names the receiver, not 38")
    if napas is None:
        raise OtherScheme("no receiver in object 38")
    account = read_objects(napas)
    if account.get(_GUID) != NAPAS:
        raise OtherScheme("object 38 is not NAPAS's")
    return account


def _read_beneficiary(account: dict[str, str]) -> dict[str, str]:
    beneficiary = read_objects(_required(account, _BENEFICIARY))
    if set(beneficiary) != {"00", "01"}:
        raise WrongBank("a receiver is a bank and an account")
    return beneficiary


def _read_service(account: dict[str, str]) -> Service | None:
    service = account.get(_SERVICE)
    if service is None:
        return None
    try:
        return Service(service)
    except ValueError:
        raise WrongService("a service that pays no bill") from None


def _read_amount(text: str | None) -> Money | None:
    if text is None:
        return None
    form = _AMOUNT_FORM.fullmatch(text)
    if form is None or len(text) > _MAX_AMOUNT_CHARS:
        raise WrongAmount("an amount is whole đồng in digits, without anything between them")
    return Money(int(form[1]))


def _required(objects: dict[str, str], name: str) -> str:
    if name not in objects:
        raise BadStructure(f"object {name} is missing")
    return objects[name]


def _others(
    objects: dict[str, str], known: set[str], path: str = ""
) -> tuple[tuple[str, str], ...]:
    return tuple((path + name, value) for name, value in objects.items() if name not in known)


def _below(template: str, qr: VietQr) -> dict[str, str]:
    start = f"{template}."
    return {path.removeprefix(start): value for path, value in qr.others if path.startswith(start)}
