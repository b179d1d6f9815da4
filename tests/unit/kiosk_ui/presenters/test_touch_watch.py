from __future__ import annotations

import time

import numpy as np

from kiosk_ui.presenters.touch_watch import (
    MOVING_LOOKS,
    QUIET_S,
    TouchWatch,
    moved,
    shrink,
)

RNG = np.random.default_rng(3)
HALL = RNG.integers(60, 180, (720, 1280, 3)).astype(np.uint8)
HALL = np.repeat(np.repeat(HALL[::40, ::40], 40, axis=0), 40, axis=1)


def with_person(at_px: int) -> np.ndarray:
    frame = HALL.copy()
    frame[200:720, at_px : at_px + 260] = (40, 50, 90)
    return frame


def test_what_is_kept_shows_nobody() -> None:
    small = shrink(HALL)
    assert small.ndim == 2
    assert small.size <= 1200


def test_somebody_who_moves_is_seen() -> None:
    assert moved(shrink(with_person(300)), shrink(with_person(420)))
    assert moved(shrink(HALL), shrink(with_person(420)))


def test_noise_and_light_are_no_movement() -> None:
    noisy = np.clip(HALL.astype(np.int16) + RNG.integers(-8, 9, HALL.shape), 0, 255)
    assert not moved(shrink(HALL), shrink(noisy.astype(np.uint8)))
    assert not moved(shrink(HALL), shrink((HALL + 40).astype(np.uint8)))


def test_another_size_is_another_camera() -> None:
    assert not moved(shrink(HALL), shrink(HALL[:100, :100]))


def test_it_costs_next_to_nothing() -> None:
    begun_s = time.perf_counter()
    for _ in range(10):
        moved(shrink(HALL), shrink(HALL))
    assert (time.perf_counter() - begun_s) / 10 < 0.01


def test_movement_without_a_touch_for_two_minutes_makes_it_suspect() -> None:
    watch = TouchWatch(expected=True)
    watch.note_devices(1)
    watch.note_touch(10.0)
    assert not watch.should_look(10.0 + QUIET_S - 1)
    assert watch.should_look(10.0 + QUIET_S)
    for _ in range(MOVING_LOOKS - 1):
        watch.note_look(movement=True)
    assert watch.state == "ok"
    watch.note_look(movement=False)
    for _ in range(MOVING_LOOKS):
        watch.note_look(movement=True)
    assert watch.state == "suspect"
    assert not watch.should_look(1e9)
    watch.note_touch(500.0)
    assert watch.state == "ok"


def test_a_device_that_goes_is_absent_and_suspect_once_back() -> None:
    watch = TouchWatch(expected=False)
    assert watch.state is None
    watch.note_devices(1)
    watch.note_devices(0)
    assert watch.state == "absent"
    watch.note_devices(1)
    assert watch.state == "suspect"
    watch.note_touch(1.0)
    assert watch.state == "ok"


def test_a_machine_that_cannot_tell_says_nothing() -> None:
    watch = TouchWatch(expected=True)
    watch.note_devices(None)
    assert watch.state is None
    watch.note_touch(5.0)
    assert watch.state == "ok"


def test_a_machine_that_should_have_a_panel_misses_it_from_the_start() -> None:
    watch = TouchWatch(expected=True)
    watch.note_devices(0)
    assert watch.state == "absent"
    assert TouchWatch(expected=False, devices=0).state is None
