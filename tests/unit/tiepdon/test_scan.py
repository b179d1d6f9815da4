"""`tiepdon scan`: one line a file, and a status that says whether all could be read."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from click.testing import CliRunner, Result

from devices.models import Frame
from devices.simulated.cards import CardKind, Scene, draw_card_frame, draw_desk
from tiepdon.cli import main

CARD = "079085000000||Nguyễn Văn Thử|05091985|Nam|Linh Đông, Thủ Đức|12082021"
SMALL = Scene(size=(640, 480), px_per_module=3)


def write_picture(path: Path, frame: Frame) -> Path:
    path.write_bytes(cv2.imencode(".png", frame)[1].tobytes())
    return path


def run(*files: Path) -> Result:
    return CliRunner().invoke(main, ["scan", *map(str, files)])


def lines(result: Result) -> list[dict[str, Any]]:
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_a_picture_of_a_card(tmp_path: Path) -> None:
    file = write_picture(tmp_path / "thẻ.png", draw_card_frame(CARD.encode(), SMALL))
    result = run(file)
    assert result.exit_code == 0
    (line,) = lines(result)
    assert line["source"] == str(file)
    assert line["reads"] == [{"kind": "cccd2021", "text": CARD}]
    assert 0 < line["elapsed_ms"] < 10_000
    assert set(line) == {"source", "reads", "elapsed_ms"}


def test_nothing_read_is_an_answer(tmp_path: Path) -> None:
    result = run(write_picture(tmp_path / "desk.png", draw_desk((640, 480))))
    assert result.exit_code == 0
    assert lines(result)[0]["reads"] == []


def test_a_film_gives_each_payload_once(tmp_path: Path) -> None:
    film = cv2.VideoWriter(
        str(tmp_path / "film.avi"), cv2.VideoWriter.fourcc(*"MJPG"), 20.0, (640, 480)
    )
    smaller = Scene(size=(640, 480), px_per_module=2)
    slip = draw_card_frame(b"BN0012345678", smaller, kind=CardKind.SLIP)
    for frame in (draw_desk((640, 480)), *[draw_card_frame(CARD.encode(), SMALL)] * 3, slip):
        film.write(frame)
    film.release()
    (line,) = lines(run(tmp_path / "film.avi"))
    assert [read["text"] for read in line["reads"]] == [CARD, "BN0012345678"]


def test_bytes_that_are_no_text_are_an_unknown_code(tmp_path: Path) -> None:
    file = write_picture(tmp_path / "x.png", draw_card_frame(b"\xff\xfe\x01|<b>", SMALL))
    (line,) = lines(run(file))
    assert line["reads"][0]["kind"] == "unknown"


def test_unreadable_files_are_named_and_the_others_still_read(tmp_path: Path) -> None:
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"no picture")
    empty = tmp_path / "empty.jpg"
    empty.touch()
    good = write_picture(tmp_path / "card.png", draw_card_frame(CARD.encode(), SMALL))
    result = run(broken, empty, tmp_path / "nowhere.png", tmp_path, good)
    assert result.exit_code == 1
    assert [line["source"] for line in lines(result)] == [str(good)]
    for name in ("broken.png", "empty.jpg", "nowhere.png"):
        assert name in result.stderr


def test_too_large_a_picture_is_refused_and_not_read(tmp_path: Path) -> None:
    huge = write_picture(tmp_path / "huge.png", np.zeros((8000, 7000), np.uint8))
    result = run(huge)
    assert result.exit_code == 1
    assert "at most" in result.stderr


@pytest.mark.skipif(os.name != "posix", reason="file names are bytes on POSIX only")
def test_a_file_name_that_is_no_text(tmp_path: Path) -> None:
    file = Path(os.fsdecode(os.fsencode(tmp_path) + b"/th\xe8.png"))
    write_picture(file, draw_desk((320, 240)))
    assert lines(run(file))[0]["source"] == str(file)


def test_no_file_is_wrong_use() -> None:
    assert run().exit_code == 2
