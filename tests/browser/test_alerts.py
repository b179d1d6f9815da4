"""The page of alerts against a real server that tells a real mail server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from backend.domain.alerts import AlertKind
from backend.services.raise_alert import clear_alert, raise_alert
from tests.browser.conftest import OpenPage, list_serious_faults
from tests.factories.told import MailServer
from tiepdon.demo.hall import open_records
from tiepdon.demo.server import DemoServer

CONFIG = """
[smtp]
host = "127.0.0.1"
port = {port}
security = "none"
from = "tiepdon@hospital.vn"
to = ["it@hospital.vn"]
"""


@pytest.fixture(scope="module")
def mail_server() -> Iterator[MailServer]:
    server = MailServer()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def server(
    tmp_path_factory: pytest.TempPathFactory, mail_server: MailServer
) -> Iterator[DemoServer]:
    folder: Path = tmp_path_factory.mktemp("alerts")
    config = folder / "alerts.toml"
    config.write_text(CONFIG.format(port=mail_server.port), encoding="utf-8")
    environment = {"TIEPDON_ALERTS_CONFIG": str(config), "TIEPDON_SPEED": "20"}
    with DemoServer(folder, environment=environment) as server:
        yield server


@pytest.mark.parametrize("lang", ["vi", "en"])
def test_found_told_and_over(
    server: DemoServer, mail_server: MailServer, open_page: OpenPage, lang: str
) -> None:
    """The mail server is away at first: the page says so, and the mail comes once it is there."""
    mail_server.stop()
    already = len(mail_server.mails)
    # Of a kind that the server itself does not look after: it would end what it does not see.
    subject = f"server:{lang}"
    page = open_page("/staff/alerts", name="it", lang=lang)
    count = int(page.locator("#open-count").inner_text())
    with open_records(server.database_url) as database, database.write() as unit:
        raise_alert(unit, AlertKind.CERTIFICATE_ENDING, subject=subject)
    expect(page.locator("#open-count")).to_have_text(str(count + 1))
    article = page.locator("article.alert").first
    expect(article).to_contain_text(
        "chứng chỉ sắp hết hạn" if lang == "vi" else "certificate ends soon"
    )
    expect(page.locator(".state.bad")).to_be_visible()
    assert list_serious_faults(page) == []
    mail_server.start()
    expect(article).to_contain_text("đã gửi" if lang == "vi" else "sent")
    expect(page.locator(".state.good")).to_be_visible()
    with open_records(server.database_url) as database, database.write() as unit:
        clear_alert(unit, AlertKind.CERTIFICATE_ENDING, subject=subject)
    expect(page.locator("#open-count")).to_have_text(str(count))
    over = page.locator("#past .row").first
    expect(over.locator(".told.sent")).to_have_count(2)
    told = [mail["Subject"] for mail in mail_server.mails[already:] if lang in mail["Subject"]]
    assert told == [
        f"[Tiếp đón] Máy chủ {lang}: chứng chỉ sắp hết hạn",
        f"[Tiếp đón] Máy chủ {lang}: chứng chỉ đã gia hạn",
    ]


def test_what_is_over_can_be_searched(server: DemoServer, open_page: OpenPage) -> None:
    with open_records(server.database_url) as database:
        for subject in ("party:his", "disk:data"):
            with database.write() as unit:
                raise_alert(unit, AlertKind.PARTY_AWAY, subject=subject)
            with database.write() as unit:
                clear_alert(unit, AlertKind.PARTY_AWAY, subject=subject)
    page = open_page("/staff/alerts", name="it")
    page.fill("[name=q]", "his")
    page.keyboard.press("Enter")
    expect(page.locator("#past .row")).to_have_count(1)
    expect(page.locator("#past .row b")).to_have_text("HIS")
    expect(page.locator("[name=q]")).to_have_value("his")
