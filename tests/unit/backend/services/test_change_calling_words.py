from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select, update

from backend.domain.calling_settings import CallingSettings, CallTemplate
from backend.domain.settings import FacilitySettings
from backend.errors import CallingWordsChanged, CallingWordsRefused
from backend.services import change_calling_words as service
from backend.services.change_calling_words import (
    change_calling_words,
    get_calling_words,
    list_zones,
    undo_calling_words,
)
from backend.services.recognise_caller import Caller
from backend.services.resources import Resources
from backend.storage.audit_tables import AuditEvent
from backend.storage.catalogue_tables import Facility
from backend.storage.database import Database
from backend.storage.outbox_tables import LiveEvent
from backend.storage.settings_tables import CallingWordsChange
from tests.factories.hospital import Hospital

STAFF = Caller(role="staff", id="s1", name="Hoàng Văn Biên")
SENTENCE = CallTemplate(vi="Số {number} vào phòng {room} ạ.", en="{number} to {room}.", times=3)
WISH = CallingSettings(
    templates={"call_room": SENTENCE},
    person_word="người bệnh",
    languages=("vi", "en"),
    region="nam",
    volume={"": 80, "Tầng 1": 40},
)


def stored(database: Database) -> Any:
    with database.read() as connection:
        return connection.execute(select(Facility.__table__)).one()


def test_a_change_is_kept_whole_and_leaves_its_traces(
    database: Database, hospital: Hospital
) -> None:
    before = stored(database)
    kept = change_calling_words(database, WISH, version=0, staff=STAFF)
    assert (kept.words, kept.version, kept.changed_by) == (WISH, 1, "Hoàng Văn Biên")
    assert get_calling_words(database) == kept
    after = stored(database)
    assert after.catalogue_version == before.catalogue_version + 1
    assert FacilitySettings.from_json(after.settings) == replace(
        FacilitySettings.from_json(before.settings), calling=WISH
    )
    with database.read() as connection:
        trace = connection.execute(
            select(AuditEvent.actor, AuditEvent.detail).where(
                AuditEvent.event == "calling_words_changed"
            )
        ).one()
        live = connection.scalars(select(LiveEvent.event)).all()
    assert trace.actor == "staff:s1"
    assert trace.detail == {
        "version": 1,
        "changed": ["templates", "person_word", "languages", "region", "volume"],
    }
    assert list(live)[-1] == "calling_words_changed"


def test_calls_go_by_the_new_words(resources: Resources, database: Database) -> None:
    change_calling_words(database, WISH, version=0, staff=STAFF)
    calling = resources.catalogue.get().settings.calling
    assert calling == WISH
    assert [calling.volume_of(zone) for zone in ("Tầng 1", "Tầng 2", "", None)] == [40, 80, 80, 80]
    assert CallingSettings().volume_of("Tầng 1") == 100


def test_back_and_forth(database: Database, hospital: Hospital) -> None:
    change_calling_words(database, WISH, version=0, staff=STAFF)
    undone = undo_calling_words(database, version=1, staff=STAFF)
    assert (undone.words, undone.version) == (CallingSettings(), 2)
    again = undo_calling_words(database, version=2, staff=STAFF)
    assert (again.words, again.version) == (WISH, 3)


def test_nothing_to_take_back_and_what_somebody_changed_since(
    database: Database, hospital: Hospital
) -> None:
    with pytest.raises(CallingWordsChanged):
        undo_calling_words(database, version=0, staff=STAFF)
    change_calling_words(database, WISH, version=0, staff=STAFF)
    change_calling_words(database, replace(WISH, region="bac"), version=1, staff=STAFF)
    with pytest.raises(CallingWordsChanged):
        undo_calling_words(database, version=1, staff=STAFF)
    with pytest.raises(CallingWordsChanged):
        change_calling_words(database, WISH, version=1, staff=STAFF)


def test_two_editors_at_once_one_wins(database: Database, hospital: Hospital) -> None:
    def change(word: str) -> bool:
        try:
            wish = replace(WISH, person_word=word)
            change_calling_words(database, wish, version=0, staff=STAFF)
        except CallingWordsChanged:
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        outcomes = list(pool.map(change, "abcd"))
    assert outcomes.count(True) == 1
    kept = get_calling_words(database)
    assert (kept.version, kept.words.person_word) == (1, "abcd"[outcomes.index(True)])


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"templates": {"call_room": replace(SENTENCE, vi="Mời vào")}}, "templates.call_room.vi"),
        ({"templates": {"call_room": replace(SENTENCE, en="{name}")}}, "templates.call_room.en"),
        ({"templates": {"call_room": replace(SENTENCE, times=4)}}, "templates.call_room.times"),
        ({"person_word": " "}, "person_word"),
        ({"person_word": "{number}"}, "person_word"),
        ({"person_word": "a}"}, "person_word"),
        ({"rate": 9.0}, "rate"),
        ({"gap_s": -1}, "gap_s"),
        ({"volume": {"": 101}}, "volume"),
        ({"volume": {"a\x00": 50}}, "volume"),
        ({"volume": {" a": 50}}, "volume"),
        ({"languages": ()}, "languages"),
    ],
)
def test_what_a_hall_must_not_hear_is_refused(
    database: Database, hospital: Hospital, change: dict[str, Any], fault: str
) -> None:
    with pytest.raises(CallingWordsRefused) as refusal:
        change_calling_words(database, replace(WISH, **change), version=0, staff=STAFF)
    assert fault in refusal.value.fields
    assert get_calling_words(database).words == CallingSettings()


def test_the_usual_wording_is_not_stored(database: Database, hospital: Hospital) -> None:
    usual = CallingSettings().get_template("missed")
    change_calling_words(
        database, replace(WISH, templates={"missed": usual}), version=0, staff=STAFF
    )
    assert stored(database).settings["calling"]["templates"] == {}


def test_old_changes_go(
    database: Database, hospital: Hospital, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "CHANGES_KEPT", 3)
    for version in range(5):
        change_calling_words(
            database, replace(WISH, person_word=f"w{version}"), version=version, staff=STAFF
        )
    with database.read() as connection:
        kept = connection.scalars(select(CallingWordsChange.version)).all()
    assert sorted(kept) == [3, 4, 5]


def test_damaged_settings_can_be_mended(database: Database, hospital: Hospital) -> None:
    with database.write() as unit:
        settings = FacilitySettings().to_json() | {"calling": "nonsense"}
        unit.connection.execute(update(Facility).values(settings=settings))
    assert change_calling_words(database, WISH, version=0, staff=STAFF).words == WISH


def test_zones_are_collected(database: Database, hospital: Hospital) -> None:
    change_calling_words(database, WISH, version=0, staff=STAFF)
    assert list_zones(database) == ["Tầng 1"]
