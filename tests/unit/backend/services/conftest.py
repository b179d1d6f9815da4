from __future__ import annotations

from typing import cast

import pytest

from backend.services.remote_party import RemoteParty
from backend.services.resources import Resources
from backend.storage.catalogue import CatalogueSource
from backend.storage.database import Database
from his_adapter.ports import HisGateway
from tests.factories.desk import Desk
from tests.factories.hospital import Hospital, make_config


@pytest.fixture
def hospital(database: Database) -> Hospital:
    """Two rooms for one service, a pooled service, and one room with a place for one."""
    hospital = Hospital(database).set_up()
    for code in ("101", "102"):
        hospital.add_room(code)
    hospital.add_room("201", limit=1)
    hospital.add_service("NOI", "101", "102")
    hospital.add_service("CHUNG", "101", "102", pooled=True, series_letter="C")
    hospital.add_service("NHO", "201")
    return hospital


@pytest.fixture
def resources(hospital: Hospital) -> Resources:
    """Without remote parties: whoever calls one here fails."""
    return Resources(
        config=make_config(),
        database=hospital.database,
        keys=hospital.keys,
        catalogue=CatalogueSource(hospital.database),
        his=cast("HisGateway", None),
        his_party=cast("RemoteParty", None),
        insurer_party=cast("RemoteParty", None),
    )


@pytest.fixture
def desk(resources: Resources, hospital: Hospital) -> Desk:
    return Desk(resources, hospital)


@pytest.fixture
def other_desk(resources: Resources, hospital: Hospital) -> Desk:
    return Desk(resources, hospital, "K2")
