"""Real pages in Debian's Chromium against a real demo server."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright
from sqlalchemy import create_engine, select

from backend.domain.ids import new_id
from backend.domain.notice import NOTICE_VERSION
from backend.services.settle_demo_accounts import DEMO_PASSWORD
from backend.storage.tables import Room
from his_adapter.demo import payloads
from his_adapter.demo.people import CoverageCase, crowd
from his_adapter.demo.personas import PERSONAS
from tiepdon.demo.server import DemoServer

CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
]
SCREEN = {"width": 1280, "height": 800}

OpenPage = Callable[..., Page]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.slow)


class Hall:
    """What happens at the kiosks and programs of a hospital while pages are open."""

    def __init__(self, server: DemoServer) -> None:
        self.server = server
        self.address = server.address
        self._http = requests.Session()
        self._http.trust_env = False
        code = {"code": "DEMO-KIOSK", "name": f"K-{new_id()[-6:]}"}
        reply = self._http.post(f"{self.address}/api/v1/kiosks/enrol", json=code, timeout=10)
        reply.raise_for_status()
        self._http.headers["Authorization"] = f"Bearer {reply.json()['token']}"
        taken = [persona.id_number for persona in PERSONAS if persona.id_number]
        self._people = (
            person
            for person in crowd(taken)
            if person.id_number
            and person.coverage is CoverageCase.VALID_HERE
            and len(person.birth_date.isoformat()) == len("1990-01-02")
            and 1960 <= person.birth_date.earliest.year <= 2000
        )

    def get(self, path: str) -> Any:
        reply = self._http.get(f"{self.address}/api/v1{path}", timeout=10)
        reply.raise_for_status()
        return reply.json()

    def post(self, path: str, body: dict[str, object]) -> Any:
        reply = self._http.post(
            f"{self.address}/api/v1{path}",
            json=body,
            headers={"Idempotency-Key": new_id()},
            timeout=10,
        )
        reply.raise_for_status()
        return reply.json()

    def scan(self) -> dict[str, Any]:
        """The next person of the demo's crowd holds a card to a kiosk."""
        person = next(self._people)
        card = payloads.cccd2021(
            id_number=person.id_number or "",
            full_name=person.full_name,
            birth_date=person.birth_date,
            gender=person.gender,
            address=person.address,
            issued_on=person.birth_date.earliest.replace(year=2022, day=1),
        )
        notice = {
            "version": NOTICE_VERSION,
            "language": "vi",
            "accepted_at": "2026-11-23T08:00:00+07:00",
        }
        body = {
            "payload_base64": base64.b64encode(card.encode()).decode(),
            "source": "camera",
            "notice": notice,
        }
        scan: dict[str, Any] = self.post("/scans", body)
        return scan

    def take(self, service: str, **more: object) -> dict[str, Any]:
        """A number for the service of that Vietnamese name, for another person each time."""
        scan = self.scan()
        services = self.get(f"/services?scan_id={scan['scan_id']}&visit_kind=new")
        found = next(each for each in services["items"] if each["name"]["vi"] == service)
        body = {
            "scan_id": scan["scan_id"],
            "service_id": found["id"],
            "visit_kind": "new",
            "papers": {"transfer_slip": False},
        }
        visit: dict[str, Any] = self.post("/visits", body | more)
        return visit

    def find_room(self, code: str) -> str:
        """The id of a room, out of the server's own database."""
        engine = create_engine(self.server.database_url)
        with engine.connect() as connection:
            room_id = connection.scalar(select(Room.id).where(Room.code == code))
        engine.dispose()
        assert room_id is not None
        return room_id


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DemoServer]:
    """One server for all pages; a test that stops it has `own_server`."""
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


@pytest.fixture(scope="session")
def hall(server: DemoServer) -> Hall:
    return Hall(server)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def open_page(chromium: Browser, server: DemoServer) -> Iterator[OpenPage]:
    """`open_page(path, name=…, lang=…, size=…, address=…)`: a page in a browser of its own.

    Signs in as the demo account of that name first. Errors of its scripts fail the test.
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
        context = chromium.new_context(
            base_url=base,
            viewport=size or SCREEN,
            **options,  # type: ignore[arg-type]
        )
        contexts.append(context)
        context.add_cookies([{"name": "lang", "value": lang, "url": base}])
        page = context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        if name is not None:
            sign_in(page, name)
        page.goto(path)
        return page

    yield open_
    for context in contexts:
        context.close()
    assert errors == []


def sign_in(page: Page, name: str) -> None:
    page.goto("/staff/login")
    page.fill("[name=name]", name)
    page.fill("[name=password]", DEMO_PASSWORD)
    page.press("[name=password]", "Enter")
    page.wait_for_url(lambda url: "/login" not in url)


def list_serious_faults(page: Page) -> list[str]:
    """What axe-core finds that keeps somebody from using the page."""
    results = Axe().run(page)
    return [
        f"{fault['id']}: {fault['help']} ({len(fault['nodes'])}× e.g. {fault['nodes'][0]['target']})"
        for fault in results.response["violations"]
        if fault["impact"] in {"serious", "critical"}
    ]
