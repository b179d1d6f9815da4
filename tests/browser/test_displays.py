"""Displays in a real browser: calls arrive, boards keep step, and go on without the server."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

import pytest
from playwright.sync_api import Page, Route, expect

from backend.domain.displays import DisplayKind
from tests.browser.conftest import OpenPage, list_serious_faults
from tests.browser.rooms import Rooms
from tiepdon.demo.hall import Hall
from tiepdon.demo.server import DemoServer

TV = {"width": 1920, "height": 1080}
SKIN, EYES = "Khám Da liễu", "Khám Mắt"
_names = count(1)


@pytest.fixture(scope="module")
def rooms(server: DemoServer) -> Iterator[Rooms]:
    rooms = Rooms(server)
    yield rooms
    rooms.database.close()


def hall_board(rooms: Rooms, *codes: str, **wish: object) -> str:
    return f"/d/{rooms.add_display(f'Bảng {next(_names)}', *codes, **wish)}"


def test_a_call_appears_on_two_boards_in_step(
    open_page: OpenPage, hall: Hall, rooms: Rooms
) -> None:
    boards = [open_page(hall_board(rooms, "204", "207"), size=TV) for _ in range(2)]
    for board in boards:
        expect(board.locator(".row")).to_have_count(2)
    for _ in range(3):
        hall.take(EYES)
    for _ in range(3):
        number = rooms.call("204")
        for board in boards:
            expect(board.locator(".call .big")).to_have_text(number)
            expect(board.locator(".call .big-room")).to_have_text("204")
            expect(board.locator(".row .number").first).to_have_text(number)
    assert all("fresh" in (board.locator(".call").get_attribute("class") or "") for board in boards)


def test_letters_are_as_large_as_the_last_seat_needs(open_page: OpenPage, rooms: Rooms) -> None:
    """10 m: 50 mm on a screen of 43 inches, which is 2.0 pixels a millimetre at 1920 × 1080."""
    board = open_page(hall_board(rooms, "101", "102", "103", "104", "201"), size=TV)
    expect(board.locator(".row")).not_to_have_count(0)
    size = board.locator(".row .code").first.evaluate(
        "e => parseFloat(getComputedStyle(e).fontSize)"
    )
    assert size * 0.74 / 2.017 >= 49


def test_a_door_tells_what_its_room_does(open_page: OpenPage, hall: Hall, rooms: Rooms) -> None:
    door = open_page(hall_board(rooms, "207", kind=DisplayKind.DOOR), size=TV)
    waiting = [hall.take(SKIN)["number"] for _ in range(2)]
    expect(door.locator(".following")).to_contain_text(waiting[0])
    first = rooms.call("207")
    expect(door.locator(".call .big")).to_have_text(first)
    while rooms.console("207").next().current:
        pass
    rooms.change("207", state="paused", minutes=10)
    expect(door.locator(".call.paused")).to_contain_text("Tạm nghỉ")
    rooms.change("207")
    expect(door.locator(".call.paused")).to_have_count(0)


def test_a_revoked_board_shows_nothing_and_keeps_nothing(open_page: OpenPage, rooms: Rooms) -> None:
    key = rooms.add_display("Thu hồi", "204")
    board = open_page(f"/d/{key}", size=TV)
    expect(board.locator(".row")).to_have_count(1)
    rooms.revoke_display("Thu hồi")
    expect(board.locator("body > *")).to_have_count(0)
    assert board.evaluate("localStorage.length") == 0
    board.reload()
    assert board.locator("body").inner_text().strip() == ""


def test_script_in_a_name_is_text(open_page: OpenPage, rooms: Rooms) -> None:
    """Words of the HIS and of staff; here the server is made to say them."""
    evil = "<img src=x onerror=\"document.title='pwned'\"><script>document.title='pwned'</script>"
    path = hall_board(rooms, "204")
    board = open_page("/healthz", size=TV)

    def with_evil(route: Route) -> None:
        reply = route.fetch()
        state = reply.json()
        state["rooms"][0]["name"] = {"vi": evil, "en": evil}
        state["rooms"][0]["next"] = [evil]
        state["facility"]["vi"] = evil
        state["notices"] = [{"id": "1", "text": {"vi": evil, "en": evil}}]
        state["calls"] = []
        route.fulfill(response=reply, json=state)

    board.route("**/state", with_evil)
    board.goto(path)
    expect(board.locator(".notice-text .vi")).to_have_text(evil)
    expect(board.locator("#facility")).to_have_text(evil)
    assert board.locator("main img, main script").count() == 0
    assert board.title() != "pwned"
    board.unroute_all(behavior="ignoreErrors")


def test_a_speaking_board_asks_for_the_voice_once(
    open_page: OpenPage, hall: Hall, rooms: Rooms
) -> None:
    board = open_page(hall_board(rooms, "204", speaks=True, zone="thu", english=True), size=TV)
    quiet = open_page(hall_board(rooms, "204", zone="thu"), size=TV)
    asked: list[str] = []
    board.on("request", lambda request: asked.append(request.url))
    unwanted: list[str] = []
    quiet.on("request", lambda request: unwanted.append(request.url))
    expect(board.locator(".row")).to_have_count(1)
    hall.take(EYES)
    with board.expect_request(lambda request: "/speech/" in request.url) as first:
        number = rooms.call("204")
    assert first.value.url.endswith(".wav?lang=vi")
    if not any(url.endswith("lang=en") for url in asked):
        board.wait_for_event("request", lambda request: request.url.endswith(".wav?lang=en"))
    expect(board.locator(".call .big")).to_have_text(number)
    board.wait_for_timeout(500)
    # A busy server may be asked again for what it could not make in time.
    spoken = {url for url in asked if "/speech/" in url}
    assert sorted(url.rpartition("=")[2] for url in spoken) == ["en", "vi"]
    before = len(asked)
    board.reload()
    expect(board.locator(".call .big")).to_have_text(number)
    board.wait_for_timeout(500)
    assert not [url for url in asked[before:] if "/speech/" in url]
    assert not [url for url in unwanted if "/speech/" in url]


def test_a_pause_is_said_once(open_page: OpenPage, rooms: Rooms) -> None:
    board = open_page(hall_board(rooms, "206", speaks=True, zone="rang"), size=TV)
    asked: list[str] = []
    board.on("request", lambda request: asked.append(request.url))
    expect(board.locator(".row")).to_have_count(1)
    with board.expect_request(lambda request: "/notices/" in request.url) as said:
        rooms.change("206", state="paused", minutes=10)
    reply = said.value.response()
    assert reply is not None
    assert reply.status in {200, 503}  # without a voice on this machine the board still shows it
    board.reload()
    expect(board.locator(".row")).to_have_count(1)
    board.wait_for_timeout(500)
    told = [url for url in asked if "/notices/" in url]
    assert sorted(url.rpartition("=")[2] for url in told) == ["en", "vi"]
    rooms.change("206")


def test_without_the_server_a_board_says_so_and_catches_up(
    open_page: OpenPage, own_server: DemoServer
) -> None:
    hall, rooms = Hall(own_server), Rooms(own_server)
    path = hall_board(rooms, "204", "207")
    board = open_page(path, size=TV, address=own_server.address)
    first, second = (hall.take(EYES)["number"] for _ in range(2))
    rooms.call("204")
    expect(board.locator(".call .big")).to_have_text(first)
    expect(board.locator("#lost")).to_be_hidden()
    own_server.kill()
    expect(board.locator("#lost")).to_be_visible()
    expect(board.locator("#lost")).to_contain_text("Mất kết nối – đang nối lại")
    expect(board.locator(".call .big")).to_have_text(first)
    own_server.start()
    expect(board.locator("#lost")).to_be_hidden()
    expect(board.locator(".call .big")).to_have_text(first)
    rooms.call("204")
    expect(board.locator(".call .big")).to_have_text(second)
    rooms.database.close()


def test_a_board_opens_without_the_server(open_page: OpenPage, own_server: DemoServer) -> None:
    hall, rooms = Hall(own_server), Rooms(own_server)
    path = hall_board(rooms, "204", kind=DisplayKind.DOOR)
    board = open_page(path, size=TV, address=own_server.address)
    number = hall.take(EYES)["number"]
    rooms.call("204")
    expect(board.locator(".call .big")).to_have_text(number)
    wait_for_cache(board, path)
    own_server.kill()
    board.reload()
    expect(board.locator("#lost")).to_be_visible()
    expect(board.locator(".call .big")).to_have_text(number)
    call_without_server(board, rooms.ids["204"], "A099")
    expect(board.locator(".call .big")).to_have_text("A099")
    own_server.start()
    expect(board.locator("#lost")).to_be_hidden()
    expect(board.locator(".call .big")).to_have_text(number)
    rooms.database.close()


def wait_for_cache(page: Page, path: str) -> None:
    page.wait_for_function(
        """async (path) => {
            const cache = await caches.open("tiepdon-display");
            const paths = [path, "/assets/display.css", "/assets/live.js"];
            const found = await Promise.all(paths.map((each) => cache.match(each)));
            return found.every(Boolean) && navigator.serviceWorker.controller !== null;
        }""",
        arg=path,
    )


def call_without_server(page: Page, room_id: str, number: str) -> None:
    """As the console of the room tells it on the same machine."""
    page.evaluate(
        """([room, number]) => new Promise((done) => {
            const frame = new BroadcastChannel(`tiepdon-room-${room}`);
            frame.postMessage({ number, room, at: new Date().toISOString() });
            setTimeout(done, 200);
        })""",
        [room_id, number],
    )


@pytest.mark.parametrize("kind", list(DisplayKind))
def test_no_serious_faults_for_those_who_see_little(
    open_page: OpenPage, rooms: Rooms, kind: DisplayKind
) -> None:
    board = open_page(hall_board(rooms, "204", kind=kind), size=TV)
    expect(board.locator("#board > *")).not_to_have_count(0)
    assert list_serious_faults(board) == []
