from __future__ import annotations

import numpy as np
import pytest
from escpos.printer import Dummy
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from devices.printers.rendering import render
from devices.simulated.printer_commands import (
    Command,
    CommandReader,
    Cut,
    Feed,
    Print,
    ProofRequest,
)
from tests.factories.tickets import ticket


def dots_of(commands: list[Command]) -> np.ndarray:
    return np.concatenate([command.dots for command in commands if isinstance(command, Print)])


@pytest.mark.parametrize("impl", ["bitImageRaster", "graphics", "bitImageColumn"])
@pytest.mark.parametrize("step", [1, 7, 100_000])
def test_every_way_to_send_a_picture_gives_the_same_dots(impl: str, step: int) -> None:
    picture = render(ticket(), width_px=576).crop((0, 0, 576, 240))
    job = Dummy(profile="TM-T20II")
    job.image(picture, impl=impl, fragment_height=48)
    reader = CommandReader()
    commands: list[Command] = []
    for at in range(0, len(job.output), step):
        commands += reader.feed(job.output[at : at + step])
    assert np.array_equal(dots_of(commands), ~np.asarray(picture, dtype=bool))
    assert reader.dropped_bytes == 0


@pytest.mark.parametrize(
    ("data", "commands"),
    [
        (b"\x1b@\x1ba\x01\x1b2\x1b3\x10", []),
        (b"\x1bJ\x08\x1bd\x02\n", [Feed(8), Feed(60), Feed(30)]),
        (b"\x1dV\x00\x1dV\x01\x1dVB\x10", [Cut(), Cut(), Cut()]),
        (b"\x1d(H\x06\x00\x30\x30abcd", [ProofRequest(b"abcd")]),
        (b"\x10\x04\x01\x10\x14", []),
        (b"\x1d(L\x02\x000\x32", []),
        (b"\x1d(E\x03\x00abc", []),
    ],
)
def test_commands(data: bytes, commands: list[Command]) -> None:
    assert CommandReader().feed(data) == commands


def test_text_is_dropped_and_counted() -> None:
    reader = CommandReader()
    assert reader.feed(b"Hello\x1bq\x1dq\x00\x00") == []
    assert reader.dropped_bytes == 9


def test_a_reset_forgets_a_stored_picture() -> None:
    stored = b"\x1d(L\x0b\x000p0\x01\x011\x08\x00\x01\x00\xff"
    assert len(CommandReader().feed(stored + b"\x1d(L\x02\x0002")) == 1
    assert CommandReader().feed(stored + b"\x1b@\x1d(L\x02\x0002") == []


def test_a_picture_without_width_is_nothing() -> None:
    (command,) = CommandReader().feed(b"\x1dv0\x00\x00\x00\x05\x00")
    assert isinstance(command, Print)
    assert command.dots.size == 0


@given(st.binary(max_size=200))
def test_any_bytes_are_read(noise: bytes) -> None:
    CommandReader().feed(noise)


def test_pictures_are_black_on_white() -> None:
    picture = Image.new("1", (8, 1), 1)
    picture.putpixel((0, 0), 0)
    job = Dummy(profile="TM-T20II")
    job.image(picture)
    assert dots_of(CommandReader().feed(job.output)).tolist() == [[True] + [False] * 7]
