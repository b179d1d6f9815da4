"""One TOML file names the adapter of a hospital and its settings.

    adapter = "fhir_r4"

    [settings]
    base_url = "https://his.example.vn/fhir"
    token_file = "/etc/tiepdon/his-token"

    [certify]
    marker_patient = "099190000001"

Secrets stand in files of their own, which settings ending in `_file` name.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from his_adapter.errors import GatewayMisconfigured

_MAX_BYTES = 256_000


@dataclass(frozen=True, kw_only=True)
class HisConfig:
    """`settings` go to the adapter as they are, `certify` to the conformance kit."""

    adapter: str
    settings: Mapping[str, Any] = field(default_factory=dict, repr=False)
    certify: Mapping[str, Any] = field(default_factory=dict)


def read_config_file(path: Path) -> HisConfig:
    """Raises GatewayMisconfigured when the file cannot be read or has another shape."""
    try:
        content = path.read_bytes()[: _MAX_BYTES + 1]
        if len(content) > _MAX_BYTES:
            raise GatewayMisconfigured(f"{path.name} is too large")
        document = tomllib.loads(content.decode())
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise GatewayMisconfigured(f"{path.name} cannot be read: {error}") from error
    adapter = document.pop("adapter", None)
    settings, certify = document.pop("settings", {}), document.pop("certify", {})
    if not isinstance(adapter, str) or not adapter:
        raise GatewayMisconfigured(f"{path.name} names no adapter")
    if not isinstance(settings, dict) or not isinstance(certify, dict) or document:
        raise GatewayMisconfigured(
            f"{path.name} takes adapter, [settings] and [certify], nothing else"
        )
    return HisConfig(adapter=adapter, settings=settings, certify=certify)
