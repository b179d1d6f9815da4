"""The log on a kiosk's own disk: bounded, never in the way, and nothing of anybody in it."""

from __future__ import annotations

import gzip
import logging
import os
import random
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from kiosk_ui.events import KioskEvent
from kiosk_ui.flow import Screen
from kiosk_ui.gateway.fake import PERSON
from kiosk_ui.local_log import FILE_BYTES, MOST_PACKED_BYTES, OLDER_FILES, LocalLog, LogFolder
from tests.flows.stand_ins import Bench
from tests.flows.steps import TO_QR, TO_SCAN, TO_SUMMARY, hold_up, touch, walk

log = logging.getLogger("kiosk_ui.test")


@pytest.fixture
def folder(tmp_path: Path) -> LogFolder:
    return LogFolder(tmp_path / "log")


@pytest.fixture
def kept(folder: LogFolder) -> Iterator[LocalLog]:
    logging.getLogger("kiosk_ui").setLevel(logging.DEBUG)
    local = LocalLog(folder)
    local.start()
    yield local
    logging.getLogger("kiosk_ui").setLevel(logging.NOTSET)


def unpacked(folder: LogFolder) -> str:
    return gzip.decompress(folder.pack()).decode()


def test_what_we_say_is_kept_what_libraries_say_is_not(folder: LogFolder, kept: LocalLog) -> None:
    log.info("%s kiosk=%s", KioskEvent.ENROLLED, "k1")
    logging.getLogger("urllib3.connectionpool").warning("https://server/api/v1/visits/17")
    kept.stop()
    text = unpacked(folder)
    assert "INFO kiosk_ui.test kiosk_enrolled kiosk=k1" in text
    assert "visits/17" not in text
    assert folder.newest.stat().st_size > 0


def test_a_whole_visit_leaves_nothing_of_the_person(folder: LogFolder, kept: LocalLog) -> None:
    """Cards, typed numbers, a refusal, a payment, a printer that fails, a server that goes."""
    card = b"079085000000|271234567|Tr\xe1\xba\xa7n Th\xe1\xbb\x8b B\xc3\xa9 N\xc4\x83m|12041985"
    bench = Bench()
    walk(bench, TO_SCAN)
    bench.gateway.refusals["scan"] = "E_TRUNCATED"
    hold_up(bench, card)
    touch(bench, "finish")
    walk(bench, [*TO_SCAN, (Screen.SCAN, "type"), (Screen.TYPED_NUMBER, "digits", "079085000000")])
    touch(bench, "finish")
    walk(bench, TO_SUMMARY)
    bench.gateway.refusals["start_visit"] = "internal_error"
    touch(bench, "confirm")
    touch(bench, "finish")
    walk(bench, [*TO_SUMMARY, (Screen.SUMMARY, "confirm")])
    number = bench.printer.tickets[0].number
    bench.wait(200)
    walk(bench, TO_QR)
    bench.gateway.down = True
    bench.wait(5)
    bench.gateway.down = False
    bench.wait(400)
    kept.stop()
    text = unpacked(folder)
    assert KioskEvent.SERVER_LOST in text
    assert KioskEvent.IDLE_CLEARED in text
    secrets = [
        *PERSON.full_name.split(),
        PERSON.masked_name,
        "079085000000",
        "271234567",
        "12041985",
        "1985",
        number,
        "QR",
        "https://",
    ]
    assert [secret for secret in secrets if secret in text] == []


def test_it_is_bounded_and_the_newest_is_kept(folder: LogFolder, kept: LocalLog) -> None:
    random.seed(4)
    for n in range(12_000):
        log.info("%s line=%d noise=%0400x", KioskEvent.CALL_FAILED, n, random.getrandbits(1600))
        if n % 500 == 0:
            time.sleep(0.02)
    kept.stop()
    sizes = [file.stat().st_size for file in folder.folder.iterdir()]
    assert sum(sizes) <= (OLDER_FILES + 1) * FILE_BYTES
    assert len(folder.pack()) <= MOST_PACKED_BYTES
    assert "line=11999 " in unpacked(folder)


def test_what_does_not_fit_is_the_oldest(
    folder: LogFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder.folder.mkdir()
    for n, name in enumerate(("kiosk.log.2", "kiosk.log.1", "kiosk.log")):
        (folder.folder / name).write_bytes(os.urandom(400) + f"file {n}".encode())
    monkeypatch.setattr("kiosk_ui.local_log.MOST_PACKED_BYTES", 900)
    packed = gzip.decompress(folder.pack())
    assert b"file 0" not in packed
    assert packed.index(b"file 1") < packed.index(b"file 2")


def test_a_full_disk_is_said_once_and_stops_nothing(
    folder: LogFolder, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("no /dev/full here")
    monkeypatch.setattr(LogFolder, "newest", property(lambda _: full))
    local = LocalLog(folder)
    local.start()
    for n in range(20):
        log.warning("%s n=%d", KioskEvent.CALL_FAILED, n)
    local.stop()
    told = [record for record in caplog.records if record.message == KioskEvent.LOG_NOT_WRITTEN]
    assert len(told) == 1


def test_a_disk_with_room_again_is_said_once(
    folder: LogFolder, caplog: pytest.LogCaptureFixture
) -> None:
    folder.folder.mkdir()
    folder.newest.mkdir()  # nothing can be written there
    local = LocalLog(folder)
    local.start()
    log.warning(KioskEvent.CALL_FAILED)
    while not any(r.message == KioskEvent.LOG_NOT_WRITTEN for r in caplog.records):
        time.sleep(0.01)
    folder.newest.rmdir()
    for _ in range(3):
        log.warning(KioskEvent.CALL_FAILED)
        time.sleep(0.05)
    local.stop()
    back = [record for record in caplog.records if record.message == KioskEvent.LOG_WRITTEN_AGAIN]
    assert len(back) == 1


def test_logging_never_waits_for_the_disk(
    folder: LogFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kiosk_ui.local_log._File.emit", lambda *_: time.sleep(0.2))
    local = LocalLog(folder)
    local.start()
    begun_s = time.perf_counter()
    for _ in range(5):
        log.warning(KioskEvent.CALL_FAILED)
    assert time.perf_counter() - begun_s < 0.05
    local.stop()


def test_without_any_file_an_empty_log_is_packed(folder: LogFolder) -> None:
    assert unpacked(folder) == ""
