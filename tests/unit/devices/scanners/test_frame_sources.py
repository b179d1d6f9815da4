"""Pictures from files, folders and what is not there."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from devices.errors import UnreadablePicture
from devices.models import ScannerCause
from devices.scanners import frame_sources
from devices.scanners.frame_sources import (
    FilmSource,
    camera_source,
    mjpeg_source,
    read_film,
    read_picture,
)
from devices.scanners.threaded import LinkLost


def write_film(path: Path, greys: list[int]) -> None:
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 20.0, (64, 48))
    for grey in greys:
        writer.write(np.full((48, 64, 3), grey, np.uint8))
    writer.release()


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frame_sources, "_SHOW_PICTURE_S", 0.1)
    monkeypatch.setattr(frame_sources, "_BETWEEN_PICTURES_S", 0.1)


def test_a_picture_is_read_in_colour(tmp_path: Path) -> None:
    path = tmp_path / "thẻ mẫu.png"
    path.write_bytes(cv2.imencode(".png", np.full((3, 4), 200, np.uint8))[1].tobytes())
    assert read_picture(path).shape == (3, 4, 3)


@pytest.mark.parametrize("content", [b"", b"no picture", b"\xff\xd8\xff\xe0 half a jpeg"])
def test_what_is_no_picture_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.png"
    path.write_bytes(content)
    with pytest.raises(UnreadablePicture):
        read_picture(path)
    with pytest.raises(UnreadablePicture):
        list(read_film(path))


def test_a_film_has_pictures_and_a_pace(tmp_path: Path) -> None:
    write_film(tmp_path / "film.avi", [10, 100, 200])
    frames = list(read_film(tmp_path / "film.avi"))
    assert [round(int(frame.mean()), -1) for frame, _ in frames] == [10, 100, 200]
    assert {duration_s for _, duration_s in frames} == {1 / 20}


def test_a_film_is_shown_again_after_a_dark_pause(tmp_path: Path) -> None:
    write_film(tmp_path / "film.avi", [100, 200])
    source = FilmSource(tmp_path / "film.avi")
    source.open()
    assert [round(int(source.read().mean()), -1) for _ in range(4)] == [100, 200, 0, 100]
    source.release()


def test_a_folder_shows_its_pictures_by_name_and_passes_over_the_rest(tmp_path: Path) -> None:
    for name, grey in (("b.png", 200), ("a.png", 100)):
        picture = cv2.imencode(".png", np.full((48, 64, 3), grey, np.uint8))[1]
        (tmp_path / name).write_bytes(picture.tobytes())
    (tmp_path / "broken.png").write_bytes(b"?")
    (tmp_path / "notes.txt").write_text("no picture")
    source = FilmSource(tmp_path)
    source.open()
    assert [int(source.read().mean()) for _ in range(5)] == [100, 0, 200, 0, 100]


def test_nothing_to_show_is_a_lost_link(tmp_path: Path) -> None:
    source = FilmSource(tmp_path)
    source.open()
    with pytest.raises(LinkLost) as lost:
        source.read()
    assert lost.value.cause is ScannerCause.READ_FAILED
    with pytest.raises(LinkLost) as lost:
        FilmSource(tmp_path / "nowhere").open()
    assert lost.value.cause is ScannerCause.NOT_FOUND


def test_a_camera_that_is_not_there_is_not_found(tmp_path: Path) -> None:
    for target in ("97", str(tmp_path / "usb-camera-index0")):
        with pytest.raises(LinkLost) as lost:
            camera_source(target).open()
        assert lost.value.cause is ScannerCause.NOT_FOUND


def test_a_stream_that_nobody_serves_is_not_found() -> None:
    with pytest.raises(LinkLost) as lost:
        mjpeg_source("http://127.0.0.1:9/stream").open()
    assert lost.value.cause is ScannerCause.NOT_FOUND
