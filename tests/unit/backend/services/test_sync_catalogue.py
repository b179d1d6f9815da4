from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import func, select, update

from backend.services.sync_catalogue import sync_catalogue
from backend.storage.catalogue import CatalogueSource, load_catalogue
from backend.storage.catalogue_tables import Department, Service, Slot
from backend.storage.database import Database
from his_adapter.builtin.gateway import BuiltinGateway
from his_adapter.demo.faults import Faults, write_faults
from his_adapter.demo.gateway import open_demo
from his_adapter.errors import Unavailable
from his_adapter.testing import fill_demo_folder
from tests.conftest import SettableClock


@pytest.fixture
def his(
    tmp_path: Path, clock: SettableClock, monkeypatch: pytest.MonkeyPatch
) -> Iterator[BuiltinGateway]:
    monkeypatch.setattr("backend.services.sync_catalogue.SLOT_DAYS", 1)
    fill_demo_folder(tmp_path / "his", now=clock())
    gateway = open_demo(tmp_path / "his", clock=clock, sleep=lambda _: None)
    yield gateway
    gateway.close()


def test_twice_is_as_good_as_once(database: Database, his: BuiltinGateway) -> None:
    sync_catalogue(database, his)
    with database.read() as connection:
        first = load_catalogue(connection, "main")
        slots = connection.scalar(select(func.count()).select_from(Slot))
    sync_catalogue(database, his)
    with database.read() as connection:
        second = load_catalogue(connection, "main")
        assert connection.scalar(select(func.count()).select_from(Slot)) == slots
    assert len(first.departments) >= 12
    assert len(first.rooms) >= 25
    assert len(first.practitioners) >= 40
    assert (first.services, first.rooms) == (second.services, second.rooms)
    assert slots


def test_a_his_that_is_down_changes_nothing(
    database: Database, his: BuiltinGateway, tmp_path: Path
) -> None:
    sync_catalogue(database, his)
    source = CatalogueSource(database, monotonic_s=iter(range(0, 1000, 10)).__next__)
    before = source.get()
    write_faults(tmp_path / "his", Faults(down=True))
    with pytest.raises(Unavailable):
        sync_catalogue(database, his)
    assert source.get() is before


def test_what_is_gone_is_switched_off_and_comes_back(
    database: Database, his: BuiltinGateway
) -> None:
    sync_catalogue(database, his)
    with database.write() as unit:
        unit.add(
            Department,
            id="old",
            his_ref="GONE",
            code="X",
            name_vi="Khoa cũ",
            name_en="Old department",
            position=99,
            active=True,
        )
        unit.connection.execute(update(Service).where(Service.code == "SA").values(active=False))
    sync_catalogue(database, his)
    with database.read() as connection:
        gone = connection.scalar(select(Department.active).where(Department.id == "old"))
        catalogue = load_catalogue(connection, "main")
    assert gone is False
    assert "SA" in {service.code for service in catalogue.services.values()}
