"""Settings of the four as their pages show them, and what stops the start."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from payments import secrets
from payments.config_file import ProviderEntry, read_config_file
from payments.errors import ProviderMisconfigured
from payments.registry import open_provider

NAMES = ("momo", "zalopay", "vnpay", "payos")
PAGES = Path(__file__).parents[4] / "docs" / "how-to"


def clock() -> datetime:
    return datetime(2026, 11, 20, tzinfo=UTC)


@pytest.fixture(params=NAMES)
def entry(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> ProviderEntry:
    monkeypatch.setattr(secrets, "_read_file", lambda path: f"kept in {path.name}")
    page = (PAGES / f"thanh-toan-{request.param}.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)
    path = tmp_path / "payments.toml"
    path.write_text(block, encoding="utf-8")
    (entry,) = read_config_file(path)
    return entry


def test_the_page_shows_settings_that_work(entry: ProviderEntry) -> None:
    provider = open_provider(entry.kind, entry.name, entry.settings, clock=clock)
    try:
        assert provider.features().pushes
        assert "kept in" not in repr(provider)
    finally:
        provider.close()


def refuse(entry: ProviderEntry, **changes: Any) -> str:
    settings = {**entry.settings, **changes}
    with pytest.raises(ProviderMisconfigured) as raised:
        open_provider(entry.kind, entry.name, settings, clock=clock)
    return str(raised.value)


def test_a_fault_names_the_field_and_never_the_value(entry: ProviderEntry) -> None:
    assert "unheard_of" in refuse(entry, unheard_of="hidden-value")
    for field in set(entry.settings) - {"min_vnd", "max_vnd"}:
        told = refuse(entry, **{field: {"value": "hidden-value"}})
        assert field in told
        assert "hidden-value" not in told


def test_addresses_take_https_off_this_machine(entry: ProviderEntry) -> None:
    for field in {"base_url", "pay_url", "api_url", "callback_url"} & set(entry.settings):
        for address in ("http://provider.example", "https://user:hidden@provider.example", "x"):
            told = refuse(entry, **{field: address})
            assert field in told
            assert "hidden" not in told


def test_a_secret_written_into_the_settings_is_refused(entry: ProviderEntry) -> None:
    fields = [name for name, value in entry.settings.items() if isinstance(value, dict)]
    assert fields
    for field in fields:
        assert "written-here" not in refuse(entry, **{field: "written-here"})
