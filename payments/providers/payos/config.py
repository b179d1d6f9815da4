"""Settings of payOS, as its channel of payment gives them."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from payments.secrets import SecretSetting
from payments.settings import AddressSetting


class PayosConfig(BaseModel):
    """The address of callbacks is not here: payOS is told once (`confirm_webhook`)."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)

    base_url: AddressSetting = "https://api-merchant.payos.vn"
    client_id: Annotated[str, Field(pattern=r"^[A-Za-z0-9-]{1,64}$")]
    api_key: SecretSetting
    checksum_key: SecretSetting
    bin: Annotated[str, Field(pattern=r"^[0-9]{6}$")]
    """Of the bank the hospital linked: no QR of another bank is shown."""
    account: Annotated[str, Field(pattern=r"^[0-9A-Za-z]{1,19}$")] | None = None
    """The linked account. Left out where payOS makes a virtual account for each order."""
    return_url: Annotated[str, Field(pattern=r"^https?://[^\s]{1,240}$")]
    """Where payOS sends a browser afterwards; a kiosk has none, and it confirms nothing."""
    lifetime_s: Annotated[int, Field(ge=120, le=3_600)] = 600
    min_vnd: Annotated[int, Field(ge=1_000)] = 2_000
    max_vnd: Annotated[int, Field(le=499_999_999)] = 499_999_999
    ca_file: str | None = None
