"""Settings of BIDV. What the hospital's document from the bank says, goes here.

[provider.settings]
service_id = "123000"
secret = { file = "/etc/tiepdon/bidv-secret" }
checksum = "hmac_bar"
merchant_name = "BENH VIEN DEMO"
qr = "virtual_account"
account_prefix = "V3DEMO"
callers = ["203.0.113.0/24"]

[provider.settings.paygate]          # only with qr = "paygate", or for reconciliation
base_url = "https://openapi.bidv.com.vn/bidv/service"
merchant_id = "DEMOMID"
client_id = "…"
client_secret = { file = "/etc/tiepdon/bidv-client-secret" }
"""

from __future__ import annotations

import re
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network
from typing import Annotated, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
)

from payments.errors import ProviderMisconfigured
from payments.http import check_address
from payments.providers.bidv.signing import ChecksumForm
from payments.secrets import Secret, SecretSetting

BIN = "970418"
_ID = StringConstraints(pattern=r"^[0-9A-Za-z_.-]{1,64}$")
# Two letters and a digit at least: the whole account has at most 19 signs, a match code has 9.
_PREFIX = StringConstraints(pattern=r"^[0-9A-Z]{0,10}$")
_ASCII = StringConstraints(pattern=r"^[0-9A-Za-z .,-]{1,70}$")
_HEX_256 = re.compile(r"[0-9A-Fa-f]{64}")
_FROZEN = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)


class QrSource(StrEnum):
    """Where the QR comes from. NONE: the payer types the code in the bank's app."""

    NONE = "none"
    VIRTUAL_ACCOUNT = "virtual_account"
    """Made here, for the account `account_prefix` + code, which the bank asks us about."""
    PAYGATE = "paygate"


class BillShape(StrEnum):
    """Of `data` in the answer to getbill: bills within periods, or bills alone."""

    NESTED = "nested"
    FLAT = "flat"


def _check_url(address: str) -> str:
    try:
        return check_address(address)
    except ProviderMisconfigured as error:
        raise ValueError(str(error)) from None


def _check_key(key: Secret) -> Secret:
    if _HEX_256.fullmatch(key.reveal()) is None:
        raise ValueError("the shared key is 64 hexadecimal digits")
    return key


class PaygateConfig(BaseModel):
    """The open API. Bodies are plain JSON until `symmetric_key` and `private_key` are given."""

    model_config = _FROZEN

    base_url: Annotated[str, AfterValidator(_check_url)] = (
        "https://openapi.bidv.com.vn/bidv/service"
    )
    client_id: Annotated[str, _ID]
    client_secret: SecretSetting
    merchant_id: Annotated[str, _ID]
    scope: str = "read"
    channel: Annotated[str, _ASCII] = "TIEPDON"
    user_agent: Annotated[str, _ASCII] = "tiepdon"
    interaction_id: Literal["digits", "uuid"] = "digits"
    """Of each request, in its header: twelve digits in one integration, a UUID in another."""
    symmetric_key: Annotated[SecretSetting, AfterValidator(_check_key)] | None = None
    encryption: Literal["A128CBC-HS256", "A128GCM"] = "A128CBC-HS256"
    private_key: SecretSetting | None = None
    certificate: SecretSetting | None = None
    """Ours, PEM, sent along with each request. No secret, but kept in a file as they are."""
    jws: Literal["detached", "compact"] = "detached"
    bank_certificate: SecretSetting | None = None
    """PEM. Once it is given, a reply without the bank's signature is refused."""
    read_s: Annotated[float, Field(gt=0, le=60)] = 15.0
    opens_accounts: bool = False
    """Each code's account is opened before its QR is made."""
    reads_files: bool = True
    """Reconciliation is asked for; part of some contracts only."""
    file_day_offset: Annotated[int, Field(ge=0, le=1)] = 1
    """The file asked for on a day holds the day before: seen in one integration."""
    file_transaction_field: Annotated[int, Field(ge=0, le=30)] = 20
    """Where a line holds the trans_id of paybill, counted from 0."""


class BidvConfig(BaseModel):
    model_config = _FROZEN

    service_id: Annotated[str, _ID]
    secret: SecretSetting
    """secretCode of the contract: of checksums both ways, and of secureCode."""
    checksum: ChecksumForm
    merchant_name: Annotated[str, _ASCII]
    """ASCII; shown to the payer in place of a customer's name: nothing of a patient leaves."""
    qr: QrSource = QrSource.NONE
    account_prefix: Annotated[str, _PREFIX] = ""
    """What stands before the code in an account number; the bank may ask with or without it."""
    bill_shape: BillShape = BillShape.NESTED
    bill_type: Literal["1", "2"] = "1"
    """`1`: the listed amount and no other; `2`: the payer may change it."""
    seals_bills: bool = True
    """A bill is named with a seal of ours, nine signs longer, since most checksums leave it out."""
    refused_goes_back: bool = True
    """A paybill we refuse is paid back to the customer by the bank: to be asked. True: what is not
    just what is due is refused, and nothing of it booked. False: the money is here whatever we say,
    so it is booked or held; a part counts as received.
    """
    callers: tuple[IPv4Network | IPv6Network, ...] = ()
    """Networks the bank calls from. Empty: whoever has the secret."""
    bearer: SecretSetting | None = None
    """A fixed token the bank sends in `Authorization`, where that was agreed."""
    http_status_speaks: bool = False
    """Refusals are answered 400 instead of 200 with their result_code."""
    lifetime_s: Annotated[int, Field(ge=60, le=86_400)] = 900
    max_vnd: Annotated[int, Field(gt=0)] = 499_999_999
    paygate: PaygateConfig | None = None

    @model_validator(mode="after")
    def _check_whole(self) -> Self:
        if self.qr is QrSource.PAYGATE and self.paygate is None:
            raise ValueError('qr = "paygate" needs a table [provider.settings.paygate]')
        if self.qr is QrSource.VIRTUAL_ACCOUNT and not self.account_prefix:
            raise ValueError('qr = "virtual_account" needs account_prefix')
        gate = self.paygate
        if gate is not None and gate.symmetric_key is not None and gate.private_key is None:
            raise ValueError("paygate.symmetric_key needs paygate.private_key")
        return self
