from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import update

from backend.domain.displays import DisplayKind, DisplayWish
from backend.domain.rooms import RoomReason, RoomState
from backend.errors import StorageUnavailable
from backend.services import manage_displays
from backend.services.manage_displays import AddedDisplay, add_display, revoke_display
from backend.services.resources import Resources
from backend.storage.catalogue_tables import Facility
from backend.voice.speaker import Speaker
from backend.web import display_pages
from tests.factories.desk import Desk
from tests.factories.hospital import Hospital
from tests.factories.rooms import Console

WRONG = ["x", "a" * 26, "A" * 26, "%00", "'--", "a" * 1_500]


@pytest.fixture
def hall(resources: Resources, hospital: Hospital) -> AddedDisplay:
    return make(resources, hospital, "Sảnh A", speaks=True)


def make(resources: Resources, hospital: Hospital, name: str, **wish: Any) -> AddedDisplay:
    rooms = tuple(hospital.rooms[code] for code in wish.pop("codes", ("101", "102")))
    kind = wish.pop("kind", DisplayKind.HALL)
    wanted = DisplayWish(name=name, kind=kind, room_ids=rooms, **wish)
    return add_display(resources.database, resources.catalogue.get(), wanted, actor="command")


def test_the_page_has_no_scripts_or_styles_of_its_own(
    client: FlaskClient, hall: AddedDisplay
) -> None:
    reply = client.get(f"/d/{hall.key}")
    assert reply.status_code == 200
    assert "script-src 'self'; style-src 'self'" in reply.headers["Content-Security-Policy"]
    assert "<style" not in reply.text
    assert reply.text.count("<script") == reply.text.count('<script type="module" src=')


@pytest.mark.parametrize("key", WRONG)
@pytest.mark.parametrize("rest", ["", "/state", "/live", f"/speech/{'0' * 32}.wav"])
def test_a_wrong_key_opens_nothing(
    client: FlaskClient, hall: AddedDisplay, key: str, rest: str
) -> None:
    reply = client.get(f"/d/{key}{rest}")
    assert reply.status_code == 404
    assert "Bình An" not in reply.text
    assert "101" not in reply.text


def test_a_revoked_key_looks_like_a_wrong_one(
    client: FlaskClient, resources: Resources, hall: AddedDisplay
) -> None:
    paths = ["", "/state", "/live"]
    assert [client.get(f"/d/{hall.key}{path}").status_code for path in paths] == [200, 200, 200]
    revoke_display(resources.database, hall.display.id, actor="command")
    for path in paths:
        revoked, wrong = client.get(f"/d/{hall.key}{path}"), client.get(f"/d/{'a' * 26}{path}")
        assert (revoked.status_code, revoked.data) == (404, wrong.data)


def test_the_state_says_what_was_called_and_who_is_next(
    client: FlaskClient, resources: Resources, hospital: Hospital, hall: AddedDisplay
) -> None:
    desk = Desk(resources, hospital)
    numbers = [desk.take("NOI").number for _ in range(4)]
    Console(resources, hospital, "101").next()
    state = client.get(f"/d/{hall.key}/state").json
    assert state is not None
    assert [call["number"] for call in state["calls"]] == [numbers[0]]
    assert sorted(n for room in state["rooms"] for n in room["next"]) == sorted(numbers[1:])
    assert "Nguyễn" not in json.dumps(state, ensure_ascii=False)


def test_another_room_s_call_is_not_on_the_board(
    client: FlaskClient, resources: Resources, hospital: Hospital
) -> None:
    other = make(resources, hospital, "Cửa 102", codes=("102",), kind=DisplayKind.DOOR)
    Desk(resources, hospital).take("NOI")
    Console(resources, hospital, "101").next()
    state = client.get(f"/d/{other.key}/state").json
    assert state is not None
    assert (state["calls"], [room["code"] for room in state["rooms"]]) == ([], ["102"])


def test_the_key_is_in_no_log(
    client: FlaskClient, hall: AddedDisplay, capfd: pytest.CaptureFixture[str]
) -> None:
    for path in ("", "/state", "/live", "/nothing"):
        client.get(f"/d/{hall.key}{path}")
    written = capfd.readouterr()
    assert hall.key not in written.out + written.err


def test_a_database_that_only_reads_still_shows_the_board(
    client: FlaskClient, hall: AddedDisplay, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise StorageUnavailable

    monkeypatch.setattr(display_pages, "record_sight", refuse)
    assert client.get(f"/d/{hall.key}/state").status_code == 200


def test_without_a_database_the_page_comes_back_by_itself(
    client: FlaskClient, hall: AddedDisplay, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise StorageUnavailable

    monkeypatch.setattr(display_pages, "find_display", refuse)
    reply = client.get(f"/d/{hall.key}")
    assert reply.status_code == 503
    assert 'http-equiv="refresh"' in reply.text
    assert client.get(f"/d/{hall.key}/state").status_code == 503


def test_words_of_the_his_are_text(
    client: FlaskClient, hall: AddedDisplay, hospital: Hospital
) -> None:
    with hospital.database.write() as unit:
        unit.connection.execute(update(Facility).values(name_vi="<script>'\"", name_en="</body>"))
    hospital.touch_catalogue()
    page = client.get(f"/d/{hall.key}").text
    assert "<script>'" not in page
    assert page.count("</body>") == 1


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the voice was asked to say, without one."""
    said: list[str] = []

    def speak(_self: Speaker, phrases: Any, style: Any, **options: Any) -> bytes:
        said.append(
            f"{style.language} {options['with_chime']} " + " ".join(p.text for p in phrases)
        )
        return b"RIFF"

    monkeypatch.setattr(Speaker, "speak", speak)
    return said


def test_a_call_is_spoken_by_number_and_room(
    client: FlaskClient,
    resources: Resources,
    hospital: Hospital,
    hall: AddedDisplay,
    said: list[str],
) -> None:
    Desk(resources, hospital).take("NOI")
    Console(resources, hospital, "101").next()
    (call,) = client.get(f"/d/{hall.key}/state").json["calls"]  # type: ignore[index]  # is there
    reply = client.get(f"/d/{hall.key}/speech/{call['id']}.wav?lang=vi")
    assert (reply.status_code, reply.content_type, reply.data) == (200, "audio/wav", b"RIFF")
    client.get(f"/d/{hall.key}/speech/{call['id']}.wav?lang=en")
    assert said[0].startswith("vi True Mời")
    assert said[1].startswith("en False Number")
    assert "Thử" not in "".join(said)


def test_a_pause_of_a_room_is_spoken(
    client: FlaskClient,
    resources: Resources,
    hospital: Hospital,
    hall: AddedDisplay,
    said: list[str],
) -> None:
    until = resources.database.clock() + timedelta(minutes=15)
    Console(resources, hospital, "101").change(
        state=RoomState.PAUSED, reason=RoomReason.BREAK, until=until
    )
    (notice,) = client.get(f"/d/{hall.key}/state").json["spoken"]  # type: ignore[index]  # is there
    assert client.get(f"/d/{hall.key}/notices/{notice['id']}.wav?lang=vi").status_code == 200
    assert "tạm nghỉ" in said[0]
    assert client.get(f"/d/{hall.key}/notices/{notice['id']}0.wav").status_code == 404


def test_who_does_not_speak_gets_no_voice(
    client: FlaskClient, resources: Resources, hospital: Hospital, said: list[str]
) -> None:
    quiet = make(resources, hospital, "Không loa")
    elsewhere = make(resources, hospital, "102", codes=("102",), speaks=True)
    Desk(resources, hospital).take("NOI")
    Console(resources, hospital, "101").next()
    (call,) = client.get(f"/d/{quiet.key}/state").json["calls"]  # type: ignore[index]  # is there
    for display in (quiet, elsewhere):
        reply = client.get(f"/d/{display.key}/speech/{call['id']}.wav")
        assert reply.status_code == 404
    assert client.get(f"/d/{elsewhere.key}/speech/..%2f.wav").status_code == 404
    assert said == []


def test_keys_are_long_enough() -> None:
    assert len(manage_displays._ALPHABET) ** manage_displays._KEY_CHARS > 2**120
