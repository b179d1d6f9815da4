"""Pictures of the pages of staff, boards and phones, as they look on an ordinary morning.

Drawn by Chromium, driven by Playwright; both are there after `make setup`.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image

from backend.services.settle_demo_accounts import DEMO_PASSWORD
from tiepdon.demo.alerts import write_config
from tiepdon.demo.first_day import draw_first_day
from tiepdon.demo.hall import Hall
from tiepdon.demo.money import CONFIG
from tiepdon.demo.pictures.listing import IN_DEMO, list_pictures
from tiepdon.demo.pictures.picture import Picture
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
REST_MS = 700
"""What a script does after its page is there has come to rest."""
COLOURS = 128
SET_UP = "set-up-"
"""Begins the names of pictures of the first set-up: they take a server of their own."""
WIDEST_PX = 1280
"""Boards are drawn for a TV and shown on a page."""


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


def draw_pages(
    server: DemoServer, folder: Path, *, names: frozenset[str] | None = None
) -> list[Path]:
    """Plays a morning on the server and leaves a PNG of every page in `folder`.

    `names` are those to draw; None is all.
    """
    hall = Hall(server, name="Kiosk 1")
    folder.mkdir(parents=True, exist_ok=True)
    pictures = list_pictures(hall)
    with chromium() as browser:
        return [
            _draw(browser, server.address, picture, folder)
            for picture in pictures
            if names is None or picture.name in names
        ]


def draw_few(server: DemoServer, folder: Path) -> list[Path]:
    """Those that show what it is, in Vietnamese and English."""
    return draw_pages(server, folder, names=IN_DEMO)


def can_draw() -> bool:
    return Path(CHROMIUM).exists() and find_spec("playwright") is not None


@contextmanager
def drawing(server: DemoServer, folder: Path) -> Iterator[Callable[[Picture], Path]]:
    """Draws one page after the other, each as it stands at that moment."""
    folder.mkdir(parents=True, exist_ok=True)
    with chromium() as browser:
        yield lambda picture: _draw(browser, server.address, picture, folder)


def _draw(browser: Browser, address: str, picture: Picture, folder: Path) -> Path:
    width, height = picture.size
    context = browser.new_context(
        base_url=address, viewport={"width": width, "height": height}, locale="vi-VN"
    )
    try:
        context.add_cookies([{"name": "lang", "value": picture.lang, "url": address}])
        page = context.new_page()
        if picture.account is not None:
            sign_in(page, picture.account)
        page.goto(picture.path)
        page.wait_for_selector(picture.ready)
        page.evaluate("document.fonts.ready.then(() => true)")
        page.wait_for_timeout(REST_MS)
        picture.prepare(page)
        page.wait_for_timeout(REST_MS)
        path = folder / picture.file
        _shoot(page, path)
        return path
    finally:
        context.close()


def _shoot(page: Page, path: Path) -> None:
    page.screenshot(path=path, animations="disabled")
    _make_small(path)


def _make_small(path: Path) -> None:
    """Flat colours and letters: a palette keeps them, at a third of the size."""
    with Image.open(path) as drawn:
        picture = drawn.convert("RGB")
    picture.thumbnail((WIDEST_PX, picture.height), Image.Resampling.LANCZOS)
    picture.quantize(COLOURS, dither=Image.Dither.NONE).save(path, optimize=True)


def main() -> None:
    """`python -m tiepdon.demo.pages FOLDER [NAME …]`: the pictures of the how-to pages."""
    folder, *names = sys.argv[1:]
    with tempfile.TemporaryDirectory() as hospital:
        payments = Path(hospital) / "payments.toml"
        payments.write_text(CONFIG, encoding="utf-8")
        environment = {
            "TIEPDON_PAYMENTS_CONFIG": str(payments),
            "TIEPDON_ALERTS_CONFIG": str(write_config(Path(hospital))),
        }
        wanted = frozenset(names) or None
        if wanted is None or any(not name.startswith(SET_UP) for name in wanted):
            with DemoServer(Path(hospital), environment=environment) as server:
                draw_pages(server, Path(folder), names=wanted)
    if wanted is None or any(name.startswith(SET_UP) for name in wanted):
        with chromium() as browser:
            draw_first_day(browser, Path(folder), _shoot, wanted)


if __name__ == "__main__":
    main()
