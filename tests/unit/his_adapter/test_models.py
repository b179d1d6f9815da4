from __future__ import annotations

from dataclasses import fields
from datetime import UTC, date, datetime

import pytest

from his_adapter.models import (
    BirthDate,
    Coverage,
    CoverageOutcome,
    Feature,
    Identifier,
    IdentifierKind,
    PatientDraft,
    is_write_key,
)
from his_adapter.ports import HisGateway


@pytest.mark.parametrize("text", ["1950", "1950-02", "1952-02-29"])
def test_a_birth_date_keeps_what_is_known_and_no_more(text: str) -> None:
    assert BirthDate.from_iso(text).isoformat() == text


@pytest.mark.parametrize("text", ["", "50", "1950-2", "1951-02-29", "1899", "1950-02-01T", "٢٠٠٠"])
def test_what_is_no_birth_date_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        BirthDate.from_iso(text)


def test_a_year_agrees_with_every_day_of_it_only() -> None:
    year = BirthDate.from_iso("1950")
    assert year.agrees_with(BirthDate.from_iso("1950-12-31"))
    assert not year.agrees_with(BirthDate.from_iso("1951-01-01"))
    assert year.latest == date(1950, 12, 31)


def test_personal_values_are_not_in_a_repr() -> None:
    number = Identifier(kind=IdentifierKind.ID12, value="079085000000")
    draft = PatientDraft(full_name="Nguyễn Văn Thử", identifiers=(number,))
    card = Coverage(
        outcome=CoverageOutcome.OK,
        code="000",
        card_number="DN4790000000001",
        checked_at=datetime(2026, 1, 5, tzinfo=UTC),
    )
    shown = f"{number!r}{draft!r}{card!r}"
    assert "079085000000" not in shown
    assert "Nguyễn" not in shown
    assert "DN4" not in shown


@pytest.mark.parametrize(
    ("text", "good"),
    [("a" * 8, True), ("a" * 80, True), ("a" * 7, False), ("a" * 81, False), ("bad key!", False)],
)
def test_write_keys_have_a_bounded_shape(text: str, good: bool) -> None:
    assert is_write_key(text) is good


def test_every_feature_is_a_method_of_the_port() -> None:
    assert [
        feature for feature in Feature if not callable(getattr(HisGateway, feature, None))
    ] == []


def test_coverage_carries_no_text_of_the_insurer() -> None:
    assert "message" not in {field.name for field in fields(Coverage)}
