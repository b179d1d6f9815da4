"""What keys mean, whatever piece of an event arrives."""

from __future__ import annotations

import os
import struct
import time
from pathlib import Path

import pytest

from devices.models import ScannerCause
from devices.scanners.hid_scanner import HidLink, KeyReader
from devices.scanners.threaded import LinkLost

Q, ONE, ENTER, LEFT_SHIFT, BACKSLASH, KEYPAD_5, LEFT_ALT = 16, 2, 28, 42, 43, 76, 56


def key(code: int, value: int) -> bytes:
    return struct.pack("@llHHi", 0, 0, 1, code, value)


def press(code: int) -> bytes:
    return key(code, 1) + key(code, 0)


def test_keys_become_characters_of_the_us_layout() -> None:
    reader = KeyReader()
    assert reader.feed(press(Q) + press(ONE) + press(KEYPAD_5) + press(ENTER)) == b"q15\r"


def test_shift_holds_until_it_is_released() -> None:
    reader = KeyReader()
    assert reader.feed(key(LEFT_SHIFT, 1) + press(Q) + press(BACKSLASH)) == b"Q|"
    assert reader.feed(key(LEFT_SHIFT, 0) + press(Q)) == b"q"


def test_keys_held_down_other_keys_and_other_events_are_nothing() -> None:
    reader = KeyReader()
    other_event = struct.pack("@llHHi", 0, 0, 4, Q, 1)
    assert reader.feed(key(Q, 2) + press(LEFT_ALT) + other_event + press(700)) == b""


def test_half_an_event_waits_for_its_other_half() -> None:
    reader = KeyReader()
    data = press(Q) + press(ONE)
    assert b"".join(reader.feed(data[at : at + 7]) for at in range(0, len(data), 7)) == b"q1"


def test_a_keyboard_that_cannot_be_taken_alone_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "no keyboard"
    file.touch()
    link = HidLink(str(file))  # the real grab: a file knows no such request
    with pytest.raises(LinkLost) as lost:
        link.connect()
    assert lost.value.cause is ScannerCause.REFUSED
    link.disconnect()


def test_nothing_comes_from_a_silent_keyboard(tmp_path: Path) -> None:
    path = tmp_path / "keyboard"
    os.mkfifo(path)
    end = os.open(path, os.O_RDWR)
    link = HidLink(str(path), grab=lambda descriptor: None)
    link.connect()
    started_s = time.monotonic()
    assert list(link.read(0.1)) == []
    assert time.monotonic() - started_s < 5
    link.disconnect()
    os.close(end)
