"""One TOML file names the providers of a hospital, in the order patients are offered them.

    [[provider]]
    name = "bidv"                     # part of the callbacks' address: /payments/bidv/…
    kind = "vietqr_bank"
    label_vi = "Ngân hàng (VietQR)"
    label_en = "Bank app (VietQR)"
    [provider.settings]
    bin = "970418"
    account = "1200000000001"
    secret = { file = "/etc/tiepdon/bank-feed-secret" }

Secrets stand in files of their own or in the environment (`payments.secrets`).
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from payments.errors import ProviderMisconfigured

_MAX_BYTES = 256_000
_NAME = re.compile(r"[a-z][a-z0-9_]{0,31}")


@dataclass(frozen=True, kw_only=True)
class ProviderEntry:
    """`offered` False: callbacks and statements are read, patients are not offered it."""

    name: str
    kind: str
    label_vi: str
    label_en: str
    offered: bool = True
    settings: Mapping[str, Any] = field(default_factory=dict, repr=False)


def read_config_file(path: Path) -> tuple[ProviderEntry, ...]:
    """Raises ProviderMisconfigured when the file cannot be read or has another shape."""
    try:
        content = path.read_bytes()[: _MAX_BYTES + 1]
        if len(content) > _MAX_BYTES:
            raise ProviderMisconfigured(f"{path.name} is too large")
        document = tomllib.loads(content.decode())
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ProviderMisconfigured(f"{path.name} cannot be read: {error}") from error
    entries = document.pop("provider", [])
    if document or not isinstance(entries, list) or not entries:
        raise ProviderMisconfigured(f"{path.name} takes [[provider]] tables, nothing else")
    return tuple(_read_entry(entry, path.name) for entry in entries)


def _read_entry(entry: Any, file: str) -> ProviderEntry:
    known = {"name", "kind", "label_vi", "label_en", "offered", "settings"}
    if not isinstance(entry, dict) or not {"name", "kind"} <= set(entry) <= known:
        raise ProviderMisconfigured(f"{file}: a provider takes {', '.join(sorted(known))}")
    name, kind = entry["name"], entry["kind"]
    if not isinstance(name, str) or _NAME.fullmatch(name) is None or not isinstance(kind, str):
        raise ProviderMisconfigured(f"{file}: a name takes a-z, 0-9 and _, at most 32")
    labels = [entry.get(label, name) for label in ("label_vi", "label_en")]
    settings, offered = entry.get("settings", {}), entry.get("offered", True)
    if not all(isinstance(label, str) and 0 < len(label) <= 40 for label in labels):
        raise ProviderMisconfigured(f"{file}: a label has 1 to 40 characters")
    if not isinstance(settings, dict) or not isinstance(offered, bool):
        raise ProviderMisconfigured(f"{file}: {name} has settings of another kind")
    return ProviderEntry(
        name=name,
        kind=kind,
        label_vi=labels[0],
        label_en=labels[1],
        offered=offered,
        settings=settings,
    )
