from __future__ import annotations

import re
import time
from typing import Any

import pytest
import requests
from playwright.sync_api import Page, expect

from backend.domain.ids import new_id
from tests.browser.conftest import OpenPage, list_serious_faults
from tiepdon.demo.hall import Hall
from tiepdon.demo.server import DemoServer, sign_in

SMALL = {"width": 360, "height": 740}
LISTEN = """() => {
  window.rung = [];
  navigator.vibrate = (pattern) => window.rung.push(pattern.length);
}"""


class Room:
    """The staff of one room of the demo, at its API."""

    def __init__(self, server: DemoServer, hall: Hall, code: str) -> None:
        self._http = requests.Session()
        self._http.trust_env = False
        sign_in(self._http, server.address, "phong")
        home = self._http.get(f"{server.address}/staff", timeout=20).text
        token = re.search(r'name="csrf_token" value="([^"]+)"', home)
        assert token is not None
        self._http.headers["X-CSRF-Token"] = token[1]
        self._url = f"{server.address}/api/v1/rooms/{hall.find_room(code)}"
        self.now: dict[str, Any] = {}

    def _post(self, path: str, body: dict[str, object]) -> None:
        key = {"Idempotency-Key": new_id()}
        reply = self._http.post(f"{self._url}/{path}", json=body, headers=key, timeout=20)
        reply.raise_for_status()
        self.now = reply.json()

    def next(self) -> None:
        current = self.now.get("current", [])
        finish = [{"step_id": step["step_id"], "version": step["version"]} for step in current]
        self._post("next", {"finish": finish})

    def act(self, act: str, reason: str | None = None) -> None:
        (step,) = self.now["current"]
        self._post(f"steps/{step['step_id']}/{act}", {"reason": reason})

    def send_on(self, *services: str) -> None:
        (step,) = self.now["current"]
        to = [{"service_id": service} for service in services]
        self._post(f"steps/{step['step_id']}/send-on", {"to": to})


def address_of(visit: dict[str, Any]) -> str:
    return f"/t/{visit['ticket']['qr'].rpartition('/')[2]}"


def hears(page: Page, expected: list[int], within_s: float = 20.0) -> None:
    """The vibrations so far: 3 is a hint, 5 is the call."""
    deadline = time.monotonic() + within_s
    while page.evaluate("window.rung") != expected and time.monotonic() < deadline:
        page.wait_for_timeout(50)
    assert page.evaluate("window.rung") == expected


@pytest.mark.parametrize("lang", ["vi", "en"])
def test_from_the_line_into_the_room_without_a_touch(
    open_page: OpenPage, own_server: DemoServer, lang: str
) -> None:
    hall = Hall(own_server)  # where nobody else waits
    room = Room(own_server, hall, "204" if lang == "vi" else "205")
    service = "Khám Mắt" if lang == "vi" else "Khám Tai Mũi Họng"
    taken = [hall.take(service) for _ in range(5)]
    mine = taken[-1]
    page = open_page(f"{address_of(mine)}?lang={lang}", size=SMALL, address=own_server.address)
    page.evaluate(LISTEN)
    expect(page.locator(".facts dd").first).to_have_text("4")
    assert list_serious_faults(page) == []
    room.next()
    expect(page.locator(".banner")).to_be_visible()
    hears(page, [3])
    for _ in range(4):
        room.next()
    expect(page.locator(".summons")).to_be_in_viewport()
    expect(page.locator(".summons .big")).to_have_text(mine["number"])
    hears(page, [3, 5])
    assert page.title().endswith(f"· {mine['number']}")
    assert list_serious_faults(page) == []
    room.act("again")
    hears(page, [3, 5, 5])
    room.act("miss", "no_answer")
    expect(page.locator(".summons")).to_have_count(0)
    expect(page.locator(".advice")).to_be_visible()
    assert list_serious_faults(page) == []


def test_sound_is_asked_for_once_and_heard(open_page: OpenPage, hall: Hall) -> None:
    page = open_page(address_of(hall.take("Khám Ngoại tổng hợp")), size=SMALL)
    page.evaluate(
        """() => {
          window.tones = 0;
          const create = AudioContext.prototype.createOscillator;
          AudioContext.prototype.createOscillator = function () {
            window.tones += 1;
            return create.call(this);
          };
        }"""
    )
    page.locator("#sound").click()
    expect(page.locator("#sound")).to_be_hidden()
    assert page.evaluate("window.tones") == 2


@pytest.mark.parametrize("scripts", [True, False])
def test_out_and_back(open_page: OpenPage, hall: Hall, *, scripts: bool) -> None:
    """Also with a phone that runs no scripts."""
    address = address_of(hall.take("Khám Răng Hàm Mặt"))
    page = open_page(address, size=SMALL, java_script_enabled=scripts)
    page.get_by_role("button", name="Tôi ra ngoài một lát").click()
    expect(page.locator(".state")).to_have_text("Bạn đang ra ngoài")
    page.get_by_role("button", name="Tôi đã quay lại").press("Enter")
    expect(page.locator(".facts")).to_be_visible()
    expect(page.get_by_text("Còn 2 lần.")).to_be_visible()


def test_two_phones_of_one_ticket_stay_in_step(open_page: OpenPage, hall: Hall) -> None:
    address = address_of(hall.take("Khám Da liễu"))
    mine, daughters = (open_page(address, size=SMALL) for _ in range(2))
    mine.get_by_role("button", name="Tôi ra ngoài một lát").click()
    expect(daughters.locator(".state")).to_have_text("Bạn đang ra ngoài")
    daughters.get_by_role("button", name="Tôi đã quay lại").click()
    expect(mine.locator(".facts")).to_be_visible()


def test_a_lost_server_is_said_and_comes_back(open_page: OpenPage, own_server: DemoServer) -> None:
    visit = Hall(own_server).take("Khám Mắt")
    page = open_page(address_of(visit), size=SMALL, address=own_server.address)
    expect(page.locator(".facts")).to_be_visible()
    own_server.kill()
    expect(page.locator("#lost")).to_be_visible()
    expect(page.locator(".ticket .big")).to_have_text(visit["number"])
    own_server.start()
    expect(page.locator("#lost")).to_be_hidden()
