from __future__ import annotations

import base64
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from his_adapter.bhxh.client import CARD, CHECK_IN, HISTORY, TOKEN
from his_adapter.bhxh.emulator import ACCOUNT, CLAIM, CONTROL, WITHDRAWN, BhxhEmulator
from his_adapter.demo.personas import PERSONAS
from tests.factories.bhxh import NOW, PASSWORD_MD5

ROW = (
    "<CHI_TIEU_TRANG_THAI_KCB><DSACH_TRANG_THAI_KCB><TRANG_THAI_KCB><MA_LK>{visit}</MA_LK>"
    "<MA_CSKCB>99001</MA_CSKCB><MA_DICH_VU>99.1</MA_DICH_VU><NGAY_YL>202611230800</NGAY_YL>"
    "</TRANG_THAI_KCB></DSACH_TRANG_THAI_KCB><CHUKYDONVI/></CHI_TIEU_TRANG_THAI_KCB>"
)


@pytest.fixture
def emulator() -> Iterator[BhxhEmulator]:
    with BhxhEmulator(clock=lambda: NOW, seed=7) as running:
        yield running


def take(emulator: BhxhEmulator, **changes: str) -> dict[str, Any]:
    form = {"username": ACCOUNT, "password": PASSWORD_MD5} | changes
    reply: dict[str, Any] = requests.post(emulator.base_url + TOKEN, data=form, timeout=5).json()
    return reply


def session(emulator: BhxhEmulator) -> dict[str, str]:
    key = take(emulator)["APIKey"]
    return {
        "token": key["access_token"],
        "id_token": key["id_token"],
        "username": ACCOUNT,
        "password": PASSWORD_MD5,
    }


def send(
    emulator: BhxhEmulator, document: bytes | str, path: str = CHECK_IN, **changes: str
) -> dict[str, Any]:
    given = session(emulator)
    content = document.encode() if isinstance(document, str) else document
    form = {
        "username": ACCOUNT,
        "loaiHoSo": "0" if path == CHECK_IN else "130",
        "maTinh": "99",
        "maCSKCB": "99001",
        "fileHSBase64": base64.b64encode(content).decode(),
    }
    headers = {
        "accessToken": given["token"],
        "tokenId": given["id_token"],
        "passwordHash": PASSWORD_MD5,
    }
    reply: dict[str, Any] = requests.post(
        emulator.base_url + path, data=form | changes, headers=headers, timeout=5
    ).json()
    return reply


def test_login_by_form_and_json_in_either_case(emulator: BhxhEmulator) -> None:
    assert take(emulator)["maKetQua"] == "200"
    assert take(emulator, password=PASSWORD_MD5.lower())["maKetQua"] == "200"
    assert take(emulator, password="0" * 32) == {"maKetQua": "401", "APIKey": None}
    body = {"username": ACCOUNT, "password": PASSWORD_MD5}
    reply = requests.post(emulator.base_url + TOKEN, json=body, timeout=5).json()
    assert reply["APIKey"]["expires_in"] == "2026-11-23T01:10:00Z"


def test_the_same_seed_gives_the_same_session(emulator: BhxhEmulator) -> None:
    with BhxhEmulator(clock=lambda: NOW, seed=7) as other:
        assert take(other) == take(emulator)


@pytest.mark.parametrize("path", sorted(WITHDRAWN))
def test_withdrawn_paths_are_gone(emulator: BhxhEmulator, path: str) -> None:
    assert requests.post(emulator.base_url + path, timeout=5).status_code == 404
    emulator.control(withdrawn_status=410)
    assert requests.post(emulator.base_url + path, timeout=5).status_code == 410


@pytest.mark.parametrize("path", [CARD, HISTORY])
@pytest.mark.parametrize("as_json", [True, False])
def test_questions_by_json_and_form(emulator: BhxhEmulator, path: str, as_json: bool) -> None:
    asked = {
        "maThe": "099090000001",
        "hoTen": "Nguyễn Văn Mẫu",
        "ngaySinh": "05/03/1990",
        "hoTenCb": "Trần Thị Ví Dụ",
        "cccdCb": "099185000009",
    }
    given = {"json": asked} if as_json else {"data": asked}
    url = emulator.base_url + path
    assert (
        requests.post(url, params=session(emulator), timeout=5, **given).json()["maKetQua"] == "000"
    )
    wrong = session(emulator) | {"token": "x"}
    assert requests.post(url, params=wrong, timeout=5, **given).json()["maKetQua"] == "401"
    asked["hoTenCb"] = ""
    assert "Null hoTenCb" in requests.post(url, params=session(emulator), timeout=5, **given).text


def test_files_are_kept_once(emulator: BhxhEmulator) -> None:
    first = send(emulator, ROW.format(visit="1+1/="))
    assert first["maKetQua"] == "200"
    assert first["thoiGianTiepNhan"] == "20261123080000"
    again = send(emulator, ROW.format(visit="1+1/="))
    assert again["maGiaoDich"] == first["maGiaoDich"]
    send(emulator, ROW.format(visit="2"))
    assert [each.kind for each in emulator.kept] == ["0", "0"]
    assert emulator.kept[0].document == ROW.format(visit="1+1/=").encode()
    assert emulator.duplicates == 1


@pytest.mark.parametrize(
    ("document", "changes", "code"),
    [
        (ROW, {"maCSKCB": "99002"}, "403"),
        (ROW, {"loaiHoSo": "9"}, "202"),
        (ROW, {"fileHSBase64": "%%%"}, "201"),
        (ROW, {"fileHSBase64": ""}, "204"),
        ("<a>", {}, "201"),
        ('<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', {}, "201"),
    ],
)
def test_files_that_are_not_taken(
    emulator: BhxhEmulator, document: str, changes: dict[str, str], code: str
) -> None:
    assert send(emulator, document, **changes)["maKetQua"] == code
    assert emulator.kept == []


def test_a_validator_decides() -> None:
    with BhxhEmulator(validator=lambda _: ["CI-01 GIOI_TINH"]) as emulator:
        reply = send(emulator, ROW)
    assert (reply["maKetQua"], reply["thongDiep"]) == ("202", "CI-01 GIOI_TINH")


def test_claims_are_kept_too(emulator: BhxhEmulator) -> None:
    assert send(emulator, "<GIAMDINHHS/>", path=CLAIM)["maKetQua"] == "200"


def test_steered_from_outside(emulator: BhxhEmulator) -> None:
    url = emulator.base_url + CONTROL
    assert requests.post(url, json={"delay_ms": 5}, timeout=5).json()["settings"]["delay_ms"] == 5
    assert requests.post(url, json={"typo": 1}, timeout=5).status_code == 400
    assert requests.post(url, json={"delay_ms": "much"}, timeout=5).status_code == 400
    assert requests.post(url, data=b"[", timeout=5).status_code == 400
    assert requests.get(url, timeout=5).json()["kept"] == 0


def test_its_log_has_paths_only(emulator: BhxhEmulator, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="his_adapter.bhxh.emulator")
    requests.post(emulator.base_url + CARD, params=session(emulator), json={}, timeout=5)
    records = [r for r in caplog.records if r.name == "his_adapter.bhxh.emulator"]
    assert [r.path for r in records] == [TOKEN, CARD]  # type: ignore[attr-defined]
    assert PASSWORD_MD5 not in json.dumps([str(vars(r)) for r in records])


def test_it_can_know_the_people_of_the_demo_hospital() -> None:
    from his_adapter.bhxh.emulated_people import from_demo

    known = from_demo(PERSONAS)
    assert {person.cccd for person in known} & {p.id_number for p in PERSONAS}
