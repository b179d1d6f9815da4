"""Pictures of the pages of staff, boards and phones, as they look on an ordinary morning.

Drawn by Chromium, driven by Playwright; both are there after `make setup`.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image

from backend.domain.displays import DisplayKind, DisplayWish
from backend.services.manage_displays import add_display
from backend.services.settle_demo_accounts import DEMO_PASSWORD
from backend.storage.catalogue import CatalogueSource
from tiepdon.demo.hall import Hall, open_records, play_morning
from tiepdon.demo.server import DemoServer

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
)
REST_MS = 2_500
"""What scripts fetch is there then, and what moves has come to rest."""
DESK, TABLET, PHONE = (1280, 800), (1024, 768), (390, 844)
TV, TV_UPRIGHT = (1920, 1080), (1080, 1920)


@dataclass(frozen=True, kw_only=True)
class Picture:
    """One page: its address, who is signed in, on what screen."""

    name: str
    path: str
    account: str | None = None
    size: tuple[int, int] = DESK
    prepare: Callable[[Page], None] | None = None


def sign_in(page: Page, name: str) -> None:
    page.goto("/staff/login")
    page.fill("[name=name]", name)
    page.fill("[name=password]", DEMO_PASSWORD)
    page.press("[name=password]", "Enter")
    page.wait_for_url(lambda url: "/login" not in url)


@contextmanager
def chromium() -> Iterator[Browser]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(ARGUMENTS))
        try:
            yield browser
        finally:
            browser.close()


def list_pictures(hall: Hall) -> list[Picture]:
    """After a morning has been played: what there is to see."""
    room = hall.find_room("101")
    codes = ("101", "102", "103", "104", "201", "202", "204", "205")
    board = _add_display(hall, "Sảnh tầng 1", DisplayKind.HALL, codes)
    door = _add_display(hall, "Cửa phòng 101", DisplayKind.DOOR, ("101",))
    token = hall.take("Khám Nội tổng hợp")["ticket"]["qr"].rpartition("/")[2]
    return [
        Picture(name="board", path=f"/d/{board}", size=TV),
        Picture(name="board-upright", path=f"/d/{board}", size=TV_UPRIGHT),
        Picture(name="door", path=f"/d/{door}", size=TV),
        Picture(name="room", path=f"/staff/rooms/{room}", account="phong"),
        Picture(name="room-phone", path=f"/staff/rooms/{room}", account="phong", size=PHONE),
        Picture(name="reception", path="/staff/reception", account="letan"),
        Picture(name="reception-tablet", path="/staff/reception", account="letan", size=TABLET),
        Picture(name="head", path="/staff/head", account="truongkhoa"),
        Picture(name="help", path="/staff/help", account="letan"),
        Picture(name="home", path="/staff", account="letan"),
        Picture(name="displays", path="/staff/displays", account="it"),
        Picture(name="sign-in", path="/staff/login"),
        Picture(name="patient-phone", path=f"/t/{token}", size=PHONE),
    ]


def draw_pages(server: DemoServer, folder: Path, *, lang: str = "vi") -> list[Path]:
    """Plays a morning on the server and leaves a PNG of every page in `folder`."""
    hall = Hall(server, name="Kiosk 1")
    play_morning(hall)
    hall.post("/help-calls", {"kind": "help", "screen": "scan"})
    folder.mkdir(parents=True, exist_ok=True)
    with chromium() as browser:
        return [
            _draw(browser, server.address, picture, folder, lang=lang)
            for picture in list_pictures(hall)
        ]


def _draw(browser: Browser, address: str, picture: Picture, folder: Path, *, lang: str) -> Path:
    width, height = picture.size
    context = browser.new_context(
        base_url=address, viewport={"width": width, "height": height}, locale="vi-VN"
    )
    try:
        context.add_cookies([{"name": "lang", "value": lang, "url": address}])
        page = context.new_page()
        if picture.account is not None:
            sign_in(page, picture.account)
        page.goto(picture.path)
        page.wait_for_timeout(REST_MS)
        if picture.prepare is not None:
            picture.prepare(page)
        path = folder / f"{picture.name}.png"
        page.screenshot(path=path)
        # Flat colours and letters: a palette keeps them, at a third of the size.
        with Image.open(path) as drawn:
            drawn.convert("RGB").quantize(256, dither=Image.Dither.NONE).save(path, optimize=True)
        return path
    finally:
        context.close()


def _add_display(hall: Hall, name: str, kind: DisplayKind, codes: tuple[str, ...]) -> str:
    """The key of a new display."""
    rooms = tuple(hall.find_room(code) for code in codes)
    wish = DisplayWish(name=name, kind=kind, room_ids=rooms)
    with open_records(hall.server.database_url) as database:
        catalogue = CatalogueSource(database).get()
        return add_display(database, catalogue, wish, actor="command").key


def main() -> None:
    """`python -m tiepdon.demo.pages FOLDER`: the pictures of the how-to pages."""
    folder = Path(sys.argv[1])
    with tempfile.TemporaryDirectory() as hospital, DemoServer(Path(hospital)) as server:
        draw_pages(server, folder)


if __name__ == "__main__":
    main()
