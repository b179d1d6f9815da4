"""Settings of VNPAY, as they come with the contract."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from payments.secrets import SecretSetting
from payments.settings import AddressSetting


class VnpayConfig(BaseModel):
    """The address of notices (IPN) is not here: VNPAY keeps it for each terminal."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)

    pay_url: AddressSetting = "https://sandbox.vnpayment.vn/paymentv2/vpcpay.html"
    api_url: AddressSetting = "https://sandbox.vnpayment.vn/merchant_webapi/api/transaction"
    tmn_code: Annotated[str, Field(pattern=r"^[A-Za-z0-9]{8}$")]
    hash_secret: SecretSetting
    return_url: Annotated[str, Field(pattern=r"^https?://[^\s]{1,240}$")]
    """Where VNPAY sends a browser afterwards; a kiosk has none, and it confirms nothing."""
    ip_address: Annotated[str, Field(pattern=r"^[0-9a-fA-F.:]{2,45}$")] = "127.0.0.1"
    """Of this server, as VNPAY sees it."""
    order_info: Annotated[str, Field(pattern=r"^[A-Za-z0-9 ]{1,200}$")] = "Thanh toan vien phi"
    """Letters, digits and blanks: everything else is written differently by different languages,
    and the signature would not match.
    """
    lifetime_s: Annotated[int, Field(ge=300, le=3_600)] = 900
    min_vnd: Annotated[int, Field(ge=1_000)] = 5_000
    max_vnd: Annotated[int, Field(le=9_999_999_999)] = 499_999_999
    """Both by contract."""
    ca_file: str | None = None
