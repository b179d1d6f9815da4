from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest

from backend.services.remote_party import RemoteParty
from backend.services.resources import Resources
from backend.services.sync_catalogue import sync_catalogue
from backend.storage.catalogue import CatalogueSource
from backend.storage.crypto import demo_keys
from backend.storage.database import Database
from his_adapter.demo.gateway import open_demo
from his_adapter.testing import fill_demo_folder
from tests.conftest import SettableClock
from tests.factories.desk import Desk
from tests.factories.hospital import Hospital, make_config


@pytest.fixture
def his_folder(tmp_path: Path) -> Path:
    return tmp_path / "his"


@pytest.fixture
def resources(
    database: Database, his_folder: Path, clock: SettableClock, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Resources]:
    """The demo hospital as HIS, and its catalogue loaded; the hours of a day are enough."""
    monkeypatch.setattr("backend.services.sync_catalogue.SLOT_DAYS", 1)
    fill_demo_folder(his_folder, now=clock())
    his = open_demo(his_folder, clock=clock, sleep=lambda _: None)
    sync_catalogue(database, his)
    yield Resources(
        config=make_config(),
        database=database,
        keys=demo_keys(),
        catalogue=CatalogueSource(database),
        his=his,
        his_party=cast("RemoteParty", None),
        insurer_party=cast("RemoteParty", None),
    )
    his.close()


@pytest.fixture
def desk(resources: Resources, database: Database) -> Desk:
    """Takes numbers for the first general examination of the demo hospital."""
    hospital = Hospital(database, keys=resources.keys)
    for service in resources.catalogue.get().services.values():
        hospital.services[service.code] = service.id
    return Desk(resources, hospital)
