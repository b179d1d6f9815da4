"""The real window, off screen: touches, slides, pictures, and what it must not do."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from kiosk_ui.driver import Finger, NothingToTapError
from kiosk_ui.presenters.views import Action, ChoiceView, KeypadView
from tests.factories.frames import large, make_frames
from tests.factories.window import StillKiosk
from tests.gui.conftest import Start

pytestmark = pytest.mark.gui

FRAMES = make_frames("vi")
START_VISIT = Action("start", "visit")


def test_a_tap_gives_its_action_once(start: Start) -> None:
    kiosk = StillKiosk(FRAMES["welcome"])
    driver = start(kiosk)
    driver.tap(START_VISIT)
    assert kiosk.acted == [START_VISIT]
    assert kiosk.touches == 1
    assert kiosk.ticks > 0


def test_a_finger_that_slides_off_does_nothing(start: Start) -> None:
    kiosk = StillKiosk(FRAMES["welcome"])
    driver = start(kiosk)
    found = driver.scene.find_touch(START_VISIT)
    assert found
    x, y = found.rect.centre
    finger = Finger(x, driver.glass.height - y)
    finger.down()
    driver.frames()
    finger.sy = 0.999
    finger.scale_for_screen(1080, 1920)
    finger.up()
    driver.frames()
    assert kiosk.acted == []


def test_a_finger_down_is_told_before_it_leaves(start: Start) -> None:
    kiosk = StillKiosk(FRAMES["welcome"])
    driver = start(kiosk)
    finger = driver.put_finger_on(START_VISIT)
    assert (kiosk.downs, kiosk.acted) == ([START_VISIT], [])
    finger.up()
    assert kiosk.acted == [START_VISIT]


def test_the_button_stays_pressed_while_its_answer_is_on_its_way(
    start: Start, tmp_path: Path
) -> None:
    kiosk = StillKiosk(FRAMES["welcome"])
    driver = start(kiosk)
    looks = {}

    def look(name: str) -> None:
        driver.screenshot(tmp_path / f"{name}.png")
        looks[name] = (tmp_path / f"{name}.png").read_bytes()

    look("before")
    kiosk.comes_at_once = True
    driver.tap(START_VISIT)
    look("on its way")
    kiosk.comes_at_once = False
    driver.frames()
    look("after")
    assert looks["on its way"] != looks["before"] == looks["after"]


def test_a_second_finger_is_a_palm(start: Start) -> None:
    kiosk = StillKiosk(FRAMES["welcome"])
    driver = start(kiosk)
    places = [t.rect.centre for t in driver.scene.tappable()][:2]
    one, two = (Finger(x, driver.glass.height - y) for x, y in places)
    for step in (one.down, two.down, two.up, one.up):
        step()
        driver.frames()
    assert len(kiosk.acted) == 1


def test_what_is_greyed_cannot_be_tapped(start: Start) -> None:
    kiosk = StillKiosk(FRAMES["department"])
    driver = start(kiosk)
    view = FRAMES["department"].view
    assert isinstance(view, ChoiceView)
    full = next(choice for choice in view.choices if not choice.enabled)
    with pytest.raises(NothingToTapError):
        driver.tap(full.action)
    drawn = [e for e in driver.scene.content if getattr(e, "action", None) == full.action]
    assert len(drawn) == 1
    driver.touch(*drawn[0].rect.centre)
    assert kiosk.acted == []
    assert kiosk.touches == 1


def test_under_the_countdown_only_the_countdown_is_tapped(start: Start) -> None:
    kiosk = StillKiosk(FRAMES["summary"])
    driver = start(kiosk)
    help_rect = next(t.rect for t in driver.scene.tappable() if t.action.name == "help")
    kiosk.frame = FRAMES["idle"]
    driver.frames(3)
    driver.touch(*help_rect.centre)
    assert kiosk.acted == []
    driver.tap(Action("more_time"))
    assert kiosk.acted == [Action("more_time")]


def test_every_screen_is_drawn_after_every_other(start: Start) -> None:
    kiosk = StillKiosk(FRAMES["welcome"])
    driver = start(kiosk, slide_s=0.05)
    for frame in FRAMES.values():
        kiosk.frame = frame
        driver.frames(2)
        assert driver.scene.content or driver.scene.chrome
    driver.settle()


def test_the_second_tap_of_a_double_tap_is_nobodys(start: Start) -> None:
    kiosk = StillKiosk(FRAMES["welcome"])
    kiosk.answers = {START_VISIT: FRAMES["notice"]}
    driver = start(kiosk, slide_s=0.05)
    driver.tap(START_VISIT)
    found = driver.scene.find_touch(Action("accept"))
    assert found
    driver.touch(*found.rect.centre)
    assert kiosk.acted == [START_VISIT]
    driver.tap(Action("accept"))  # which waits until the glass listens again
    assert kiosk.acted == [START_VISIT, Action("accept")]


def test_a_finger_never_seen_to_go_up_does_not_block_the_next(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    kiosk = StillKiosk(FRAMES["welcome"])
    driver = start(kiosk)
    found = driver.scene.find_touch(START_VISIT)
    assert found
    x, y = found.rect.centre
    Finger(x, driver.glass.height - y).down()
    driver.frames()
    monkeypatch.setattr("kiosk_ui.widgets.glass.STUCK_S", 0.0)
    driver.tap(Action("start", "booked"))
    assert kiosk.acted == [Action("start", "booked")]


def test_nothing_slides_for_those_whom_movement_disturbs(start: Start) -> None:
    kiosk = StillKiosk(large(FRAMES["welcome"]))
    kiosk.answers = {START_VISIT: large(FRAMES["notice"])}
    driver = start(kiosk, slide_s=0.2)
    driver.tap(START_VISIT)
    assert not driver.glass.sliding


def test_the_camera_picture_is_shown_mirrored(start: Start, tmp_path: Path) -> None:
    kiosk = StillKiosk(FRAMES["scan"])
    picture = np.zeros((720, 1280, 3), dtype=np.uint8)
    picture[:, :640] = (0, 0, 255)  # red on the camera's left
    kiosk.picture = picture
    driver = start(kiosk)
    driver.until(lambda: kiosk.pictures_asked > 1)
    driver.screenshot(tmp_path / "scan.png")
    preview = next(e for e in driver.scene.content if type(e).__name__ == "Preview")
    shot = np.asarray(Image.open(tmp_path / "scan.png"))
    y = preview.rect.y + 60
    assert tuple(shot[y, preview.rect.right - 60]) == (255, 0, 0)
    assert tuple(shot[y, preview.rect.x + 60]) == (0, 0, 0)


def test_the_camera_is_asked_on_the_scan_screen_only(start: Start) -> None:
    kiosk = StillKiosk(FRAMES["welcome"])
    driver = start(kiosk)
    end_s = time.monotonic() + 0.3
    driver.until(lambda: time.monotonic() > end_s)
    assert kiosk.pictures_asked == 0


def test_typing_redraws_in_place(start: Start) -> None:
    frame = FRAMES["typed_number"]
    assert isinstance(frame.view, KeypadView)
    kiosk = StillKiosk(frame)
    kiosk.answers = {Action("key", "5"): replace(frame, view=replace(frame.view, entry="5"))}
    driver = start(kiosk, slide_s=0.2)
    driver.tap(Action("key", "5"))
    assert not driver.glass.sliding
    driver.tap(Action("erase"))
    assert kiosk.acted == [Action("key", "5"), Action("erase")]


@pytest.mark.parametrize("key", [27, 282, 292, 285])
def test_keys_do_nothing_in_kiosk_mode(start: Start, key: int) -> None:
    from kivy.base import EventLoop
    from kivy.core.window import Window

    kiosk = StillKiosk(FRAMES["welcome"])
    driver = start(kiosk, locked=True)
    Window.dispatch("on_keyboard", key, 0, None, ["alt"])
    assert Window.dispatch("on_request_close") is True
    driver.frames(2)
    assert EventLoop.status == "started"
    assert kiosk.acted == []


def test_a_screen_change_never_stops_the_window_for_long(start: Start) -> None:
    """A coarse guard (the figure itself is a benchmark): building a screen is quick work."""
    kiosk = StillKiosk(FRAMES["welcome"])
    driver = start(kiosk)
    for frame in FRAMES.values():  # the first time draws icons and corners
        kiosk.frame = frame
        driver.frames()
    slowest_s = []
    for frame in FRAMES.values():
        kiosk.frame = frame
        before_s = time.process_time()
        driver.frames()
        slowest_s.append(time.process_time() - before_s)
    assert sorted(slowest_s)[len(slowest_s) // 2] < 0.75
