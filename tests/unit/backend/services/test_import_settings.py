"""Settings as one file: all of it or nothing, shown before, taken back after."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from datetime import date
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, insert, select, update

from backend.domain.calling_settings import CallingSettings
from backend.domain.displays import DisplayKind, DisplayWish
from backend.domain.settings import FacilitySettings
from backend.domain.settings_file import State, fingerprint
from backend.errors import (
    CallingWordsChanged,
    ChangedMeanwhile,
    SettingsFileRefused,
    UndoOver,
)
from backend.services import keep_settings as service
from backend.services.change_calling_words import change_calling_words, undo_calling_words
from backend.services.change_settings import change_setting, read_settings
from backend.services.import_settings import (
    export_settings,
    import_settings,
    preview_import,
    preview_undo,
    undo_import,
)
from backend.services.manage_displays import add_display, list_displays, revoke_display
from backend.services.recognise_caller import Caller
from backend.storage.audit_tables import AuditEvent
from backend.storage.catalogue import CatalogueSource
from backend.storage.catalogue_tables import Facility
from backend.storage.database import Database
from backend.storage.kiosk_tables import Kiosk
from backend.storage.outbox_tables import LiveEvent
from backend.storage.settings_state import load_state, write_changes
from backend.storage.settings_tables import SettingsImport
from tests.factories.hospital import Hospital

STAFF = Caller(role="staff", id="s1", name="Hoàng Văn Biên")


@pytest.fixture
def database(hospital: Hospital) -> Database:
    """With two displays, the first of which speaks, and a kiosk."""
    database = hospital.database
    catalogue = CatalogueSource(database).get()
    for name, speaks in (("Sảnh A", True), ("Sảnh B", False)):
        wish = DisplayWish(
            name=name, kind=DisplayKind.HALL, room_ids=(hospital.rooms["101"],), speaks=speaks
        )
        add_display(database, catalogue, wish, actor="staff:s1")
    with database.write() as unit:
        unit.connection.execute(
            insert(Kiosk).values(
                id="k1",
                facility_id=database.facility_id,
                kind="kiosk",
                name="Ki-ốt cổng chính",
                token_hash="do-not-tell",
                enrolled_at=unit.now,
            )
        )
    return database


def changed(database: Database, change: Callable[[Any], None]) -> str:
    document = json.loads(export_settings(database))
    change(document)
    return json.dumps(document)


def take(database: Database, text: str) -> list[str]:
    seen = preview_import(database, text).seen
    return [str(change) for change in import_settings(database, text, seen=seen)]


def take_back(database: Database) -> list[str]:
    return [str(change) for change in undo_import(database, seen=preview_undo(database).seen)]


def refusals_of(database: Database, text: str) -> tuple[str, ...]:
    before = export_settings(database)
    with pytest.raises(SettingsFileRefused) as refused:
        preview_import(database, text)
    with pytest.raises(SettingsFileRefused):
        import_settings(database, text, seen=fingerprint(now(database)))
    assert export_settings(database) == before
    assert counts(database) == (1, 0, 0)
    return refused.value.faults


def now(database: Database) -> State:
    with database.read() as connection:
        return load_state(connection, database.facility_id)


def counts(database: Database) -> tuple[int, int, int]:
    """The version of the catalogue, imports that are kept, traces of imports."""
    with database.read() as connection:
        version = connection.scalar(select(Facility.catalogue_version))
        imports = connection.scalar(select(func.count()).select_from(SettingsImport))
        traces = connection.scalar(
            select(func.count())
            .select_from(AuditEvent)
            .where(AuditEvent.event.in_(("settings_imported", "settings_taken_back")))
        )
    return version or 0, imports or 0, traces or 0


def everywhere(document: Any) -> None:
    """One change in every section, and a voice that moves from one display to another."""
    document["facility"]["hotline"] = "1900 1111"
    document["settings"]["late_min"] = 20
    document["settings"]["letters"]["N"] = "C"
    document["settings"]["standing"]["level"] = "basic"
    document["settings"]["calling"]["person_word"] = "người bệnh"
    document["settings"]["calling"]["gap_s"] = 8
    document["priority_groups"]["pregnant"]["rank"] = 2
    document["priority_groups"]["staff"] = {
        "label_vi": "Cán bộ y tế",
        "label_en": "Health worker",
        "rank": 4,
        "age_from_years": None,
        "age_below_years": None,
        "self_declared": True,
        "legal_basis": "Quyết định của giám đốc",
        "valid_from": "2026-01-01",
        "valid_to": None,
    }
    document["displays"]["Sảnh A"]["speaks"] = False
    document["displays"]["Sảnh B"]["speaks"] = True
    document["displays"]["Sảnh B"]["rooms"] = ["PHONG-201", "PHONG-102"]
    document["kiosks"]["k1"]["name"] = "Ki-ốt tầng 2"


def test_the_file_says_all_in_order_and_no_credential(database: Database) -> None:
    text = export_settings(database)
    assert text == export_settings(database)
    document = json.loads(text)
    assert list(document) == [
        "format", "facility", "settings", "priority_groups", "displays", "kiosks",
    ]  # fmt: skip
    assert document["settings"] == json.loads(json.dumps(read_settings(database)))
    assert list(document["settings"]) == sorted(document["settings"])
    assert document["displays"]["Sảnh A"]["rooms"] == ["PHONG-101"]
    assert document["kiosks"] == {"k1": {"name": "Ki-ốt cổng chính"}}
    assert "do-not-tell" not in text
    assert "hash" not in text


def test_the_same_file_changes_nothing_and_leaves_no_trace(database: Database) -> None:
    assert take(database, export_settings(database)) == []
    text = changed(database, everywhere)
    assert len(take(database, text)) == 20
    after = counts(database)
    assert take(database, text) == []
    assert counts(database) == after == (2, 1, 1)


def test_an_import_is_whole_and_its_undo_too(database: Database) -> None:
    before = export_settings(database)
    text = changed(database, everywhere)
    done = take(database, text)
    assert 'facility.hotline: "1900 0000" → "1900 1111"' in done
    assert 'settings.standing.level: null → "basic"' in done
    assert 'displays["Sảnh B"].rooms: ["PHONG-101"] → ["PHONG-201", "PHONG-102"]' in done
    assert "priority_groups.staff.rank: – → 4" in done
    after = export_settings(database)
    assert json.loads(after) == json.loads(text)
    speaking = [display.name for display in list_displays(database) if display.speaks]
    assert speaking == ["Sảnh B"]
    take_back(database)
    assert export_settings(database) == before
    take_back(database)
    assert export_settings(database) == after
    assert counts(database) == (4, 3, 3)


def test_everybody_who_shows_settings_is_told(database: Database) -> None:
    take(database, changed(database, everywhere))
    catalogue = CatalogueSource(database).get()
    assert catalogue.settings.late_min == 20
    assert catalogue.hotline == "1900 1111"
    assert "staff" in {group.code for group in catalogue.priority_groups}
    with database.read() as connection:
        told = list(connection.scalars(select(LiveEvent.event)))
        detail = connection.scalars(
            select(AuditEvent.detail).where(AuditEvent.event == "settings_imported")
        ).one()
    assert told.count("display_changed") == 2
    assert told.count("calling_words_changed") == 1
    assert {"name": "settings.late_min", "before": 15, "after": 20} in detail["changes"]


def test_an_open_page_of_calling_words_is_told_that_it_is_old(database: Database) -> None:
    take(database, changed(database, everywhere))
    with pytest.raises(CallingWordsChanged):
        change_calling_words(database, CallingSettings(), version=0, staff=STAFF)
    back = undo_calling_words(database, version=1, staff=STAFF)
    assert back.words.person_word == "bệnh nhân"


def test_a_room_that_is_not_there_refuses_all_of_it(database: Database) -> None:
    def wrong(document: Any) -> None:
        everywhere(document)
        document["displays"]["Sảnh B"]["rooms"] = ["PHONG-101", "PHONG-999", "102"]

    assert refusals_of(database, changed(database, wrong)) == (
        'displays["Sảnh B"].rooms[1]: There is no room PHONG-999 in this facility.',
        (
            'displays["Sảnh B"].rooms[2]: There is no room 102 in this facility. '
            "The HIS calls it PHONG-102."
        ),
    )


def set_in(*path: str, to: Any) -> Callable[[Any], None]:
    def change(document: Any) -> None:
        for part in path[:-1]:
            document = document[part]
        document[path[-1]] = to

    return change


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("settings", "nobody"), 1),
        (("settings", "standing", "nobody"), 1),
        (("settings", "late_min"), "15"),
        (("settings", "late_min"), True),
        (("settings", "late_min"), 15.5),
        (("settings", "late_min"), -1),
        (("settings", "late_min"), None),
        (("settings", "keep_audit_months"), 10**9),
        (("settings", "checkin_uninsured"), 1),
        (("settings", "checkin_sender"), "both"),
        (("settings", "letters"), {"N": "A"}),
        (("settings", "letters", "N"), "a"),
        (("settings", "letters", "Q"), "Q"),
        (("settings", "letters", "N"), "ZA"),
        (("settings", "guard_min", "R"), "soon"),
        (("settings", "care_types"), {}),
        (("settings", "visit_kinds"), []),
        (("settings", "visit_kinds"), [{"code": "new"}]),
        (("settings", "load_aims"), [3, 2, 1]),
        (("settings", "advances_vnd"), [0]),
        (("settings", "advance_min_vnd"), 60_000_000),
        (("settings", "payment_prefix"), "V1"),
        (("settings", "numbering"), "mine"),
        (("settings", "numbering_wait_s"), 9.0),
        (("settings", "calling", "rate"), 9),
        (("settings", "calling", "chime"), 1),
        (("settings", "calling", "templates"), {"call_room": None}),
        (("settings", "calling", "templates"), {"nobody": {"vi": "a", "en": "b", "times": 1}}),
        (("settings", "calling", "volume"), {"": 101}),
        (("settings", "calling"), {}),
        (("settings", "standing", "level"), ["basic"]),
        (("facility", "code"), "11111"),
        (("facility", "timezone"), "Asia/Nowhere"),
        (("facility", "timezone"), "../../etc/passwd"),
        (("facility", "name_vi"), "a\nb"),
        (("facility", "name_vi"), "\ud800"),
        (("facility", "nobody"), ""),
        (("priority_groups", "from_80", "valid_from"), "1.1.2026"),
        (("priority_groups", "from_80", "valid_to"), "2000-01-01"),
        (("priority_groups", "from_80", "age_from_years"), None),
        (("priority_groups", "from_80", "age_below_years"), 70),
        (("priority_groups", "from_80", "nobody"), 1),
        (("priority_groups", "new"), {"rank": 1}),
        (("priority_groups", "new"), {}),
        (("displays", "Sảnh C"), {"zone": ""}),
        (("displays", "Sảnh C"), {}),
        (("displays", "Sảnh A", "key"), "x"),
        (("displays", "Sảnh A", "rooms"), []),
        (("displays", "Sảnh A", "rooms"), "PHONG-101"),
        (("displays", "Sảnh A", "rooms"), [None]),
        (("displays", "Sảnh A", "kind"), "wall"),
        (("displays", "Sảnh A", "distance_m"), 400),
        (("displays", "Sảnh B", "speaks"), True),
        (("kiosks", "k2"), {"name": "Ki-ốt"}),
        (("kiosks", "k1", "name"), ""),
        (("kiosks", "k1"), "Ki-ốt"),
        (("kiosks",), []),
        (("nobody",), {}),
        (("format",), "tiepdon-settings/2"),
    ],
)
def test_what_cannot_stand_is_named_with_its_place(
    database: Database, path: tuple[str, ...], value: Any
) -> None:
    faults = refusals_of(database, changed(database, set_in(*path, to=value)))
    assert faults
    assert all(fault.endswith(".") for fault in faults)
    if value != "\ud800":
        assert faults[0].startswith(path[0])


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nonsense",
        "[]",
        "{}",
        "[" * 100_000,
        '{"format": "tiepdon-settings/1", "settings": {"late_min": 1, "late_min": 2}}',
        '{"format": "tiepdon-settings/1", "settings": {"late_min": NaN}}',
        '{"format": "tiepdon-settings/1", "settings": {"numbering_wait_s": 1e999}}',
        '{"format": "tiepdon-settings/1"}' + " " * 1_000_001,
    ],
)
def test_what_is_no_file_of_settings_is_refused(database: Database, text: str) -> None:
    assert refusals_of(database, text)


def test_all_faults_are_told_at_once(database: Database) -> None:
    def wrong(document: Any) -> None:
        document["settings"]["late_min"] = "x"
        document["displays"]["Sảnh A"]["rooms"] = ["PHONG-998", "PHONG-999"]

    assert len(refusals_of(database, changed(database, wrong))) == 3


def test_what_the_file_leaves_out_stays(database: Database) -> None:
    text = '{"format": "tiepdon-settings/1", "settings": {"late_min": 7}}'
    assert take(database, text) == ["settings.late_min: 15 → 7"]


def test_what_was_wrong_before_holds_nothing_else_up(database: Database) -> None:
    change_setting(database, "advance_min_vnd", 60_000_000)
    assert take(database, export_settings(database)) == []
    assert take(database, changed(database, set_in("settings", "late_min", to=7)))
    take_back(database)
    with pytest.raises(SettingsFileRefused, match="advance_min_vnd: Is more than"):
        take(database, changed(database, set_in("settings", "advance_max_vnd", to=50)))


def test_a_letter_of_the_his_is_never_ours_too(database: Database) -> None:
    def wrong(document: Any) -> None:
        document["settings"] |= {"numbering": "his", "letter_beside_his": "C"}

    assert "Two could get one number" in refusals_of(database, changed(database, wrong))[0]


def test_settings_of_a_newer_version_stay(database: Database) -> None:
    with database.write() as unit:
        unit.connection.execute(
            update(Facility).values(
                settings={
                    "from_the_future": 7,
                    "standing": {"level": "basic"},
                    "calling": {"from_the_future": 7},
                }
            )
        )
    take(database, changed(database, set_in("settings", "standing", "points", to=60)))
    take(database, changed(database, set_in("settings", "calling", "pause_ms", to=400)))
    with database.read() as connection:
        stored = connection.scalars(select(Facility.settings)).one()
    assert stored["from_the_future"] == 7
    assert set(stored) == {"from_the_future", "standing", "calling"}
    assert (stored["calling"]["from_the_future"], stored["calling"]["pause_ms"]) == (7, 400)
    assert (stored["standing"]["level"], stored["standing"]["points"]) == ("basic", 60)


def test_who_comes_second_looks_again(database: Database) -> None:
    text = changed(database, everywhere)
    seen = preview_import(database, text).seen
    change_setting(database, "late_min", 16)
    with pytest.raises(ChangedMeanwhile):
        import_settings(database, text, seen=seen)
    assert read_settings(database)["late_min"] == 16
    assert counts(database)[1:] == (0, 0)


def test_of_two_at_once_one_is_told(database: Database) -> None:
    files = [changed(database, set_in("settings", "late_min", to=each)) for each in (6, 7)]
    seen = preview_import(database, files[0]).seen

    def work(text: str) -> str:
        try:
            import_settings(database, text, seen=seen)
        except ChangedMeanwhile:
            return "told"
        return "done"

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(work, files)) == ["done", "told"]
    assert counts(database) == (2, 1, 1)


def test_a_change_by_hand_waits_for_an_import_under_way(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = changed(database, set_in("settings", "late_min", to=20))
    seen = preview_import(database, text).seen
    with ThreadPoolExecutor(1) as pool:
        by_hand = []

        def write_slowly(*arguments: Any) -> None:
            by_hand.append(pool.submit(change_setting, database, "late_min", 16))
            wait(by_hand, timeout=0.5)
            write_changes(*arguments)

        monkeypatch.setattr(service, "write_changes", write_slowly)
        import_settings(database, text, seen=seen)
        assert by_hand[0].result() == 20
    assert read_settings(database)["late_min"] == 16


def test_a_voice_that_was_given_away_in_this_moment_is_told(
    database: Database, hospital: Hospital, monkeypatch: pytest.MonkeyPatch
) -> None:
    if database.engine.dialect.name == "sqlite":
        pytest.skip("one writer at a time: nobody comes between")

    def change(document: Any) -> None:
        document["settings"]["late_min"] = 20
        document["displays"]["Sảnh B"] |= {"zone": "Tầng 1", "speaks": True}

    text = changed(database, change)
    seen = preview_import(database, text).seen
    wish = DisplayWish(
        name="Sảnh C",
        kind=DisplayKind.HALL,
        room_ids=(hospital.rooms["101"],),
        zone="Tầng 1",
        speaks=True,
    )

    def write_later(*arguments: Any) -> None:
        add_display(database, CatalogueSource(database).get(), wish, actor="staff:s1")
        write_changes(*arguments)

    monkeypatch.setattr(service, "write_changes", write_later)
    with pytest.raises(ChangedMeanwhile):
        import_settings(database, text, seen=seen)
    assert read_settings(database)["late_min"] == 15
    assert counts(database) == (1, 0, 0)


def test_a_failure_half_way_changes_nothing(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = export_settings(database)
    text = changed(database, everywhere)
    seen = preview_import(database, text).seen

    def fail(*_: Any) -> None:
        raise OSError("the disk is gone")

    with monkeypatch.context() as patch:
        patch.setattr(service, "_tell_displays", fail)  # after all tables were written
        with pytest.raises(OSError, match="disk"):
            import_settings(database, text, seen=seen)
    assert export_settings(database) == before
    assert counts(database) == (1, 0, 0)
    assert import_settings(database, text, seen=seen)


def test_without_an_import_there_is_nothing_to_take_back(database: Database) -> None:
    with pytest.raises(UndoOver):
        preview_undo(database)


def test_an_undo_takes_nothing_that_was_changed_since(database: Database) -> None:
    take(database, changed(database, everywhere))
    change_setting(database, "early_min", 45)
    preview_undo(database)  # another setting: no hindrance
    change_setting(database, "late_min", 21)
    with pytest.raises(ChangedMeanwhile):
        preview_undo(database)
    assert read_settings(database)["late_min"] == 21


def test_an_undo_leaves_what_was_changed_besides(database: Database) -> None:
    take(database, changed(database, everywhere))
    change_setting(database, "early_min", 45)
    take_back(database)
    settings = read_settings(database)
    assert (settings["late_min"], settings["early_min"]) == (15, 45)


def test_an_undo_of_a_display_that_is_gone_is_refused(database: Database) -> None:
    take(database, changed(database, everywhere))
    revoke_display(database, list_displays(database)[0].id, actor="staff:s1")
    with pytest.raises(ChangedMeanwhile):
        preview_undo(database)


def test_only_so_many_imports_are_kept(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "VERSIONS_KEPT", 3)
    for minutes in range(1, 6):
        take(database, changed(database, set_in("settings", "late_min", to=minutes)))
    assert counts(database) == (6, 3, 5)


PLACES = [
    *(("settings", name) for name in FacilitySettings().to_json()),
    *(("settings", "standing", name) for name in FacilitySettings().to_json()["standing"]),
    *(("settings", "calling", name) for name in FacilitySettings().to_json()["calling"]),
    *(("facility", name) for name in ("code", "name_vi", "hotline", "timezone")),
    *(("priority_groups", "from_80", name) for name in ("rank", "label_vi", "valid_to")),
    *(("displays", "Sảnh A", name) for name in ("kind", "rooms", "zone", "speaks")),
    ("kiosks", "k1", "name"),
]
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["N", "R", "vi", "new", ""]), inner, max_size=4)
    ),
    max_leaves=6,
)
TEXTS = st.text("aăâbcdđeêgh ưxyỹÁ-.01", min_size=1, max_size=30).map(
    lambda s: f"P {s.strip()}".strip()
)
COUNTS = st.integers(0, 10_000)
LETTERS = st.text("ABCDEFGHIJKLM", min_size=1, max_size=3)
FITTING: dict[tuple[str, ...], st.SearchStrategy[Any]] = {
    ("settings", "late_min"): COUNTS,
    ("settings", "numbering_wait_s"): st.floats(0.2, 2),
    ("settings", "checkin_uninsured"): st.booleans(),
    ("settings", "letters"): st.fixed_dictionaries(dict.fromkeys("NPBRTX", LETTERS)),
    ("settings", "load_aims"): st.lists(st.integers(1, 99), min_size=3, max_size=3).map(sorted),
    ("settings", "advances_vnd"): st.lists(st.integers(1, 10**9), max_size=8),
    ("settings", "standing", "points"): st.none() | st.integers(0, 100),
    ("settings", "calling", "rate"): st.floats(0.5, 1.5),
    ("settings", "calling", "volume"): st.dictionaries(
        st.sampled_from(["", "Tầng 1", "Tầng 2"]), st.integers(0, 100)
    ),
    ("facility", "name_vi"): TEXTS.map(lambda text: " ".join(text.split())),
    ("priority_groups", "from_80", "valid_to"): st.none()
    | st.dates(min_value=date(2011, 1, 1)).map(date.isoformat),
    ("displays", "Sảnh A", "rooms"): st.permutations(["PHONG-101", "PHONG-102", "PHONG-201"]),
    ("displays", "Sảnh B", "zone"): st.sampled_from(["", "Tầng 1"]),
    ("kiosks", "k1", "name"): TEXTS.map(lambda text: " ".join(text.split())),
}


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(values=st.fixed_dictionaries({}, optional=FITTING))
def test_what_fits_goes_in_comes_out_the_same_and_goes_back(
    database: Database, values: dict[tuple[str, ...], Any]
) -> None:
    before = export_settings(database)

    def change(document: Any) -> None:
        for path, value in values.items():
            set_in(*path, to=value)(document)

    text = changed(database, change)
    done = take(database, text)
    after = export_settings(database)
    assert json.loads(after) == json.loads(text)
    assert take(database, after) == take(database, text) == []
    if done:
        take_back(database)
    assert export_settings(database) == before


@settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.sampled_from(PLACES), value=ANYTHING)
def test_whatever_stands_anywhere_is_taken_whole_or_refused(
    database: Database, place: tuple[str, ...], value: Any
) -> None:
    """Never anything else, and what is taken can be read by every process."""
    before = export_settings(database)
    text = changed(database, set_in(*place, to=value))
    try:
        done = take(database, text)
    except SettingsFileRefused:
        assert export_settings(database) == before
        return
    assert CatalogueSource(database).get()
    assert json.loads(export_settings(database)) == json.loads(text)
    if done:
        take_back(database)
    assert export_settings(database) == before
