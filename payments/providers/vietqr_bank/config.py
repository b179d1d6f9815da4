"""Settings of one account.

    [provider.settings]
    bin = "970418"
    account = "1200000000001"
    holder = "BENH VIEN DA KHOA MAU"
    # money that comes is told to us (docs/decisions/0028-bank-feed.md)
    secret = { file = "/etc/tiepdon/bank-feed-secret" }
    # and can be asked for
    [provider.settings.feed]
    base_url = "https://relay.hospital.example/bank"
    token = { file = "/etc/tiepdon/bank-feed-token" }

Without `secret` and `feed` the QR is shown all the same, and money is found in statements only.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from payments.match_codes import LENGTH
from payments.secrets import SecretSetting
from payments.settings import read_settings
from payments.transfers import AccountConfig

_PREFIX = re.compile(r"[0-9A-Z]{1,8}")
ATTEMPT_DIGITS = 2


class FeedConfig(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)

    base_url: str
    token: SecretSetting
    ca_file: str | None = None


class VietQrBankConfig(AccountConfig):
    """`virtual_prefix`: the bank takes money for any account that begins so, and names it in its
    feed; then each attempt has an account number of its own: prefix, code, attempt.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)

    secret: SecretSetting | None = None
    previous_secret: SecretSetting | None = None
    """Is taken too while the bank changes over to the new one."""
    feed: FeedConfig | None = None
    virtual_prefix: str = ""
    lifetime_s: int = Field(default=600, ge=60, le=3600)
    max_vnd: int = Field(default=499_999_999, ge=1_000)
    list_fresh_s: float = Field(default=1.0, ge=0, le=60)
    """One list of the feed serves for so long all who ask."""

    @field_validator("virtual_prefix")
    @classmethod
    def _check_prefix(cls, prefix: str) -> str:
        if prefix and _PREFIX.fullmatch(prefix) is None:
            most = 19 - LENGTH - ATTEMPT_DIGITS
            raise ValueError(f"1 to {most} of A-Z and 0-9")
        return prefix

    @model_validator(mode="after")
    def _check_together(self) -> VietQrBankConfig:
        if self.feed is not None and self.secret is None:
            raise ValueError("feed needs secret: its lists are signed")
        if self.previous_secret is not None and self.secret is None:
            raise ValueError("previous_secret needs secret")
        return self


def read_config(name: str, settings: Mapping[str, Any]) -> VietQrBankConfig:
    """Raises ProviderMisconfigured."""
    return read_settings(VietQrBankConfig, name, settings)
