from __future__ import annotations

import pytest
from playwright.sync_api import expect

from backend.services.settle_demo_accounts import DEMO_PASSWORD
from tests.browser.conftest import OpenPage, list_serious_faults
from tiepdon.demo.hall import Hall


@pytest.mark.parametrize("lang", ["vi", "en"])
def test_signing_in_and_out_with_keys_only(open_page: OpenPage, lang: str) -> None:
    page = open_page("/staff/login", lang=lang)
    assert list_serious_faults(page) == []
    page.keyboard.press("Tab")
    page.fill("[name=name]", "letan")
    page.keyboard.press("Tab")
    page.keyboard.type("wrong")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_be_visible()
    page.fill("[name=name]", "letan")
    page.fill("[name=password]", DEMO_PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/staff")


def test_the_home_page_is_usable_by_everybody(open_page: OpenPage) -> None:
    page = open_page("/staff", name="letan")
    assert list_serious_faults(page) == []


def test_a_number_can_be_taken_beside_open_pages(hall: Hall) -> None:
    assert hall.take("Khám Nội tổng hợp")["number"]
