from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from backend.domain.calling_settings import TEMPLATES
from backend.domain.roles import StaffRole
from tests.factories.accounts import Accounts
from tests.unit.backend.web.conftest import ApiCaller


@pytest.fixture(params=[StaffRole.CONTENT_EDITOR, StaffRole.HEAD])
def editor(client: FlaskClient, accounts: Accounts, request: pytest.FixtureRequest) -> ApiCaller:
    accounts.add("bien", request.param)
    return ApiCaller(client, accounts.token("bien"))


def put(editor: ApiCaller, body: Any) -> TestResponse:
    return editor.client.put("/api/v1/calling-words", headers=editor.headers, json=body)


def read(editor: ApiCaller) -> dict[str, Any]:
    reply = editor.get("/calling-words").json
    assert reply is not None
    return {name: reply[name] for name in reply if name not in {"changed_at", "changed_by"}}


def test_read_and_change(editor: ApiCaller) -> None:
    words = read(editor)
    assert words["version"] == 0
    assert words["templates"].keys() == TEMPLATES.keys()
    wish = words | {"region": "nam", "volume": {"": 70, "Tầng 1": 40}}
    reply = put(editor, wish)
    assert (reply.status_code, reply.json["version"]) == (200, 1)
    assert read(editor) == wish | {"version": 1}
    stale = put(editor, wish)
    assert (stale.status_code, stale.json["code"]) == (409, "calling_words_changed")


def test_a_sentence_without_its_number_is_named(editor: ApiCaller) -> None:
    words = read(editor)
    words["templates"]["call_room"]["vi"] = "Mời vào phòng {room}"
    reply = put(editor, words)
    assert (reply.status_code, reply.json["code"]) == (422, "calling_words_refused")
    assert reply.json["fields"] == ["templates.call_room.vi"]


@pytest.mark.parametrize(
    "change",
    [{"rate": 9}, {"volume": {"": 101}}, {"region": "x"}, {"languages": []}, {"more": 1}],
)
def test_what_has_no_shape_is_refused(editor: ApiCaller, change: dict[str, Any]) -> None:
    assert put(editor, read(editor) | change).status_code == 422
    assert read(editor)["version"] == 0


def test_others_stay_out(kiosk: ApiCaller, client: FlaskClient, accounts: Accounts) -> None:
    accounts.add("truc", StaffRole.RECEPTION)
    desk = ApiCaller(client, accounts.token("truc"))
    for stranger in (kiosk, desk):
        assert stranger.get("/calling-words").status_code == 403
        assert put(stranger, {}).status_code == 403
