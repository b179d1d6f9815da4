"""Money in a browser: every page is usable by everybody, and two people give money back."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import OpenPage, list_serious_faults
from tiepdon.demo.hall import Hall
from tiepdon.demo.money import Story, bring_money

PAGES = (
    ("/staff/payments", "thungan"),
    ("/staff/payments/{payment_id}", "thungan"),
    ("/staff/payments/held", "thungan"),
    ("/staff/payments/held/{unknown_id}", "thungan"),
    ("/staff/payments/shifts/{shift_id}", "thungan"),
    ("/staff/payments/refunds", "thungan"),
    ("/staff/payments/refunds", "ketoan"),
    ("/staff/payments/days/{yesterday}", "ketoan"),
    ("/staff/payments/reconcile", "ketoan"),
)


@pytest.fixture(scope="module")
def story(hall: Hall) -> Story:
    return bring_money(hall.server.database_url)


@pytest.mark.parametrize(("path", "name"), PAGES)
def test_pages_of_money_open_for_everybody(
    story: Story, open_page: OpenPage, path: str, name: str
) -> None:
    page = open_page(path.format(**vars(story)), name=name)
    expect(page.locator("main")).to_be_visible()
    page.wait_for_timeout(500)
    assert list_serious_faults(page) == []


def test_the_board_of_the_day_refreshes_itself_and_keeps_the_focus(
    story: Story, open_page: OpenPage
) -> None:
    page = open_page("/staff/payments", name="thungan")
    task = page.locator("a.task").first
    expect(task).to_contain_text("khoản tiền giữ lại")
    task.focus()
    with page.expect_response(lambda reply: "/staff/payments/live" in reply.url):
        page.evaluate("window.dispatchEvent(new Event('online'))")
    expect(page.locator("a.task").first).to_be_focused()
    expect(page.locator("#lost")).to_be_hidden()


def test_two_people_give_money_back_by_keyboard_alone(story: Story, open_page: OpenPage) -> None:
    address = f"/staff/payments/held/{story.unknown_id}"
    cashier = open_page(address, name="thungan")
    cashier.locator("[name=reason]").fill("chuyển nhầm")
    cashier.keyboard.press("Enter")
    expect(cashier.locator("main")).to_contain_text("đang chờ hoàn tiền")
    office = open_page("/staff/payments/refunds", name="ketoan")
    row = office.locator(".row", has_text="chuyển nhầm")
    row.get_by_role("button", name="Duyệt hoàn tiền").focus()
    office.keyboard.press("Enter")
    expect(office.locator(".row", has_text="chuyển nhầm")).to_contain_text("chờ thu ngân")
    # Whoever has the page of this money open is told that it has changed.
    expect(cashier.locator("#changed")).to_be_visible()
    cashier.goto("/staff/payments/refunds")
    row = cashier.locator(".row", has_text="chuyển nhầm")
    row.locator("[name=proof]").fill("FT26330099999")
    cashier.keyboard.press("Enter")
    expect(cashier.locator("main")).to_contain_text("FT26330099999")
    cashier.goto(address)
    expect(cashier.locator("main")).to_contain_text("đã hoàn")
