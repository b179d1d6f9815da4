"""Settings of one account that is linked at Casso.

[provider.settings]
bin = "970418"
account = "1200000000001"
holder = "BENH VIEN DA KHOA MAU"
secret = { file = "/etc/tiepdon/casso-secret" }     # "key bảo mật" of the webhook v2
[provider.settings.api]
base_url = "https://oauth.casso.vn/v2"
key = { file = "/etc/tiepdon/casso-api-key" }
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from payments.secrets import SecretSetting
from payments.settings import read_settings
from payments.transfers import AccountConfig


class ApiConfig(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)

    base_url: str
    key: SecretSetting
    ca_file: str | None = None


class CassoConfig(AccountConfig):
    """`account` is the account or a virtual one, as Casso names it in its webhooks."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)

    secret: SecretSetting
    api: ApiConfig | None = None
    lifetime_s: int = Field(default=600, ge=60, le=3600)
    max_vnd: int = Field(default=499_999_999, ge=1_000)
    list_fresh_s: float = Field(default=2.0, ge=0, le=60)


def read_config(name: str, settings: Mapping[str, Any]) -> CassoConfig:
    """Raises ProviderMisconfigured."""
    return read_settings(CassoConfig, name, settings)
