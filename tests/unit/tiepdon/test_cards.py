"""The codes on the printed sheet are what the scanner of a kiosk reads."""

from __future__ import annotations

import re
from pathlib import Path

import cv2
import pytest
from playwright.sync_api import sync_playwright

from devices.scanners.decoding import decode
from his_adapter.demo.personas import PERSONAS
from tiepdon.demo.cards import draw_cards
from tiepdon.demo.pages import ARGUMENTS, CHROMIUM


def test_every_card_says_that_it_is_for_practice() -> None:
    page = draw_cards(PERSONAS)
    assert page.count("<svg") == page.count("· luyện tập") >= 10
    assert not re.search(r"(src|href)=", page), "nothing comes from elsewhere"


@pytest.mark.slow
def test_a_printed_card_is_read(tmp_path: Path) -> None:
    person = next(each for each in PERSONAS if each.id_number)
    sheet = tmp_path / "cards.html"
    sheet.write_text(draw_cards([person]), encoding="utf-8")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(ARGUMENTS))
        tab = browser.new_page(device_scale_factor=3)
        tab.goto(sheet.as_uri())
        tab.screenshot(path=tmp_path / "cards.png")
        browser.close()
    picture = cv2.imread(str(tmp_path / "cards.png"), cv2.IMREAD_GRAYSCALE)
    assert picture is not None
    assert decode(picture) == [person.payload.encode()]
