"""Two nodes on one PostgreSQL behind one address: boards in step, and one node dying."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from backend.domain.displays import DisplayKind, DisplayWish
from backend.services.manage_displays import add_display
from backend.storage.catalogue import CatalogueSource
from tests.browser.conftest import OpenPage
from tests.postgres import PostgresServer
from tiepdon.demo.hall import Hall, RoomStaff, open_records
from tiepdon.demo.network import NetworkLine
from tiepdon.demo.server import DemoServer

pytestmark = pytest.mark.postgres

SERVICE = "Khám Ngoại tổng hợp"
ROOM = "104"


@pytest.fixture
def nodes(tmp_path: Path) -> Iterator[tuple[DemoServer, DemoServer]]:
    postgres = PostgresServer()
    try:
        postgres.start()
        postgres.execute("CREATE DATABASE nodes")
        url = postgres.url("nodes")
        first = DemoServer(tmp_path / "one", database_url=url)
        second = DemoServer(tmp_path / "two", database_url=url)
        first.start()
        second.start()
        yield first, second
        first.stop()
        second.stop()
    finally:
        postgres.remove()


def shows(page: Page, number: str) -> None:
    expect(page.get_by_text(number).first).to_be_visible()


def test_boards_are_in_step_and_move_over_when_a_node_dies(
    nodes: tuple[DemoServer, DemoServer], open_page: OpenPage
) -> None:
    first, second = nodes
    hall = Hall(second)
    with open_records(second.database_url) as database:
        catalogue = CatalogueSource(database).get()
        wish = DisplayWish(
            name="Sảnh", kind=DisplayKind.HALL, room_ids=(hall.find_room(ROOM),), english=False
        )
        key = add_display(database, catalogue, wish, actor="test").key
    numbers = [hall.take(SERVICE)["number"] for _ in range(3)]
    room = RoomStaff(hall.staff("phong"), hall.find_room(ROOM))
    balancer = NetworkLine(first.port, second.port).start()
    try:
        boards = [
            open_page(f"/d/{key}", address=address)
            for address in (first.address, second.address, balancer.address)
        ]
        for board in boards:
            expect(board.get_by_text(ROOM).first).to_be_visible()
        time.sleep(1)  # their streams are open
        room.next()
        for board in boards:
            shows(board, numbers[0])
        first.kill()
        room.next()
        shows(boards[2], numbers[1])
        room.next()
        shows(boards[2], numbers[2])
    finally:
        balancer.close()
