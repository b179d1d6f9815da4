from __future__ import annotations

import pytest
from sqlalchemy import select, update

from backend.domain.alerts import AlertKind
from backend.errors import NotFound, ReleaseRefused
from backend.services.raise_alert import is_alerted
from backend.services.stage_release import (
    add_release,
    find_release_for,
    list_releases,
    record_release,
    show_staging,
    stage_release,
)
from backend.storage.database import Database
from backend.storage.fleet_tables import AlertNotice
from backend.storage.kiosk_tables import Kiosk
from tests.factories.hospital import Hospital

SHA = "a" * 64


@pytest.fixture
def kiosk(database: Database) -> str:
    return Hospital(database).set_up().add_kiosk("Sảnh 1")[0].id


def have(database: Database, *versions: str) -> None:
    for version in versions:
        add_release(database, version=version, sha256=SHA, size_bytes=5_000_000_000)


def test_groups_are_staged_one_after_the_other(database: Database, kiosk: str) -> None:
    have(database, "1.0", "1.1")
    assert find_release_for(database, kiosk_id=kiosk) is None
    stage_release(database, version="1.0", scope="all", name="")
    assert find_release_for(database, kiosk_id=kiosk).version == "1.0"  # type: ignore[union-attr]
    stage_release(database, version="1.1", scope="profile", name="laboratory")
    assert find_release_for(database, kiosk_id=kiosk).version == "1.0"  # type: ignore[union-attr]
    stage_release(database, version="1.1", scope="kiosk", name="Sảnh 1")
    found = find_release_for(database, kiosk_id=kiosk)
    assert found is not None
    assert (found.version, found.sha256, found.size_bytes) == ("1.1", SHA, 5_000_000_000)
    stage_release(database, version=None, scope="kiosk", name="Sảnh 1")
    assert find_release_for(database, kiosk_id=kiosk).version == "1.0"  # type: ignore[union-attr]
    with database.write() as unit:
        unit.connection.execute(update(Kiosk).values(profile="laboratory"))
    assert find_release_for(database, kiosk_id=kiosk).version == "1.1"  # type: ignore[union-attr]


def test_what_is_not_there_cannot_be_staged(database: Database, kiosk: str) -> None:
    have(database, "1.0")
    for version, scope, name in (
        ("2.0", "all", ""),
        ("1.0", "kiosk", "Sảnh 9"),
        ("1.0", "profile", "roof"),
    ):
        with pytest.raises(NotFound):
            stage_release(database, version=version, scope=scope, name=name)  # type: ignore[arg-type]
    assert find_release_for(database, kiosk_id=kiosk) is None


def test_a_version_never_changes(database: Database) -> None:
    have(database, "1.0", "1.0")
    with pytest.raises(ReleaseRefused, match="versions never change"):
        add_release(database, version="1.0", sha256="b" * 64, size_bytes=1)
    assert [(each.version, each.sha256) for each in list_releases(database)] == [("1.0", SHA)]


def test_a_kiosk_that_went_back_is_told_of_once(database: Database, kiosk: str) -> None:
    have(database, "1.1")
    stage_release(database, version="1.1", scope="all", name="")
    for _ in range(3):
        record_release(
            database, kiosk_id=kiosk, version="1.1", state="rolled_back", reason="not_ready"
        )
    subject = f"kiosk:{kiosk}"
    with database.write() as unit:
        assert is_alerted(unit, AlertKind.RELEASE_ROLLED_BACK, subject=subject)
        assert len(unit.connection.scalars(select(AlertNotice.id)).all()) == 1
    (stand,) = show_staging(database)
    assert (stand.wanted, stand.last, stand.state) == ("1.1", "1.1", "rolled_back")
    record_release(database, kiosk_id=kiosk, version="1.1", state="installed", reason=None)
    with database.write() as unit:
        assert not is_alerted(unit, AlertKind.RELEASE_ROLLED_BACK, subject=subject)
