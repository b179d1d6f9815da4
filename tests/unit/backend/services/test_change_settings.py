"""One setting at a time, of the right kind, with what stood before."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select, update

from backend.errors import ConfigError
from backend.services.change_settings import change_setting, read_settings
from backend.storage.audit_tables import AuditEvent
from backend.storage.catalogue_tables import Facility
from backend.storage.database import Database
from tests.factories.hospital import Hospital


@pytest.fixture
def database(hospital: Hospital) -> Database:
    return hospital.database


def test_a_setting_is_changed_and_on_record(database: Database) -> None:
    assert change_setting(database, "checkin_sender", "tiepdon") == "his"
    assert change_setting(database, "standing.level", "basic") is None
    assert change_setting(database, "standing.points", 60) is None
    settings = read_settings(database)
    assert settings["checkin_sender"] == "tiepdon"
    assert settings["standing"]["level"] == "basic"
    assert settings["standing"]["points"] == 60
    assert settings["standing"]["old_class"] == "none"
    with database.read() as connection:
        events = connection.scalars(select(AuditEvent.event)).all()
    assert list(events).count("setting_changed") == 3


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("nobody_knows", 1),
        ("standing.nobody", 1),
        ("checkin_sender", "both"),
        ("checkin_within_min", "five"),
        ("checkin_within_min", True),
        ("checkin_within_min", -1),
        ("checkin_uninsured", 1),
        ("standing.points", "many"),
        ("numbering", "his"),
        ("letters.N", "B"),
        ("", 1),
    ],
)
def test_what_does_not_fit_changes_nothing(database: Database, name: str, value: Any) -> None:
    before = read_settings(database)
    with pytest.raises(ConfigError):
        change_setting(database, name, value)
    assert read_settings(database) == before


def test_settings_of_a_newer_version_stay(database: Database) -> None:
    with database.write() as unit:
        unit.connection.execute(update(Facility).values(settings={"from_the_future": 7}))
    change_setting(database, "checkin_within_min", 9)
    with database.read() as connection:
        stored = connection.scalar(select(Facility.settings))
    assert stored == {"from_the_future": 7, "checkin_within_min": 9}
