from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from his_adapter.bhxh.config import SITES, read_config, read_password_md5
from his_adapter.bhxh.gateway import BhxhInsurer, open_insurer
from his_adapter.errors import GatewayMisconfigured
from his_adapter.models import CoverageOutcome
from tests.factories.bhxh import PASSWORD_MD5, settings


def test_a_site_or_an_address() -> None:
    for site, address in SITES.items():
        assert read_config(settings("") | {"base_url": None, "site": site}).address == address
        assert address.startswith("https://")


@pytest.mark.parametrize(
    "changes",
    [
        {"base_url": "http://egw.baohiemxahoi.gov.vn"},
        {"base_url": "ftp://localhost"},
        {"base_url": "https://user:secret@example.vn"},
        {"base_url": "https://example.vn/?token=secret"},
        {"base_url": None},
        {"site": "production"},
        {"facility_code": "9900"},
        {"employee": {"full_name": "", "cccd": "099185000009"}},
        {"employee": {"full_name": "Trần", "cccd": "secret"}},
        {"outcomes": {"123": "perhaps"}},
        {"outcomes": {"12": "later"}},
        {"unknown": "secret"},
        {"connect_timeout_s": 0},
    ],
)
def test_what_cannot_be_used_stops_the_start_without_its_value(changes: dict[str, Any]) -> None:
    with pytest.raises(GatewayMisconfigured) as raised:
        read_config(settings("https://example.vn") | changes)
    assert "secret" not in str(raised.value)
    assert raised.value.__cause__ is None


def test_a_code_may_mean_something_else_here() -> None:
    config = read_config(settings("https://example.vn", outcomes={"123": "later"}))
    assert config.outcome_table()["123"] is CoverageOutcome.LATER
    assert config.outcome_table()["110"] is CoverageOutcome.NONE


@pytest.mark.parametrize(
    ("content", "is_md5"), [("Demo@12345\n", False), (PASSWORD_MD5.lower(), True)]
)
def test_the_password_leaves_as_upper_case_md5(tmp_path: Path, content: str, is_md5: bool) -> None:
    file = tmp_path / "password"
    file.write_text(content)
    given = settings("https://example.vn", password_file=str(file), password_is_md5=is_md5)
    assert read_password_md5(read_config(given)) == "FD4893545FECCC2DB59E437B0D240858"
    assert isinstance(open_insurer(given), BhxhInsurer)


@pytest.mark.parametrize("content", [None, b"", b"\xff\xfe", b"x" * 2000])
def test_a_password_file_that_cannot_be_used(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "password"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(GatewayMisconfigured):
        read_password_md5(read_config(settings("https://example.vn", password_file=str(file))))


def test_nothing_secret_in_a_repr() -> None:
    config = read_config(settings("https://example.vn"))
    assert "099185000009" not in repr(config)
    assert "Trần" not in repr(config)
