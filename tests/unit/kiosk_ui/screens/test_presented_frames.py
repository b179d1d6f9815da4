"""The same rules on what the presenters really say, along a visit and its side ways."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from kiosk_ui.presenters.views import Frame
from tests.factories.frames import large, lowered
from tests.flows.stand_ins import Bench
from tests.flows.steps import TO_SUMMARY, hold_up, touch
from tests.unit.kiosk_ui.screens.test_frame import SIZES, assert_obeys, make_panel


def walk(language: str) -> Iterator[Frame]:
    """Every frame of a visit, with help and emergency on the way."""
    bench = Bench()
    if language == "en":
        touch(bench, "language", "en")
    yield bench.kiosk.frame
    for call in ("help", "emergency"):
        touch(bench, call)
        yield bench.kiosk.frame
        touch(bench, "back")
    for _, deed, *rest in (*TO_SUMMARY, ("summary", "confirm")):
        if deed == "scan":
            hold_up(bench)
        else:
            touch(bench, deed, *rest)
        yield bench.kiosk.frame
    bench.wait(50)
    yield bench.kiosk.frame


@pytest.mark.parametrize("language", ["vi", "en"])
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_presented_frames_obey_the_rules(language: str, size: tuple[int, int]) -> None:
    frames = list(walk(language))
    assert len({frame.screen for frame in frames}) >= 10
    for frame in frames:
        for shown in (frame, large(frame), lowered(frame), lowered(large(frame))):
            assert_obeys(shown, make_panel(size))
