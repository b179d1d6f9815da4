from __future__ import annotations

import html
import re
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from backend.domain.roles import StaffRole
from backend.services.keep_announcements import list_announcements
from backend.services.resources import Resources
from backend.storage.database import Database
from backend.voice.clips import ClipCache
from backend.voice.recorded import load_packs
from backend.voice.sound import read_wav, write_wav
from backend.voice.speaker import Speaker
from tests.factories.accounts import Accounts, csrf_token, sign_in
from tests.factories.voices import ToneEngine, tone, write_pack

PAGE = "/staff/announcements"
PHARMACY: dict[str, Any] = {
    "text_vi": "Nhà thuốc đóng cửa lúc 16 giờ 30.",
    "text_en": "The pharmacy closes at half past four.",
    "spoken": "yes",
    "zones_more": "Tầng 1, Sảnh A",
    "weekdays": ["4", "0"],
    "times": "16h15, 8 giờ",
    "every_min": "",
    "starts_at": "7h",
    "ends_at": "16.30",
    "valid_from": "",
    "valid_to": "",
}


@pytest.fixture
def csrf(browser: FlaskClient, accounts: Accounts) -> str:
    accounts.add("bien", StaffRole.CONTENT_EDITOR, display_name="Hoàng Văn Biên")
    return sign_in(browser, "bien")


def send(browser: FlaskClient, csrf: str, path: str = PAGE, **fields: Any) -> TestResponse:
    return browser.post(path, data={"csrf_token": csrf} | fields)


def add(browser: FlaskClient, csrf: str, **changes: Any) -> str:
    """Through the page; returns the path of the new one."""
    key = re.search(r'name="key" value="([^"]+)"', browser.get(PAGE).text)
    assert key is not None
    reply = send(browser, csrf, **PHARMACY | {"key": key[1]} | changes)
    assert reply.status_code == 303, reply.text
    return PAGE


def test_written_in_the_words_of_people(
    browser: FlaskClient, csrf: str, database: Database
) -> None:
    add(browser, csrf)
    (kept,) = list_announcements(database)
    assert [f"{at:%H:%M}" for at in kept.times] == ["08:00", "16:15"]
    assert (f"{kept.starts_at:%H:%M}", f"{kept.ends_at:%H:%M}") == ("07:00", "16:30")
    assert (kept.weekdays, kept.zones) == ((0, 4), ("Tầng 1", "Sảnh A"))
    assert (kept.spoken, kept.changed_by) == (True, "Hoàng Văn Biên")
    page = browser.get(PAGE + "?done=added").text
    for words in ("Nhà thuốc đóng cửa", "T2, T6", "Tầng 1", "Đã thêm thông báo"):
        assert words in page


def test_the_same_form_twice_is_one_and_another_text_is_another(
    browser: FlaskClient, csrf: str, database: Database
) -> None:
    for text in ("Một", "Một", "Hai"):
        send(browser, csrf, **PHARMACY | {"key": "a" * 32, "text_vi": text})
    assert sorted(kept.text_vi for kept in list_announcements(database)) == ["Hai", "Một"]


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"text_vi": "  "}, "text_vi"),
        ({"text_en": "x" * 601}, "text_en"),
        ({"times": "lúc chiều"}, "times"),
        ({"times": "25:00"}, "times"),
        ({"times": ""}, "times"),
        ({"every_min": "2"}, "every_min"),
        ({"every_min": "mười"}, "every_min"),
        ({"weekdays": []}, "weekdays"),
        ({"starts_at": ""}, "starts_at"),
        ({"ends_at": "6h"}, "ends_at"),
        ({"valid_from": "2026-12-02", "valid_to": "2026-12-01"}, "valid_to"),
        ({"valid_from": "9999-12-31"}, "valid_from"),
        ({"valid_to": "0001-01-01"}, "valid_to"),
        ({"weekdays": ["9" * 5_000]}, "weekdays"),
        ({"weekdays": ["²"]}, "weekdays"),
        ({"zones_more": "x" * 61}, "zones"),
    ],
)
def test_what_does_not_fit_is_said_beside_its_field_and_nothing_typed_is_lost(
    browser: FlaskClient, csrf: str, database: Database, change: dict[str, Any], fault: str
) -> None:
    reply = send(browser, csrf, **PHARMACY | change)
    assert reply.status_code == 422
    assert f'id="fault-{fault}"' in reply.text
    assert reply.text.count('id="fault-') == 1
    assert "16h15" in reply.text or "times" in change
    assert list_announcements(database) == []


def test_two_editors_at_once(browser: FlaskClient, csrf: str, database: Database) -> None:
    add(browser, csrf)
    (kept,) = list_announcements(database)
    path = f"{PAGE}/{kept.id}"
    assert 'name="version" value="1"' in browser.get(path).text
    first = send(browser, csrf, path, **PHARMACY | {"text_vi": "Một", "version": "1"})
    assert first.status_code == 303
    second = send(browser, csrf, path, **PHARMACY | {"text_vi": "Hai", "version": "1"})
    assert second.status_code == 409
    assert "Người khác vừa sửa" in second.text
    assert 'name="version" value="2"' in second.text
    assert re.search(r"<textarea[^>]*>Một</textarea>", second.text)
    assert "<p>Hai</p>" in second.text  # what was typed is not lost
    assert list_announcements(database)[0].text_vi == "Một"


def test_switched_off_and_on_again(browser: FlaskClient, csrf: str, database: Database) -> None:
    add(browser, csrf)
    (kept,) = list_announcements(database)
    for _ in range(2):  # the second press finds it done
        assert send(browser, csrf, f"{PAGE}/{kept.id}/off", version="1").status_code == 303
    assert [(each.active, each.version) for each in list_announcements(database)] == [(False, 2)]
    assert send(browser, csrf, f"{PAGE}/{kept.id}/on", version="1").status_code == 409
    assert send(browser, csrf, f"{PAGE}/{kept.id}/on", version="2").status_code == 303
    # A change by hand keeps what is off off.
    send(browser, csrf, f"{PAGE}/{kept.id}/off", version="3")
    send(browser, csrf, f"{PAGE}/{kept.id}", **PHARMACY | {"version": "4"})
    assert [(each.active, each.version) for each in list_announcements(database)] == [(False, 5)]


def test_a_script_is_text(browser: FlaskClient, csrf: str, database: Database) -> None:
    script = '<script>alert("vi")</script>'
    add(browser, csrf, text_vi=script, text_en=script, zones_more=script)
    (kept,) = list_announcements(database)
    assert (kept.text_vi, kept.zones) == (script, (script,))
    for path in (PAGE, f"{PAGE}/{kept.id}"):
        page = browser.get(path).text
        assert "<script>alert" not in page
        assert html.escape(script).replace("&quot;", "&#34;") in page


@pytest.mark.parametrize("path", ["x", "0" * 32, "'--", "%00"])
def test_one_that_never_was(browser: FlaskClient, csrf: str, path: str) -> None:
    assert browser.get(f"{PAGE}/{path}").status_code == 404
    assert send(browser, csrf, f"{PAGE}/{path}", **PHARMACY).status_code == 404
    assert send(browser, csrf, f"{PAGE}/{path}/off").status_code == 404


def test_others_stay_out_and_forms_of_others_do_nothing(
    browser: FlaskClient, accounts: Accounts, client: FlaskClient, database: Database
) -> None:
    accounts.add("truc", StaffRole.RECEPTION)
    csrf = sign_in(browser, "truc")
    assert browser.get(PAGE).status_code == 403
    assert send(browser, csrf, **PHARMACY).status_code == 403
    assert send(browser, csrf, f"{PAGE}/sound", **PHARMACY).status_code == 403
    assert PAGE not in browser.get("/staff").text
    assert client.get(PAGE).status_code == 303
    accounts.add("bien", StaffRole.CONTENT_EDITOR)
    sign_in(client, "bien")
    assert PAGE in client.get("/staff").text
    assert client.post(PAGE, data=PHARMACY).status_code == 403
    assert list_announcements(database) == []


# --- heard before it is kept ------------------------------------------------------------------


@pytest.fixture
def tones(resources: Resources, tmp_path: Any) -> ToneEngine:
    """Tones instead of a voice, and one recording."""
    engine = ToneEngine()
    write_pack(tmp_path / "packs/co-thanh", {"Mời giữ im lặng nhé": write_wav(tone(1.5))})
    vars(resources)["speaker"] = Speaker(
        clips=ClipCache(tmp_path / "clips", engine), packs=load_packs(tmp_path / "packs")
    )
    return engine


@pytest.mark.usefixtures("accounts")
def test_what_is_typed_is_heard(
    browser: FlaskClient, csrf: str, tones: ToneEngine, resources: Resources, database: Database
) -> None:
    reply = send(browser, csrf, f"{PAGE}/sound", **PHARMACY | {"lang": "vi"})
    assert (reply.status_code, reply.content_type) == (200, "audio/wav")
    assert read_wav(reply.data).any()
    assert "mười sáu" in " ".join(tones.said)
    assert resources.speaker.clips.counts.late == 0
    assert list_announcements(database) == []
    empty = send(browser, csrf, f"{PAGE}/sound", text_vi=" ", lang="vi")
    assert empty.status_code == 503


def test_the_kept_one_is_heard_at_its_address(
    browser: FlaskClient, csrf: str, tones: ToneEngine, database: Database
) -> None:
    add(browser, csrf)
    (kept,) = list_announcements(database)
    reply = browser.get(f"{PAGE}/{kept.id}/sound.wav?lang=en")
    assert reply.content_type == "audio/wav"
    assert "pharmacy" in " ".join(tones.said)


def test_recordings_are_offered_and_heard(
    browser: FlaskClient, csrf: str, tones: ToneEngine
) -> None:
    assert (
        '<option value="mời giữ im lặng nhé">Mời giữ im lặng nhé</option>' in browser.get(PAGE).text
    )
    send(browser, csrf, f"{PAGE}/sound", text_vi="Khác", clip="mời giữ im lặng nhé", lang="vi")
    assert "Khác" not in tones.said


def test_the_csrf_token_stands_on_the_page(browser: FlaskClient, csrf: str) -> None:
    assert csrf_token(browser.get(PAGE))
    assert csrf
