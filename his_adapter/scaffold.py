"""`tiepdon his new`: the beginning of an adapter in a package of its own.

It opens, declares nothing, and its conformance test fails until the HIS is spoken to.
"""

from __future__ import annotations

import keyword
import re
from pathlib import Path
from string import Template

_NAME = re.compile(r"[a-z][a-z0-9_]{1,30}")


class NameRefused(Exception):
    """Not a name for an adapter."""


def write_adapter(name: str, parent: Path) -> Path:
    """Makes the folder and returns it. Raises NameRefused, FileExistsError, OSError."""
    if _NAME.fullmatch(name) is None or keyword.iskeyword(name):
        raise NameRefused(
            f"{name!r}: 2 to 31 small letters, digits and underscores, a letter first"
        )
    folder = parent / f"tiepdon-his-{name.replace('_', '-')}"
    folder.mkdir()
    words = {
        "name": name,
        "package": f"tiepdon_his_{name}",
        "project": folder.name,
        "cls": "".join(part.capitalize() for part in name.split("_")),
    }
    for path, text in _FILES.items():
        file = folder / Template(path).substitute(words)
        file.parent.mkdir(exist_ok=True)
        file.write_text(Template(text.lstrip("\n")).substitute(words), encoding="utf-8")
    return folder


_PYPROJECT = """
[build-system]
requires = ["setuptools>=77"]
build-backend = "setuptools.build_meta"

[project]
name = "$project"
version = "0.1.0"
description = "Adapter of tiepdon for the HIS $name"
requires-python = ">=3.11"
dependencies = ["tiepdon", "requests>=2.32"]

[project.optional-dependencies]
test = ["pytest>=8"]

# tiepdon finds adapters by this group.
[project.entry-points."his_adapter.gateways"]
$name = "$package.gateway:open_gateway"

[tool.setuptools]
packages = ["$package"]
"""

_INIT = '''
"""The HIS $name behind tiepdon's port."""
'''

_CONFIG = '''
"""The settings of the adapter, as they stand under [settings] in the HIS file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from his_adapter.errors import GatewayMisconfigured


class Settings(BaseModel):
    """Secrets stand in files of their own and never show in a repr."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    base_url: str
    token_file: Path | None = Field(default=None, repr=False)
    connect_timeout_s: float = Field(default=2.0, gt=0)
    read_timeout_s: float = Field(default=5.0, gt=0)
    write_timeout_s: float = Field(default=15.0, gt=0)


def read_settings(settings: Mapping[str, Any]) -> Settings:
    """Raises GatewayMisconfigured, naming the first setting that is wrong."""
    try:
        return Settings.model_validate(dict(settings))
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        raise GatewayMisconfigured(f"{name}: {first['msg']}") from None
'''

_GATEWAY = '''
"""The port, call by call. What is not overridden raises NotSupported and is not declared.

The order that pays: find_patients, read_patient, create_patient, list_services, check_in,
find_by_key. Then run the conformance kit. See his_adapter/ports.py for what each call promises.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from his_adapter.models import Capabilities, Facility, Health, HealthState
from his_adapter.partial import PartialGateway, overridden_features
from his_adapter.ports import HisGateway
from $package.config import Settings, read_settings


class ${cls}Gateway(PartialGateway):
    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def capabilities(self) -> Capabilities:
        return Capabilities(
            features=overridden_features(type(self)),
            facility=Facility(code="99001", name_vi="Bệnh viện Thử", name_en="Test", hotline=""),
            max_limit=500,
            adapter="$name",
            adapter_version="0.1.0",
            his_version="not asked yet",
        )

    def health(self) -> Health:
        """Never raises. Ask the HIS something cheap, and compare its Date header with our clock."""
        return Health(state=HealthState.DOWN, cause="health is not written yet")

    def close(self) -> None:
        """Gives connections back."""


def open_gateway(settings: Mapping[str, Any]) -> HisGateway:
    """Opens even while the HIS is away. Raises GatewayMisconfigured."""
    return ${cls}Gateway(read_settings(settings))
'''

_TEST = '''
"""The kit against the test HIS of his.toml, with time scaled. Fails until the HIS is spoken to."""

from __future__ import annotations

from pathlib import Path

from his_adapter.config_file import read_config_file
from his_adapter.conformance.case import Level, Status
from his_adapter.conformance.kit import certify

CONFIG = Path(__file__).parents[1] / "his.toml"


def test_dong_is_reached() -> None:
    """Raise the level when it passes: BAC, then VANG."""
    outcome = certify(read_config_file(CONFIG), speed=600, up_to=Level.DONG)
    told = [
        f"{result.case.id}: {result.reason.en}"
        for result in outcome.results
        if result.status in {Status.FAILED, Status.UNPREPARED} and result.reason
    ]
    assert told == []
    assert outcome.level is Level.DONG
'''

_HIS_TOML = """
# Your TEST HIS, with invented people only. The kit refuses anything that looks like a real one.
adapter = "$name"

[settings]
base_url = "http://127.0.0.1:8000/api"
read_timeout_s = 5.0
write_timeout_s = 15.0

[certify]
# An invented patient whom you have put into the test HIS.
marker_patient = "099050000001"
max_patients = 200
# True when your adapter has no count_patients() and you are sure.
only_invented_people = true
proxied_setting = "base_url"
# has_login = true
# wrong_login = { token_file = "wrong-token" }

[certify.time_settings]
read_timeout_s = 5.0
write_timeout_s = 15.0

# What is true of the marker patient: `tiepdon his check` compares it field by field.
[certify.marker]
full_name = "Nguyễn Thị Đánh Dấu"
birth_date = "1950-02-28"
gender = "female"
address = "Số 12, Tổ 3, Phường Hoa Mẫu, Tỉnh Thử"
phone = "0900000000"
"""

_README = """
# $project

Adapter of tiepdon for the HIS $name.

    pip install -e '.[test]'
    tiepdon his check --config his.toml
    pytest
    tiepdon his certify --config his.toml --out report
"""

_FILES = {
    "pyproject.toml": _PYPROJECT,
    "README.md": _README,
    "his.toml": _HIS_TOML,
    "$package/__init__.py": _INIT,
    "$package/config.py": _CONFIG,
    "$package/gateway.py": _GATEWAY,
    "tests/test_conformance.py": _TEST,
}
