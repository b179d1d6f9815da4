from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import update

from backend.config import load_config
from backend.domain.settings import FacilitySettings
from backend.jobs.worker import JOBS
from backend.jobs.write_call_lists import INDEX, write_call_lists
from backend.services.resources import Resources
from backend.storage.catalogue_tables import Facility
from tests.conftest import SettableClock
from tests.factories.desk import Desk
from tests.factories.hospital import make_person


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "lists"


@pytest.fixture
def writing(resources: Resources, folder: Path) -> Resources:
    return replace(resources, config=replace(resources.config, call_lists=folder))


def read(folder: Path, code: str) -> str:
    return next(folder.glob(f"phong-{code}-*.html")).read_text(encoding="utf-8")


def test_every_room_has_its_list_in_the_order_of_calling(
    desk: Desk, writing: Resources, folder: Path
) -> None:
    numbers = [desk.take("NGO").number for _ in range(3)]
    assert write_call_lists(writing) == len(writing.catalogue.get().rooms)
    page = read(folder, "104")
    places = [page.index(number) for number in numbers]
    assert places == sorted(places)
    assert "@page" in page
    assert "104" in (folder / INDEX).read_text(encoding="utf-8")


def test_nothing_of_a_person_is_in_a_list(desk: Desk, writing: Resources, folder: Path) -> None:
    person = make_person(7)
    visit = desk.take("NGO", person=person)
    write_call_lists(writing)
    for path in folder.iterdir():
        page = path.read_text(encoding="utf-8")
        for secret in (person.full_name, person.numbers["id12"], "1985", visit.id):
            assert secret not in page


def test_lists_are_written_again_when_it_is_time(
    desk: Desk, writing: Resources, folder: Path, clock: SettableClock
) -> None:
    write_call_lists(writing)
    number = desk.take("NGO").number
    clock.advance(minutes=4)
    assert write_call_lists(writing) == 0
    assert number not in read(folder, "104")
    clock.advance(minutes=1)
    assert write_call_lists(writing) > 0
    assert number in read(folder, "104")
    clock.advance(hours=-3)
    assert write_call_lists(writing) > 0, "a clock that was set back stops nothing"


def test_rooms_that_are_no_more_and_halves_go_other_files_stay(
    writing: Resources, folder: Path
) -> None:
    folder.mkdir()
    for name in ("phong-999-abcd.html", ".phong-104-abcd.html.77", "ghi-chu.txt"):
        (folder / name).write_text("x", encoding="utf-8")
    write_call_lists(writing)
    names = {path.name for path in folder.iterdir()}
    assert "ghi-chu.txt" in names
    assert "phong-999-abcd.html" not in names
    assert not [name for name in names if name.startswith(".")]


def test_nothing_is_written_where_nobody_wants_it(
    resources: Resources, writing: Resources, folder: Path
) -> None:
    assert write_call_lists(resources) == 0
    never = FacilitySettings(call_list_every_min=0).to_json()
    with resources.database.write() as unit:
        unit.connection.execute(
            update(Facility).values(
                settings=never, catalogue_version=Facility.catalogue_version + 1
            )
        )
    later = replace(writing, catalogue=type(writing.catalogue)(writing.database))
    assert write_call_lists(later) == 0
    assert not folder.exists()


def test_the_worker_writes_them() -> None:
    assert "write_call_lists" in {job.name for job in JOBS}


def test_the_folder_is_a_setting_of_the_server() -> None:
    assert load_config({"TIEPDON_DEMO": "1"}).call_lists is None
    config = load_config({"TIEPDON_DEMO": "1", "TIEPDON_CALL_LISTS": "lists"})
    assert config.call_lists == Path("lists")
