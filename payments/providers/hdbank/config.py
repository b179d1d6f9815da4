"""Settings of HDBank's dynamic QR.

[provider.settings]
base_url = "https://…"
merchant_id = "79032"
secret = { file = "/etc/tiepdon/hdbank-secret" }
ipn_url = "https://kiosk.example/payments/hdbank"
account_prefix = "PEB"
holder = "BENH VIEN DEMO"
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from payments.errors import ProviderMisconfigured
from payments.http import check_address
from payments.secrets import SecretSetting

BIN = "970437"


def _check_url(address: str) -> str:
    try:
        return check_address(address)
    except ProviderMisconfigured as error:
        raise ValueError(str(error)) from None


class HdbankConfig(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)

    base_url: Annotated[str, AfterValidator(_check_url)]
    merchant_id: Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z_.-]{1,64}$")]
    secret: SecretSetting
    ipn_url: Annotated[str, AfterValidator(_check_url)] | None = None
    """Sent along with each order; None: the bank has it on record."""
    account_prefix: Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z]{1,18}$")]
    """How every account begins that the bank makes QRs of for this hospital."""
    holder: Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z .,-]{1,70}$")]
    """The hospital as a payer's app shows it."""
    sign_form: Literal["hex", "base64"] = "hex"
    sends_timeout: bool = False
    """`transactionTimeout` stands in an example of the document, not among its fields."""
    read_s: Annotated[float, Field(gt=0, le=60)] = 10.0
    lifetime_s: Annotated[int, Field(ge=60, le=86_400)] = 600
    max_vnd: Annotated[int, Field(gt=0)] = 499_999_999
