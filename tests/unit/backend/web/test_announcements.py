from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from backend.domain.roles import StaffRole
from tests.factories.accounts import Accounts
from tests.unit.backend.web.conftest import ApiCaller

PHARMACY = {
    "text_vi": "Nhà thuốc đóng cửa lúc 16 giờ 30.",
    "text_en": "The pharmacy closes at half past four.",
    "weekdays": [4, 0],
    "times": ["16:15", "16:00"],
    "zones": ["tang-1"],
}


@pytest.fixture
def editor(client: FlaskClient, accounts: Accounts) -> ApiCaller:
    """A program of a member of staff who looks after what halls are told."""
    accounts.add("bien", StaffRole.CONTENT_EDITOR)
    return ApiCaller(client, accounts.token("bien"))


def put(editor: ApiCaller, announcement_id: str, body: Any) -> TestResponse:
    path = f"/api/v1/announcements/{announcement_id}"
    return editor.client.put(path, headers=editor.headers, json=body)


def test_add_list_change(editor: ApiCaller) -> None:
    added = editor.post("/announcements", PHARMACY)
    assert added.status_code == 201
    assert added.json["version"] == 1
    assert added.json["times"] == ["16:00", "16:15"]
    assert added.json["weekdays"] == [0, 4]
    assert editor.get("/announcements").json == {"items": [added.json], "complete": True}
    off = put(editor, added.json["id"], PHARMACY | {"active": False, "version": 1})
    assert (off.status_code, off.json["version"], off.json["active"]) == (200, 2, False)
    stale = put(editor, added.json["id"], PHARMACY | {"version": 1})
    assert (stale.status_code, stale.json["code"]) == (409, "announcement_changed")
    gone = put(editor, "unknown", PHARMACY | {"version": 1})
    assert (gone.status_code, gone.json["code"]) == (404, "announcement_not_found")


def test_a_key_gives_the_first_answer_again(editor: ApiCaller) -> None:
    first = editor.post("/announcements", PHARMACY, key="k")
    assert editor.post("/announcements", PHARMACY, key="k").json == first.json
    assert len(editor.get("/announcements").json["items"]) == 1


def test_a_script_is_text(editor: ApiCaller) -> None:
    text = '<script>alert(1)</script> & "xin chào"'
    assert editor.post("/announcements", PHARMACY | {"text_vi": text}).json["text_vi"] == text


def test_a_page_of_many(editor: ApiCaller) -> None:
    for _ in range(3):
        editor.post("/announcements", PHARMACY)
    page = editor.get("/announcements?limit=2").json
    assert (len(page["items"]), page["complete"]) == (2, False)


def test_others_stay_out(kiosk: ApiCaller, staff: ApiCaller, editor: ApiCaller) -> None:
    assert staff.post("/announcements", PHARMACY).status_code == 403
    assert kiosk.get("/announcements").status_code == 403
    assert kiosk.post("/announcements", PHARMACY).status_code == 403
    assert editor.client.get("/api/v1/announcements").status_code == 401


@pytest.mark.parametrize(
    "change",
    [
        {"text_vi": ""},
        {"text_vi": "   "},
        {"text_vi": "x" * 601},
        {"text_vi": "a\u0000b"},
        {"times": ["24:00"]},
        {"times": ["8:00"]},
        {"times": []},
        {"times": ["08:00"] * 49},
        {"every_min": 1},
        {"weekdays": []},
        {"weekdays": [7]},
        {"starts_at": "10:00", "ends_at": "09:00"},
        {"valid_from": "2026-02-02", "valid_to": "2026-02-01"},
        {"valid_from": "2026-02-30"},
        {"zones": ["a\nb"]},
        {"zones": ["x" * 61]},
        {"unheard_of": 1},
    ],
)
def test_what_cannot_be_kept_is_refused(editor: ApiCaller, change: dict[str, Any]) -> None:
    reply = editor.post("/announcements", PHARMACY | change)
    assert reply.status_code == 422
    assert editor.get("/announcements").json["items"] == []
