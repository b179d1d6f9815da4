from __future__ import annotations

import html
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from backend.domain.calling_settings import TEMPLATES, CallingSettings
from backend.domain.roles import StaffRole
from backend.services.change_calling_words import change_calling_words, get_calling_words
from backend.services.recognise_caller import Caller
from backend.services.resources import Resources
from backend.storage.database import Database
from backend.voice.clips import ClipCache
from backend.voice.sound import read_wav
from backend.voice.speaker import Speaker
from tests.factories.accounts import Accounts, sign_in
from tests.factories.voices import ToneEngine

PAGE = "/staff/calling-words"
STAFF = Caller(role="staff", id="s9", name="Lê Thị Trực")
USUAL = CallingSettings()
FORM: dict[str, Any] = {
    "version": "0",
    "person_word": "bệnh nhân",
    "languages": "vi",
    "region": "bac",
    "rooms": "digits",
    "leading_zeros": "value",
    "chime": "on",
    "rate": "0.9",
    "pause_ms": "300",
    "gap_s": "9",
    "drop_calls_after_s": "60",
    "said": ["results_ready", "room_moved", "room_paused"],
    "zone": [""],
    "volume": ["100"],
} | {
    f"{kind}.{name}": str(getattr(sentence, name))
    for kind, sentence in TEMPLATES.items()
    for name in ("vi", "en", "times")
}


@pytest.fixture(params=[StaffRole.CONTENT_EDITOR, StaffRole.HEAD])
def csrf(browser: FlaskClient, accounts: Accounts, request: pytest.FixtureRequest) -> str:
    accounts.add("bien", request.param, display_name="Hoàng Văn Biên")
    return sign_in(browser, "bien")


def send(browser: FlaskClient, csrf: str, path: str = PAGE, **fields: Any) -> TestResponse:
    return browser.post(path, data={"csrf_token": csrf} | fields)


def test_the_page_shows_what_is_shown_and_said(browser: FlaskClient, csrf: str) -> None:
    page = browser.get(PAGE).text
    assert "Mời bệnh nhân số A024 đến phòng 102." in page
    assert "hai mươi tư" in page
    assert "Numbers A024, A025 and A026, please get ready." in page
    assert page.count("data-kind=") == len(TEMPLATES)
    assert csrf


def test_saved_and_back_again(browser: FlaskClient, csrf: str, database: Database) -> None:
    changes = {
        "region": "nam",
        "rate": "0,85",
        "languages": "vi en",
        "call_room.vi": "Số {number} vào phòng {room} ạ.",
        "missed.vi": "",
        "said": ["missed", "room_moved"],
        "zone": ["", "Tầng 1", ""],
        "volume": ["80", "40", "55"],
    }
    fields = {name: value for name, value in (FORM | changes).items() if name != "chime"}
    assert send(browser, csrf, **fields).status_code == 303
    kept = get_calling_words(database)
    assert kept.words.templates.keys() == {"call_room"}
    assert replace(kept.words, templates={}) == CallingSettings(
        region="nam",
        rate=0.85,
        languages=("vi", "en"),
        chime=False,
        silent=("results_ready", "room_paused"),
        volume={"": 80, "Tầng 1": 40},
    )
    page = browser.get(PAGE).text
    assert "Hoàng Văn Biên lưu lần cuối" in page
    assert "Số A024 vào phòng 102 ạ." in page
    boxes = re.findall(r'name="said" value="(\w+)"( checked)?', page)
    assert boxes == [
        ("missed", " checked"),
        ("results_ready", ""),
        ("room_moved", " checked"),
        ("room_paused", ""),
    ]
    assert send(browser, csrf, f"{PAGE}/undo", version="1").status_code == 303
    assert get_calling_words(database).words == USUAL
    assert send(browser, csrf, f"{PAGE}/undo", version="1").status_code == 409  # pressed twice
    assert get_calling_words(database).version == 2


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"call_room.vi": "Mời vào phòng {room}"}, "templates.call_room.vi"),
        ({"call_room.en": "{name}"}, "templates.call_room.en"),
        ({"call_room.en": "{number"}, "templates.call_room.en"),
        ({"call_room.en": "{number.__class__} {room}"}, "templates.call_room.en"),
        ({"rate": "nhanh"}, "rate"),
        ({"gap_s": "nan"}, "gap_s"),
        ({"pause_ms": "1e999"}, "pause_ms"),
        ({"zone": ["", "x" * 61], "volume": ["1", "1"]}, "volume"),
        ({"volume": ["300"]}, "volume"),
    ],
)
def test_what_does_not_fit_is_said_beside_its_field(
    browser: FlaskClient, csrf: str, database: Database, change: dict[str, Any], fault: str
) -> None:
    reply = send(browser, csrf, **FORM | change | {"missed.vi": "Số {number} qua lượt rồi."})
    assert reply.status_code == 422
    assert f'aria-describedby="fault-{fault}"' in reply.text
    assert "Số {number} qua lượt rồi." in reply.text  # nothing typed is lost
    assert get_calling_words(database).version == 0


@pytest.mark.parametrize(
    "change",
    [{"person_word": "}{"}, {"region": "tay"}, {"languages": "fr"}, {"rooms": ""}],
)
def test_forged_choices_are_refused(
    browser: FlaskClient, csrf: str, database: Database, change: dict[str, Any]
) -> None:
    assert send(browser, csrf, **FORM | change).status_code == 422
    assert send(browser, csrf, f"{PAGE}/preview", **FORM | change).status_code == 200
    assert (
        send(browser, csrf, f"{PAGE}/sound", say="call_room vi", **FORM | change).status_code == 422
    )
    assert get_calling_words(database).version == 0


def test_two_editors_at_once(browser: FlaskClient, csrf: str, database: Database) -> None:
    change_calling_words(database, replace(USUAL, region="nam"), version=0, staff=STAFF)
    reply = send(browser, csrf, **FORM | {"missed.vi": "Số {number} qua lượt rồi.", "rate": "1.1"})
    assert reply.status_code == 409
    assert "Người khác vừa lưu" in reply.text
    assert 'name="version" value="1"' in reply.text
    lost = reply.text.partition('class="panel lost"')[2].partition("</section>")[0]
    for words in ("Số {number} qua lượt rồi.", "1.1", "Đã qua lượt"):
        assert words in lost
    assert get_calling_words(database).words == replace(USUAL, region="nam")


def test_a_script_is_text(browser: FlaskClient, csrf: str) -> None:
    script = '<script>alert("vi")</script> {number} {room}'
    send(
        browser, csrf, **FORM | {"call_room.vi": script, "zone": ["", "<b>"], "volume": ["9", "9"]}
    )
    page = browser.get(PAGE).text
    assert "<script>alert" not in page
    assert html.escape("<script>alert") in page
    found = send(browser, csrf, f"{PAGE}/preview", **FORM | {"call_room.vi": script})
    assert found.content_type == "application/json"


def test_previews_follow_the_form(browser: FlaskClient, csrf: str, database: Database) -> None:
    fields = FORM | {"number": "H105", "room": "B2", "region": "nam", "missed.vi": "Mất lượt"}
    found = send(browser, csrf, f"{PAGE}/preview", **fields).json
    assert found is not None
    assert found["call_room"]["vi"]["shown"] == "Mời bệnh nhân số H105 đến phòng B2."
    assert "một trăm lẻ năm" in found["call_room"]["vi"]["spoken"]
    assert found["missed"]["vi"] == {"shown": "", "spoken": "", "is_faulty": True}
    assert get_calling_words(database).version == 0
    unreadable = send(browser, csrf, f"{PAGE}/preview", **FORM | {"number": "???"}).json
    assert unreadable is not None
    assert unreadable["call_room"]["vi"]["is_faulty"]


def test_what_is_typed_is_heard(
    browser: FlaskClient, csrf: str, resources: Resources, tmp_path: Path
) -> None:
    tones = ToneEngine()
    vars(resources)["speaker"] = Speaker(clips=ClipCache(tmp_path / "clips", tones))
    fields = FORM | {"call_room.vi": "Này {number}, phòng {room}", "region": "nam"}
    reply = send(browser, csrf, f"{PAGE}/sound", say="call_room vi", **fields)
    assert (reply.status_code, reply.content_type) == (200, "audio/wav")
    assert read_wav(reply.data).any()
    assert "Này" in tones.said
    assert "hai mươi bốn" in tones.said
    for say in ("call_nobody vi", "call_room fr", ""):
        assert send(browser, csrf, f"{PAGE}/sound", say=say, **fields).status_code == 422
    assert (
        send(
            browser, csrf, f"{PAGE}/sound", say="call_room vi", **FORM | {"number": "???"}
        ).status_code
        == 422
    )


def test_others_stay_out(browser: FlaskClient, accounts: Accounts, database: Database) -> None:
    accounts.add("truc", StaffRole.RECEPTION)
    csrf = sign_in(browser, "truc")
    assert browser.get(PAGE).status_code == 403
    for path in (PAGE, f"{PAGE}/undo", f"{PAGE}/preview", f"{PAGE}/sound"):
        assert send(browser, csrf, path, **FORM).status_code == 403
    assert PAGE not in browser.get("/staff").text
    assert get_calling_words(database).version == 0


def test_the_form_of_another_site_does_nothing(
    browser: FlaskClient, csrf: str, database: Database
) -> None:
    assert csrf
    assert browser.post(PAGE, data=FORM).status_code == 403
    assert get_calling_words(database).version == 0
    assert re.search(r'name="csrf_token" value="[^"]+"', browser.get(PAGE).text)
