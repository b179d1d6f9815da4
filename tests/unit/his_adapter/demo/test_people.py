from __future__ import annotations

from collections import Counter

from his_adapter.builtin.names import normal_form
from his_adapter.demo.gateway import invented_crowd
from his_adapter.demo.people import CoverageCase, crowd
from his_adapter.demo.personas import PERSONAS
from his_adapter.models import Gender

PEOPLE = invented_crowd()


def test_a_crowd_and_always_the_same() -> None:
    assert len(PEOPLE) >= 2000
    taken = [persona.id_number for persona in PERSONAS if persona.id_number]
    assert tuple(crowd(taken)) == PEOPLE


def test_no_number_twice() -> None:
    numbers = [number for person in (*PERSONAS, *PEOPLE) for number in person.identifiers]
    assert len(set(numbers)) == len(numbers)


def test_numbers_are_well_formed_and_fit_the_person() -> None:
    for person in PEOPLE:
        number = person.id_number
        if number is None:
            continue
        assert len(number) == 12
        assert int(number[3]) % 2 == (person.gender is Gender.FEMALE)
        assert 1900 + 100 * (int(number[3]) // 2) + int(number[4:6]) == person.birth_date.year


def test_serials_stay_small() -> None:
    serials = Counter(person.id_number[6:] for person in PEOPLE if person.id_number)
    assert serials["000000"] > 1500
    assert max(map(int, serials)) < 10


def test_insurance_and_telephone_numbers_are_nobodys() -> None:
    assert {person.bhyt_number[3:7] for person in PEOPLE if person.bhyt_number} == {"9999"}
    assert {person.phone[:4] for person in PEOPLE if person.phone} == {"0100"}


def test_coverage_of_every_kind() -> None:
    assert {person.coverage for person in PEOPLE} == set(CoverageCase)


def test_names_as_in_a_waiting_room() -> None:
    families = Counter(person.full_name.split()[0] for person in PEOPLE)
    assert 0.25 < families["Nguyễn"] / len(PEOPLE) < 0.40
    assert families["Nguyễn"] > families["Trần"] > families["Lê"] > families["Phạm"]
    assert any(person.full_name.startswith("H'") for person in PEOPLE)
    assert all(normal_form(person.full_name) == person.full_name for person in PEOPLE)


def test_all_ages_and_dates_without_a_day() -> None:
    years = [person.birth_date.year for person in PEOPLE]
    assert sum(year >= 2021 for year in years) > 50
    assert sum(year <= 1946 for year in years) > 50
    assert sum(person.birth_date.month is None for person in PEOPLE) > 50
