"""What the HIS cannot do is not offered: the kiosk shows no way that leads nowhere."""

from __future__ import annotations

import pytest
from sqlalchemy import update

from backend.storage.catalogue_tables import Facility
from his_adapter.models import Feature
from tests.factories.hospital import Hospital
from tests.unit.backend.web.conftest import ApiCaller

EVERYTHING = frozenset(Feature)


@pytest.fixture(autouse=True)
def more(hospital: Hospital) -> None:
    hospital.add_service("GIO", "101", by_hour=True, by_doctor=True)
    hospital.add_slot("GIO", starts_in_min=60, capacity=1)


def say(hospital: Hospital, features: frozenset[Feature]) -> None:
    """Before the first request: a process looks at the catalogue every two seconds only."""
    with hospital.database.write() as unit:
        unit.connection.execute(update(Facility).values(his_features=sorted(features)))


def look(kiosk: ApiCaller) -> tuple[bool, bool, int, bool]:
    """By hour, by doctor, hours on offer, whether bookings are seen."""
    services = {each["code"]: each for each in kiosk.get("/services").json["items"]}
    service = services["GIO"]
    slots = kiosk.get(f"/slots?service_id={service['id']}").json["items"]
    settings = kiosk.get("/kiosk").json
    return service["by_hour"], service["by_doctor"], len(slots), settings["sees_bookings"]


def test_a_his_that_can_do_everything(hospital: Hospital, kiosk: ApiCaller) -> None:
    say(hospital, EVERYTHING)
    assert look(kiosk) == (True, True, 1, True)


def test_a_his_that_was_never_asked(kiosk: ApiCaller) -> None:
    assert look(kiosk) == (True, True, 1, True)


@pytest.mark.parametrize(
    ("missing", "shown"),
    [
        ({Feature.FIND_SLOTS}, (False, True, 0, True)),
        ({Feature.BOOK_APPOINTMENT}, (False, True, 1, True)),
        ({Feature.LIST_PRACTITIONERS}, (True, False, 1, True)),
        ({Feature.FIND_APPOINTMENTS}, (True, True, 1, False)),
    ],
)
def test_what_is_missing_is_hidden(
    hospital: Hospital,
    kiosk: ApiCaller,
    missing: set[Feature],
    shown: tuple[bool, bool, int, bool],
) -> None:
    say(hospital, EVERYTHING - missing)
    assert look(kiosk) == shown
