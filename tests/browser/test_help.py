from __future__ import annotations

from playwright.sync_api import expect

from tests.browser.conftest import OpenPage, list_serious_faults
from tiepdon.demo.hall import Hall


def test_a_call_rings_and_is_answered_by_name(hall: Hall, open_page: OpenPage) -> None:
    page = open_page("/staff/help", name="letan")
    sound = page.locator("#sound")
    sound.click()
    expect(sound).to_have_attribute("aria-pressed", "true")
    hall.post("/help-calls", {"kind": "emergency", "screen": "welcome"})
    call = page.locator("form.help-call.emergency").first
    expect(call).to_be_visible()
    assert list_serious_faults(page) == []
    call.get_by_role("button").click()
    expect(page.locator(".done").get_by_text("Lê Thị Tiếp").first).to_be_visible()
