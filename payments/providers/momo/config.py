"""Settings of MoMo, as its merchant portal (M4B) gives them."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from payments.secrets import SecretSetting
from payments.settings import AddressSetting


class MomoConfig(BaseModel):
    """`callback_url`: where MoMo reaches `/payments/<name>` of this house, without a query."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)

    base_url: AddressSetting = "https://test-payment.momo.vn"
    partner_code: Annotated[str, Field(pattern=r"^[A-Za-z0-9_]{1,50}$")]
    access_key: SecretSetting
    secret_key: SecretSetting
    callback_url: Annotated[AddressSetting, Field(pattern=r"^[^?#]+$")]
    return_url: Annotated[str, Field(pattern=r"^https?://[^\s]{1,250}$")] | None = None
    """Where MoMo sends a browser afterwards; a kiosk has none, and it confirms nothing."""
    order_info: Annotated[str, Field(min_length=1, max_length=255)] = "Thanh toan vien phi"
    """What the payer reads. Nothing of a person."""
    ca_file: str | None = None
