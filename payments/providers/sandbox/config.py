"""Settings of the sandbox. All have a default: `settings = {}` is enough."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from payments.models import MethodKind
from payments.providers.sandbox.scripts import Script
from payments.secrets import Secret, SecretSetting


class SandboxConfig(BaseModel):
    """`scripts`: what an amount that ends in these digits leads to; `otherwise`: any other.

    With `pushes = false` nothing is ever called back and money is found by asking only.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)

    kind: MethodKind = MethodKind.BANK_QR
    secret: SecretSetting = Secret("sandbox")  # signs nothing but play money
    account: str = "SANDBOX"
    by_amount: bool = True
    otherwise: Script = Script.NEVER
    after_s: Annotated[float, Field(ge=0)] = 3.0
    lifetime_s: Annotated[int, Field(gt=0)] = 600
    min_vnd: Annotated[int, Field(gt=0)] = 1_000
    max_vnd: Annotated[int, Field(gt=0)] = 499_999_999
    pushes: bool = True
    can_query: bool = True
    can_cancel: bool = True
    can_refund: bool = True
    lists_credits: bool = True
    refunds_pend: bool = False
    """Refunds stay PROCESSING until `finish_refund`."""
