"""A visit becomes the texts of the standard."""

from __future__ import annotations

from dataclasses import replace

import pytest

from backend.domain.checkin_table.row import CostKind, FirstCost, clean_text, row_fields
from his_adapter.models import BirthDate, Gender
from tests.factories.checkin import ZONE, make_row

NOTHING_ELSE = FirstCost(kind=CostKind.SERVICE, code="99.9001", name="Khám Nội (mã giả)")


def test_times_are_of_the_facility_and_names_in_capitals() -> None:
    fields = row_fields(make_row(), position=1, zone=ZONE)
    assert fields["NGAY_VAO"] == "202610120712"
    assert fields["HO_TEN"] == "NGUYỄN VĂN MẪU"
    assert (fields["GT_THE_TU"], fields["GT_THE_DEN"]) == ("20260101", "20261231")


@pytest.mark.parametrize(
    ("iso", "text"),
    [
        ("1990-03-05", "199003050000"),
        ("1990-03", "199000000000"),
        ("1990", "199000000000"),
    ],
)
def test_what_is_unknown_of_a_birth_date_is_zeros(iso: str, text: str) -> None:
    row = make_row(birth_date=BirthDate.from_iso(iso))
    assert row_fields(row, position=1, zone=ZONE)["NGAY_SINH"] == text


@pytest.mark.parametrize(
    ("gender", "code"),
    [(Gender.MALE, "1"), (Gender.FEMALE, "2"), (Gender.OTHER, "3"), (Gender.UNKNOWN, "3")],
)
def test_sex_has_three_codes(gender: Gender, code: str) -> None:
    assert row_fields(make_row(gender=gender), position=1, zone=ZONE)["GIOI_TINH"] == code


def test_without_a_card_its_four_fields_are_empty() -> None:
    fields = row_fields(make_row(card=None, patient_category="9"), position=1, zone=ZONE)
    assert not any(fields[n] for n in ("MA_THE_BHYT", "MA_DKBD", "GT_THE_TU", "GT_THE_DEN"))


@pytest.mark.parametrize("kind", list(CostKind))
def test_the_first_cost_fills_one_pair(kind: CostKind) -> None:
    cost = replace(NOTHING_ELSE, kind=kind)
    fields = row_fields(make_row(first_cost=cost), position=1, zone=ZONE)
    assert {n for n in fields if n.startswith("MA_") and fields[n] == cost.code} == {f"MA_{kind}"}
    assert fields[f"TEN_{kind}"] == cost.name


def test_text_is_composed_and_clean() -> None:
    assert clean_text(" Nguye\u0302\u0303n\tVăn\x00 \n") == "Nguyễn Văn"
