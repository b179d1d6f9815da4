"""Settings of one account that is linked at SePay.

[provider.settings]
bin = "970418"
account = "1200000000001"
holder = "BENH VIEN DA KHOA MAU"
secret = { file = "/etc/tiepdon/sepay-secret" }     # HMAC key of the webhook
allowed_addresses = ["172.236.138.20"]               # as SePay publishes them
[provider.settings.api]
base_url = "https://userapi.sepay.vn/v2"
token = { file = "/etc/tiepdon/sepay-token" }
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from ipaddress import ip_network
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from payments.secrets import SecretSetting
from payments.settings import read_settings
from payments.transfers import AccountConfig


class Auth(StrEnum):
    """How a webhook shows that it is SePay's, as chosen there. Only HMAC signs the content."""

    HMAC = "hmac"
    API_KEY = "api_key"
    OAUTH2 = "oauth2"
    NONE = "none"


def _check_network(text: str) -> str:
    ip_network(text)
    return text


class ApiConfig(BaseModel):
    """`bank_account_id`: SePay's own name of the account, for orders with virtual accounts."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)

    base_url: str
    token: SecretSetting
    bank_account_id: str = ""
    ca_file: str | None = None


class SepayConfig(AccountConfig):
    """`secret` is the HMAC key, the API key or the OAuth2 client secret, as `auth` has it.

    What is not signed is asked for before it is booked: needs `api`, and `code_prefix`, the two
    letters of the hospital's own codes, to know which order to ask about.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)

    auth: Auth = Auth.HMAC
    secret: SecretSetting | None = None
    client_id: str = ""
    allowed_addresses: tuple[Annotated[str, AfterValidator(_check_network)], ...] = ()
    code_prefix: str = Field(default="", pattern=r"^([A-Z]{2})?$")
    api: ApiConfig | None = None
    va_orders: bool = False
    lifetime_s: int = Field(default=600, ge=60, le=3600)
    max_vnd: int = Field(default=499_999_999, ge=1_000)
    list_fresh_s: float = Field(default=1.0, ge=0, le=60)

    @model_validator(mode="after")
    def _check_together(self) -> SepayConfig:
        if self.auth is Auth.NONE and not self.allowed_addresses:
            raise ValueError("auth none needs allowed_addresses")
        if self.auth is not Auth.NONE and self.secret is None:
            raise ValueError(f"auth {self.auth.value} needs secret")
        if self.auth is Auth.OAUTH2 and not self.client_id:
            raise ValueError("auth oauth2 needs client_id")
        if self.auth is not Auth.HMAC and (self.api is None or not self.code_prefix):
            raise ValueError(f"auth {self.auth.value} signs nothing: needs api and code_prefix")
        if self.va_orders and (self.api is None or not self.api.bank_account_id):
            raise ValueError("va_orders needs api.bank_account_id")
        return self


def read_config(name: str, settings: Mapping[str, Any]) -> SepayConfig:
    """Raises ProviderMisconfigured."""
    return read_settings(SepayConfig, name, settings)
