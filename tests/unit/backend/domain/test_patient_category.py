from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.domain.patient_category import (
    CategoryFacts,
    Level,
    OldClass,
    Why,
    all_categories,
    categories_on,
    find_category,
    is_transfer_valid,
    last_day_of_transfer,
    propose_category,
)
from backend.domain.settings import FacilitySettings, FacilityStanding

BASIC = FacilityStanding(level="basic", points=45, old_class="district")


@pytest.mark.parametrize(
    ("facts", "code", "why"),
    [
        ({"insured": True, "emergency": True}, "2", Why.EMERGENCY),
        ({"insured": None}, None, Why.CARD_UNKNOWN),
        ({"insured": None, "emergency": True}, "2", Why.EMERGENCY),
        ({"insured": False, "transfer_slip": True}, "9", Why.NOT_INSURED),
        ({"insured": True, "medicine_only": True, "registered_here": True}, "10", Why.MEDICINE_ONLY),
        ({"insured": True, "registered_here": True, "transfer_slip": True}, "1.1", Why.REGISTERED_HERE),
        ({"insured": True, "transfer_slip": True, "revisit_slip": True}, "1.3", Why.TRANSFER_SLIP),
        ({"insured": True, "registered_here": False, "revisit_slip": True}, "1.5", Why.REVISIT_SLIP),
        ({"insured": True, "registered_here": False}, "1.12", Why.FACILITY_LEVEL),
        ({"insured": True, "registered_here": None}, "1.12", Why.FACILITY_LEVEL),
        ({"insured": True, "transfer_slip": False, "revisit_slip": False}, "1.12", Why.FACILITY_LEVEL),
    ],
)  # fmt: skip
def test_the_first_question_that_fits(facts: dict[str, Any], code: str | None, why: Why) -> None:
    proposal = propose_category(CategoryFacts(**facts), BASIC)
    assert (proposal.code, proposal.why) == (code, why)


@pytest.mark.parametrize(
    ("level", "points", "old_class", "code"),
    [
        (Level.FIRST, None, OldClass.NONE, "1.11"),
        (Level.BASIC, None, OldClass.DISTRICT, "1.12"),
        (Level.BASIC, 49, OldClass.NONE, "1.12"),
        (Level.BASIC, 50, OldClass.DISTRICT, "1.13"),
        (Level.BASIC, 69, OldClass.NONE, "1.13"),
        (Level.BASIC, 49, OldClass.PROVINCE, "1.14"),
        (Level.BASIC, 60, OldClass.CENTRAL, "1.14"),
        (Level.SPECIALISED, 80, OldClass.PROVINCE, "1.18"),
        (Level.SPECIALISED, 80, OldClass.CENTRAL, "3.1"),
        (Level.SPECIALISED, 80, OldClass.DISTRICT, "3.3"),
        (Level.SPECIALISED, 80, OldClass.NONE, None),
        (None, None, OldClass.NONE, None),
    ],
)
def test_who_came_by_themselves(
    level: Level | None, points: int | None, old_class: OldClass, code: str | None
) -> None:
    facility = FacilityStanding(level=level, points=points, old_class=old_class)
    proposal = propose_category(CategoryFacts(insured=True), facility)
    assert proposal.code == code
    assert proposal.why is (Why.FACILITY_LEVEL if code else Why.FACILITY_UNKNOWN)


def test_a_commune_station_is_open_to_all() -> None:
    station = FacilityStanding(level="first", open_to_all=True)
    for here in (True, False, None):
        facts = CategoryFacts(insured=True, registered_here=here)
        assert propose_category(facts, station).code == "1.2"
    assert propose_category(CategoryFacts(insured=False), station).code == "9"


@given(
    st.builds(
        CategoryFacts,
        insured=st.sampled_from([True, False, None]),
        registered_here=st.sampled_from([True, False, None]),
        emergency=st.booleans(),
        medicine_only=st.booleans(),
        transfer_slip=st.sampled_from([True, False, None]),
        revisit_slip=st.sampled_from([True, False, None]),
    ),
    st.builds(
        FacilityStanding,
        level=st.sampled_from([*Level, None]),
        points=st.none() | st.integers(0, 100),
        old_class=st.sampled_from(OldClass),
        open_to_all=st.booleans(),
    ),
)
def test_a_proposal_is_on_the_list(facts: CategoryFacts, facility: FacilityStanding) -> None:
    proposal = propose_category(facts, facility)
    assert proposal.code is None or find_category(proposal.code, on=date(2026, 11, 23))


def test_the_list_as_published() -> None:
    assert len(all_categories()) == 27
    assert len({each.code for each in all_categories()}) == 27
    assert categories_on(date(2025, 1, 1)) == ()
    assert find_category("1.8", on=date(2026, 11, 23)) is None


@pytest.mark.parametrize(
    ("signed_on", "for_a_year", "last_day"),
    [
        (date(2026, 11, 9), False, date(2026, 11, 23)),  # Monday to Monday
        (date(2026, 11, 13), False, date(2026, 11, 27)),  # Friday
        (date(2026, 11, 14), False, date(2026, 11, 27)),  # Saturday: counts from Monday
        (date(2025, 11, 23), True, date(2026, 11, 23)),
        (date(2028, 2, 29), True, date(2029, 2, 28)),
    ],
)
def test_how_long_a_transfer_slip_serves(signed_on: date, for_a_year: bool, last_day: date) -> None:
    assert last_day_of_transfer(signed_on, for_a_year=for_a_year) == last_day
    for on, valid in ((last_day, True), (date.fromordinal(last_day.toordinal() + 1), False)):
        assert is_transfer_valid(signed_on, on=on, for_a_year=for_a_year) is valid


def test_a_day_off_is_no_working_day_and_the_future_is_no_signature() -> None:
    off = {date(2026, 11, 20)}
    assert last_day_of_transfer(date(2026, 11, 9), for_a_year=False, days_off=off) == date(
        2026, 11, 24
    )
    assert not is_transfer_valid(date(2026, 11, 24), on=date(2026, 11, 23), for_a_year=True)


def test_the_standing_of_a_facility_is_kept() -> None:
    settings = FacilitySettings(standing=BASIC)
    assert FacilitySettings.from_json(settings.to_json()) == settings
