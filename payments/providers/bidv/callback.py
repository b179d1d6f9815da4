"""What BIDV asks and tells: getbill and paybill, read with nothing taken on trust.

The checksum stands within the JSON, so the JSON is read first, of bounded size and as plain texts;
the checksum is next, and only then is anything believed. Names come as `customer_id` or
`customerId`, amounts as text or number: both are in use.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from ipaddress import ip_address
from typing import Any

from payments.errors import BadSignature, MalformedCallback, NotOurs
from payments.models import BillLookup, CallbackRequest, Credit, Money, Notice, NoticeKind
from payments.providers.bidv.config import BidvConfig
from payments.providers.bidv.signing import ChecksumForm, getbill_checksum, paybill_checksum
from payments.signatures import check_signature, hmac_hex

MISSING, LOGIN, WRONG_CHECKSUM, WRONG_SERVICE, UNKNOWN_BILL = "001", "003", "004", "006", "021"
RESULT = "result_code"
_MAX_BYTES, _MAX_CHARS, _MAX_FIELDS = 32_000, 200, 40
_SEAL_CHARS = 8
_AMOUNT = re.compile(r"([0-9]{1,12})(?:\.0{1,2})?")
_CODE = re.compile(r"[0-9A-Z-]{1,40}")


def read(request: CallbackRequest, config: BidvConfig, *, provider: str) -> Notice | BillLookup:
    """Raises CallbackRefused, with the bank's own code for it in the context."""
    _check_caller(request, config)
    fields = _read_fields(request.untrusted_body)
    last = request.path.rpartition("/")[2].lower()
    pays = last == "paybill" or (last != "getbill" and "transid" in fields)
    return (
        _read_paybill(fields, config, request=request, provider=provider)
        if pays
        else _read_getbill(fields, config)
    )


def plain_code(asked: str, prefix: str) -> str:
    """The code itself, of what a payer typed or an account number holds."""
    code = asked.strip().upper().replace(" ", "")
    return code.removeprefix(prefix) if prefix and len(code) > len(prefix) else code


def make_bill_id(code: str, config: BidvConfig) -> str:
    """`code` and a seal of ours. Most checksums leave the bill out: with the seal nobody on the
    way can turn a payment to another bill.
    """
    return f"{code}-{_seal(code, config)}" if config.seals_bills else code


def open_bill_id(bill: str, config: BidvConfig) -> str:
    """Raises BadSignature for a bill we never named so, MalformedCallback."""
    code, _, seal = bill.upper().rpartition("-") if config.seals_bills else (bill.upper(), "", "")
    if _CODE.fullmatch(code) is None:
        raise _malformed("a bill of another form")
    if config.seals_bills:
        check_signature(seal, _seal(code, config), context={RESULT: UNKNOWN_BILL})
    return code


def _seal(code: str, config: BidvConfig) -> str:
    key = config.secret.reveal()
    return hmac_hex("sha256", key, f"bill|{config.service_id}|{code}")[:_SEAL_CHARS].upper()


def _check_caller(request: CallbackRequest, config: BidvConfig) -> None:
    if config.callers:
        try:
            address = ip_address(request.remote_address)
        except ValueError:
            raise BadSignature("no address of a caller", context={RESULT: LOGIN}) from None
        if not any(address in network for network in config.callers):
            raise BadSignature("called from elsewhere", context={RESULT: LOGIN})
    if config.bearer is not None:
        given = request.headers.get("authorization", "")
        check_signature(given, f"Bearer {config.bearer.reveal()}", context={RESULT: LOGIN})


def _read_fields(untrusted_body: bytes) -> Mapping[str, str]:
    """By names in lower case without underscores."""
    if len(untrusted_body) > _MAX_BYTES:
        raise _malformed("too large")
    try:
        content = json.loads(untrusted_body)
    except (ValueError, RecursionError):
        raise _malformed("not JSON") from None
    if not isinstance(content, dict) or len(content) > _MAX_FIELDS:
        raise _malformed("not a JSON object")
    fields: dict[str, str] = {}
    for name, value in content.items():
        text = _read_text(value)
        key = name.lower().replace("_", "")
        if text is not None and fields.setdefault(key, text) != text:
            raise _malformed("one field twice")
    return fields


def _read_text(value: Any) -> str | None:
    """None for what is no text and no whole number: nothing we read."""
    if type(value) is int:
        value = str(value) if abs(value) < 10**20 else ""
    if not isinstance(value, str) or len(value) > _MAX_CHARS or not value.isprintable():
        return None
    return value.strip() or None


def _read_getbill(fields: Mapping[str, str], config: BidvConfig) -> BillLookup:
    service, customer = _required(fields, "serviceid"), _required(fields, "customerid")
    _check(
        fields,
        config,
        getbill_checksum(
            config.checksum, config.secret.reveal(), service=service, customer=customer
        ),
    )
    _check_service(service, config)
    return BillLookup(
        code=plain_code(customer, config.account_prefix),
        context={"customer_id": customer, "service_id": service},
    )


def _read_paybill(
    fields: Mapping[str, str], config: BidvConfig, *, request: CallbackRequest, provider: str
) -> Notice:
    transaction, amount_text = _required(fields, "transid"), _required(fields, "amount")
    service = _required(fields, "serviceid")
    bill = _required(fields, "billid")
    _check(
        fields,
        config,
        paybill_checksum(
            config.checksum,
            config.secret.reveal(),
            transaction=transaction,
            bill=bill,
            amount=amount_text,
        ),
    )
    _check_service(service, config)
    code = open_bill_id(bill, config)
    amount = _AMOUNT.fullmatch(amount_text)
    if amount is None or int(amount[1]) == 0:
        raise _malformed("an amount of another form")
    credit = Credit(
        provider=provider,
        account=config.service_id,
        transaction_id=transaction,
        bank_reference=transaction,
        amount=Money(int(amount[1])),
        # trans_date is in no checksum, and nobody shows its form: the time is ours.
        paid_at=request.received_at,
        # The bill is ours and not one attempt of it: found as any code in a memo is.
        memo=code,
    )
    return Notice(kind=NoticeKind.CREDIT, credits=(credit,), asks=config.refused_goes_back)


def _check(fields: Mapping[str, str], config: BidvConfig, expected: str) -> None:
    given = _required(fields, "checksum")
    if config.checksum is ChecksumForm.MD5:
        given = given.lower()
    check_signature(given, expected, context={RESULT: WRONG_CHECKSUM})


def _check_service(service: str, config: BidvConfig) -> None:
    if service != config.service_id:
        raise NotOurs("another service", context={RESULT: WRONG_SERVICE})


def _required(fields: Mapping[str, str], name: str) -> str:
    value = fields.get(name)
    if value is None:
        raise _malformed(f"{name} is missing")
    return value


def _malformed(message: str) -> MalformedCallback:
    return MalformedCallback(message, context={RESULT: MISSING})
