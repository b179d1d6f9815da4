"""The codes on the printed sheet are what the scanner of a kiosk reads."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import cv2
import pytest

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
    picture_file = tmp_path / "cards.png"
    # Not through the library: browsers of other tests may run in this process.
    subprocess.run(
        [
            CHROMIUM, *ARGUMENTS, "--headless", f"--screenshot={picture_file}",
            "--force-device-scale-factor=3", "--window-size=800,400", sheet.as_uri(),
        ],
        check=True, capture_output=True, timeout=60,
    )  # fmt: skip
    picture = cv2.imread(str(picture_file), cv2.IMREAD_GRAYSCALE)
    assert picture is not None
    assert decode(picture) == [person.payload.encode()]
