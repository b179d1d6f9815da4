from __future__ import annotations

import unicodedata
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from his_adapter.config_file import HisConfig
from his_adapter.conformance.settings import MarkerFacts
from his_adapter.models import BirthDate, Gender, Identifier, IdentifierKind, Patient, Ref
from his_adapter.selftest import compare, self_test
from his_adapter.testing import fill_demo_folder
from tests.contract.his_harness import MONDAY_MORNING

FACTS = MarkerFacts(
    full_name="Nguyễn Thị Đánh Dấu",
    birth_date="1950-02-08",
    gender=Gender.FEMALE,
    address="Số 12, Tổ 3, Phường Hoa Mẫu, Tỉnh Thử",
    phone="0900000000",
    codes={IdentifierKind.MRN: "BN00000001"},
)
TRUE = Patient(
    ref=Ref("1"),
    version="1",
    full_name=FACTS.full_name,
    birth_date=BirthDate(year=1950, month=2, day=8),
    gender=Gender.FEMALE,
    address=FACTS.address,
    phone="+84 900 000 000",
    identifiers=(Identifier(kind=IdentifierKind.MRN, value="BN00000001"),),
)


def faults(patient: Patient, facts: MarkerFacts = FACTS) -> dict[str, str]:
    return {each.check: each.message_vi for each in compare(patient, facts) if not each.ok}


def test_the_truth_has_no_fault() -> None:
    assert faults(TRUE) == {}


@pytest.mark.parametrize(
    ("told", "check", "words"),
    [
        ({"full_name": "Đánh Dấu Nguyễn Thị"}, "marker_name", "đảo"),
        ({"full_name": "Nguyễn"}, "marker_name", "thiếu"),
        ({"full_name": "Nguyen Thi Danh Dau"}, "marker_name", "mất dấu"),
        ({"full_name": "NGUYỄN THỊ ĐÁNH DẤU"}, "marker_name", "chữ hoa"),
        ({"full_name": unicodedata.normalize("NFD", TRUE.full_name)}, "marker_name", "NFC"),
        ({"full_name": "Nguy?n Th? Ðánh D?u"}, "marker_name", "bảng mã"),
        ({"birth_date": BirthDate(year=1950, month=8, day=2)}, "marker_birth_date", "đảo ngày"),
        ({"birth_date": BirthDate(year=1950, month=2, day=7)}, "marker_birth_date", "múi giờ"),
        ({"birth_date": None}, "marker_birth_date", "Không đọc"),
        ({"gender": Gender.MALE}, "marker_gender", "BHYT"),
        ({"gender": Gender.UNKNOWN}, "marker_gender", "chưa khai báo"),
        (
            {"address": "Số 12, Tổ 3, Phường Hoa Mẫu, Huyện Thử, Tỉnh Thử"},
            "marker_address",
            "huyện",
        ),
        ({"address": "Số 12, Tổ 3"}, "marker_address", "thiếu"),
        ({"phone": "0900000001"}, "marker_phone", "điện thoại"),
        ({"identifiers": ()}, "marker_code_mrn", "hệ mã"),
    ],
)
def test_each_wrong_mapping_is_named(told: dict[str, Any], check: str, words: str) -> None:
    found = faults(replace(TRUE, **told))
    assert list(found) == [check]
    assert words in found[check]
    assert "Nguyễn" not in found[check]


def test_a_year_stays_a_year() -> None:
    year = FACTS.model_copy(update={"birth_date": "1950"})
    told = replace(TRUE, birth_date=BirthDate(year=1950, month=1, day=1))
    assert "01/01" in faults(told, year)["marker_birth_date"]


def demo_config(folder: Path, **certify: Any) -> HisConfig:
    fill_demo_folder(folder, now=MONDAY_MORNING)
    return HisConfig(adapter="demo", settings={"folder": str(folder)}, certify=certify)


def test_the_demo_hospital_is_in_order(tmp_path: Path) -> None:
    found = self_test(demo_config(tmp_path, marker_patient="079085000000"), thorough=True)
    assert [each.check for each in found if each.ok is not True] == []
    assert "version_guard" in {each.check for each in found}


def test_without_a_marker_it_says_so_and_writes_nothing(tmp_path: Path) -> None:
    found = self_test(demo_config(tmp_path), thorough=False)
    assert [each.check for each in found if each.ok is None] == ["marker"]


def test_a_his_that_is_down_is_one_finding(tmp_path: Path) -> None:
    config = demo_config(tmp_path)
    (tmp_path / "faults.json").write_text('{"down": true}')
    (finding,) = self_test(config, thorough=True)
    assert (finding.check, finding.ok) == ("health", False)
