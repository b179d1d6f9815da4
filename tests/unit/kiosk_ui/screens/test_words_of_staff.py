"""Words that staff put on the glass are as long as the server lets them be, and still fit."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kiosk_ui.presenters.views import MessageView, Phrase
from tests.factories.frames import large, lowered, make_frames
from tests.unit.kiosk_ui.screens.test_frame import SIZES, assert_obeys, make_panel

MOST_CHARS = 120
LONG = ("Máy đang thay cuộn giấy in và vệ sinh đầu in, nghiêng ngả nghỉ ngơi chốc lát. " * 3)[
    :MOST_CHARS
]
UNBROKEN = "Ệ" * MOST_CHARS


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("words", [LONG, UNBROKEN, "."], ids=["long", "unbroken", "dot"])
def test_they_fit_on_every_panel(words: str, size: tuple[int, int]) -> None:
    frame = make_frames("vi")["out_of_service"]
    assert isinstance(frame.view, MessageView)
    body = (Phrase(key="", text=words), *frame.view.body[-1:])
    frame = replace(frame, view=replace(frame.view, body=body))
    for shown in (frame, large(frame), lowered(frame)):
        # A word as long as the line is drawn smaller rather than cut.
        assert_obeys(shown, make_panel(size), floor_mm=0.0 if words is UNBROKEN else None)
