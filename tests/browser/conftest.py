"""Real pages in Debian's Chromium against a real demo server."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tiepdon.demo import pages
from tiepdon.demo.hall import Hall
from tiepdon.demo.pages import sign_in
from tiepdon.demo.server import DemoServer

SCREEN = {"width": 1280, "height": 800}
PATIENCE_MS = 20_000
"""A page that never shows what it should costs this once; a busy machine is no failure."""

OpenPage = Callable[..., Page]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DemoServer]:
    """A hospital for the tests of one file; a test that stops it has `own_server`."""
    server = DemoServer(tmp_path_factory.mktemp("browser-server"))
    server.start()
    yield server
    server.stop()


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[DemoServer]:
    """A server that a test may kill and start again."""
    server = DemoServer(tmp_path / "server")
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def hall(server: DemoServer) -> Hall:
    return Hall(server)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    expect.set_options(timeout=PATIENCE_MS)
    with pages.chromium() as browser:
        yield browser


@pytest.fixture(scope="session")
def sessions() -> dict[tuple[str, str], Any]:
    """Cookies of who signed in at a server before: sign-ins per address are limited."""
    return {}


@pytest.fixture
def open_page(
    chromium: Browser, server: DemoServer, sessions: dict[tuple[str, str], Any]
) -> Iterator[OpenPage]:
    """`open_page(path, name=…, lang=…, size=…, address=…)`: a page in a browser of its own.

    It is signed in as the demo account of that name. Errors of its scripts fail the test.
    """
    contexts: list[BrowserContext] = []
    errors: list[str] = []

    def open_(
        path: str,
        *,
        name: str | None = None,
        lang: str = "vi",
        size: dict[str, int] | None = None,
        address: str | None = None,
        **options: Any,
    ) -> Page:
        base = address or server.address
        known = sessions.get((base, name or ""))
        context = chromium.new_context(
            base_url=base,
            viewport=size or SCREEN,
            storage_state=known,
            **options,
        )
        contexts.append(context)
        context.add_cookies([{"name": "lang", "value": lang, "url": base}])
        page = context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(path)
        if name is not None and "/staff/login" in page.url:
            sign_in(page, name)
            sessions[base, name] = {"cookies": context.cookies(), "origins": []}
            page.goto(path)
        return page

    yield open_
    for context in contexts:
        context.close()
    assert errors == []


def list_serious_faults(page: Page) -> list[str]:
    """What axe-core finds that keeps somebody from using the page."""
    results = Axe().run(page)
    return [
        f"{fault['id']}: {fault['help']} ({len(fault['nodes'])}× e.g. {fault['nodes'][0]['target']})"
        for fault in results.response["violations"]
        if fault["impact"] in {"serious", "critical"}
    ]
