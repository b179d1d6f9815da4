"""Settings of ZaloPay, as its merchant portal gives them."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from payments.secrets import SecretSetting
from payments.settings import AddressSetting


class ZalopayConfig(BaseModel):
    """`key1` signs what we ask, `key2` what ZaloPay tells."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)

    base_url: AddressSetting = "https://sb-openapi.zalopay.vn/v2"
    app_id: Annotated[int, Field(gt=0, strict=True)]
    key1: SecretSetting
    key2: SecretSetting
    callback_url: AddressSetting
    app_user: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,50}$")] = "kiosk"
    """A name of ours for whoever pays, never that of a patient."""
    description: Annotated[str, Field(min_length=1, max_length=200)] = "Thanh toan vien phi"
    bank_code: Annotated[str, Field(max_length=20)] = "zalopayapp"
    """Empty: the payer chooses among all ways ZaloPay offers."""
    lifetime_s: Annotated[int, Field(ge=300, le=3_600)] = 600
    min_vnd: Annotated[int, Field(ge=1_000)] = 1_000
    max_vnd: Annotated[int, Field(le=499_999_999)] = 50_000_000
    """Both by contract."""
    ca_file: str | None = None
