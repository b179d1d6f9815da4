"""The file that names a hospital's adapter."""

from __future__ import annotations

from pathlib import Path

import pytest

from his_adapter.config_file import read_config_file
from his_adapter.errors import GatewayMisconfigured

WHOLE = """
adapter = "fhir_r4"
[settings]
base_url = "https://his.example.vn/fhir"
[settings.identifier_systems]
id12 = "http://fhir.hl7.org.vn/core/sid/cccd"
[certify]
marker_patient = "099190000001"
"""


def test_adapter_settings_and_certify_are_read(tmp_path: Path) -> None:
    file = tmp_path / "his.toml"
    file.write_text(WHOLE, encoding="utf-8")
    config = read_config_file(file)
    assert config.adapter == "fhir_r4"
    assert config.settings["identifier_systems"]["id12"].endswith("/cccd")
    assert config.certify == {"marker_patient": "099190000001"}


@pytest.mark.parametrize(
    "text",
    ["", "adapter = 3", 'adapter = "x"\nsettings = 1', 'adapter = "x"\nother = 1', "= =", "\x00"],
)
def test_another_shape_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "his.toml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(GatewayMisconfigured, match=r"his\.toml"):
        read_config_file(file)


def test_an_absent_or_huge_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(GatewayMisconfigured):
        read_config_file(tmp_path / "absent.toml")
    huge = tmp_path / "huge.toml"
    huge.write_text("#" * 300_000, encoding="utf-8")
    with pytest.raises(GatewayMisconfigured, match="too large"):
        read_config_file(huge)
