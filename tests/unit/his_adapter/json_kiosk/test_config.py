from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from his_adapter.errors import GatewayMisconfigured
from his_adapter.json_kiosk.config import read_settings
from his_adapter.json_kiosk.gateway import open_gateway
from his_adapter.models import IdentifierKind
from tests.contract.test_json_kiosk import make_settings


def test_a_hospital_needs_little(tmp_path: Path) -> None:
    settings = read_settings(make_settings("https://his.example.vn/kiosk/", tmp_path))
    assert settings.base_url == "https://his.example.vn/kiosk"
    assert settings.people_rules().documents[IdentifierKind.ID12] == "CCCD"
    assert settings.read_secret().decode() not in repr(settings)


@pytest.mark.parametrize(
    "changes",
    [
        {"base_url": "http://his.example.vn"},
        {"base_url": "ftp://his.example.vn"},
        {"base_url": "his"},
        {"merchant_id": ""},
        {"extension": ["keys"]},
        {"extensions": ["magic"]},
        {"facility": {}},
        {"secret_file": "/nowhere"},
        {"genders": {"male": "one"}},
        {"addresses_file": "/nowhere"},
        {"read_timeout_s": 0},
    ],
)
def test_settings_that_cannot_be_used_stop_the_start(
    tmp_path: Path, changes: dict[str, Any]
) -> None:
    with pytest.raises(GatewayMisconfigured):
        open_gateway({**make_settings("https://his.example.vn", tmp_path), **changes})


def test_an_empty_secret_is_none(tmp_path: Path) -> None:
    settings = make_settings("https://his.example.vn", tmp_path)
    (tmp_path / "secret").write_bytes(b" \n")
    with pytest.raises(GatewayMisconfigured):
        open_gateway(settings)


def test_the_table_of_addresses_is_the_hospitals(tmp_path: Path) -> None:
    table = tmp_path / "addresses.csv"
    table.write_text('ending,province,district,ward\n"Phường Mẫu, Tỉnh Thử",99,,99001\n')
    settings = make_settings("https://his.example.vn", tmp_path, addresses_file=str(table))
    (codes,) = read_settings(settings).people_rules().addresses
    assert (codes.ending, codes.district, codes.ward) == ("Phường Mẫu, Tỉnh Thử", None, "99001")
    table.write_text("a,b\n1,2\n")
    with pytest.raises(GatewayMisconfigured):
        read_settings(settings).people_rules()
