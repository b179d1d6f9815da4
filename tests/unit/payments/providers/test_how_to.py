"""Settings that the how-to pages show can be used as they stand, once the secrets are there."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from payments.providers.bidv.emulated_signing import new_key_and_certificate
from payments.registry import open_provider, system_clock

PAGES = Path(__file__).parents[4] / "docs" / "how-to"
_BLOCK = re.compile(r"^```toml\n(.*?)^```", re.MULTILINE | re.DOTALL)


def blocks(page: str) -> list[str]:
    return _BLOCK.findall((PAGES / page).read_text(encoding="utf-8"))


def with_secrets(settings: Any, folder: Path) -> Any:
    """The same settings, each secret in a file that is there."""
    if not isinstance(settings, dict):
        return settings
    if set(settings) == {"file"}:
        name = Path(settings["file"]).name
        _, key, certificate = new_key_and_certificate("US", system_clock())
        content = {"pem": certificate.decode()}.get(name.rpartition(".")[2], "invented")
        if "our-key" in name:
            content = key.decode()
        if "shared-key" in name:
            content = "0" * 64
        (folder / name).write_text(content)
        return {"file": str(folder / name)}
    return {key: with_secrets(value, folder) for key, value in settings.items()}


@pytest.mark.parametrize("kind", ["bidv", "hdbank"])
def test_the_page_of_a_provider(kind: str, tmp_path: Path) -> None:
    (entry,) = tomllib.loads(blocks(f"thanh-toan-{kind}.md")[0])["provider"]
    assert entry["kind"] == kind
    settings = with_secrets(entry["settings"], tmp_path)
    open_provider(kind, entry["name"], settings).close()


def test_bidv_with_its_open_api(tmp_path: Path) -> None:
    first, second = blocks("thanh-toan-bidv.md")
    more = tomllib.loads(second)
    (entry,) = tomllib.loads(first)["provider"]
    gate = more.pop("provider")["settings"]["paygate"] | {"client_id": "demo"}
    settings = with_secrets(entry["settings"] | more | {"paygate": gate}, tmp_path)
    open_provider("bidv", "bidv", settings).close()


def test_the_overview(tmp_path: Path) -> None:
    entries = tomllib.loads(blocks("thanh-toan-tong-quan.md")[0])["provider"]
    assert [entry["kind"] for entry in entries] == ["bidv", "momo"]
    settings = with_secrets(entries[0]["settings"], tmp_path)
    open_provider("bidv", "bidv", settings).close()
