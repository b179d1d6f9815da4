"""Every page of staff, in both languages: it opens, has a heading, and keeps nobody out."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import OpenPage, list_serious_faults
from tiepdon.demo.hall import Hall

PAGES = (
    ("/staff", "letan"),
    ("/staff/password", "letan"),
    ("/staff/second-factor", "letan"),
    ("/staff/help", "letan"),
    ("/staff/reception", "letan"),
    ("/staff/rooms", "phong"),
    ("/staff/rooms/{room}", "phong"),
    ("/staff/rooms/{room}/list", "phong"),
    ("/staff/head", "truongkhoa"),
    ("/staff/displays", "truongkhoa"),
    ("/staff/fleet", "letan"),
    ("/staff/fleet", "it"),
    ("/staff/fleet/new", "it"),
    ("/staff/alerts", "it"),
    ("/staff/reports/year/2026-01-01", "truongkhoa"),
    ("/staff/announcements", "bientap"),
    ("/staff/calling-words", "bientap"),
    ("/staff/payments", "thungan"),
    ("/staff/payments/list", "thungan"),
    ("/staff/payments/held", "thungan"),
    ("/staff/payments/refunds", "ketoan"),
    ("/staff/payments/days", "ketoan"),
    ("/staff/audit", "kiemtra"),
    ("/staff/incidents", "kiemtra"),
    ("/staff/data-requests", "chatluong"),
)


@pytest.mark.parametrize("lang", ["vi", "en"])
@pytest.mark.parametrize(("path", "name"), PAGES)
def test_a_page_opens_for_everybody(
    hall: Hall, open_page: OpenPage, path: str, name: str, lang: str
) -> None:
    address = path.format(room=hall.find_room("102"))
    page = open_page(address, name=name, lang=lang)
    assert page.url.endswith(address)
    assert page.locator("html").get_attribute("lang") == lang
    expect(page.locator("main")).to_be_visible()
    page.wait_for_timeout(500)  # what its script draws is there
    assert list_serious_faults(page) == []
