from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
import zxingcpp
from PIL import Image

from devices.errors import SimulatorInProduction
from devices.printers.escpos import encode
from devices.printers.profiles import PROFILES
from devices.printers.rendering import render
from devices.registry import build_printer
from devices.simulated.printer import PrinterCondition, SimulatedPrinter, changed
from devices.simulated.printer_control import PrinterControl
from tests.factories.tickets import ticket

PICTURE = render(ticket(), width_px=576)
JOB = encode(PICTURE, PROFILES["generic-80"], process_id=b"abcd")
PROOF = b"\x37\x22abcd\x00"


@pytest.fixture
def device(tmp_path: Path) -> Iterator[SimulatedPrinter]:
    with SimulatedPrinter(folder=tmp_path / "tickets") as device:
        yield device


@pytest.fixture
def line(device: SimulatedPrinter) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", device.port), timeout=2) as line:
        yield line


def ask(line: socket.socket, question: int) -> int:
    line.sendall(bytes([0x10, 0x04, question]))
    return line.recv(1)[0]


def test_a_ticket_is_saved_as_it_was_drawn_and_its_code_reads(
    device: SimulatedPrinter, line: socket.socket, tmp_path: Path
) -> None:
    line.sendall(JOB)
    assert line.recv(7) == PROOF
    saved = Image.open(tmp_path / "tickets" / "ticket-0001.png")
    assert saved.tobytes() == PICTURE.tobytes() == device.tickets[0].tobytes()
    codes = zxingcpp.read_barcodes(saved.convert("L"))
    assert [code.text for code in codes] == [ticket().qr]


@pytest.mark.parametrize(
    ("condition", "answers"),
    [
        ({}, [0x12, 0x12, 0x12, 0x12]),
        ({"paper": "near_end"}, [0x12, 0x12, 0x12, 0x1E]),
        ({"paper": "end"}, [0x1A, 0x32, 0x12, 0x7E]),
        ({"cover_open": True}, [0x1A, 0x16, 0x12, 0x12]),
        ({"error": "cutter"}, [0x1A, 0x52, 0x1A, 0x12]),
    ],
)
def test_answers_say_how_it_is(
    device: SimulatedPrinter, line: socket.socket, condition: dict[str, Any], answers: list[int]
) -> None:
    device.steer(**condition)
    assert [ask(line, question) for question in (1, 2, 3, 4)] == answers


def test_it_answers_with_the_paper_out_and_gives_no_proof_until_there_is_paper(
    device: SimulatedPrinter, line: socket.socket
) -> None:
    device.steer(end_after_mm=50)
    line.sendall(JOB)
    deadline = time.monotonic() + 20
    while ask(line, 4) != 0x7E:
        assert time.monotonic() < deadline
    assert device.state()["unfinished_mm"] == pytest.approx(50)
    assert not device.tickets
    line.settimeout(0.2)
    with pytest.raises(TimeoutError):
        line.recv(7)
    line.settimeout(20)
    device.steer(paper="ok")
    assert line.recv(7) == PROOF
    assert len(device.tickets) == 1


def test_a_question_inside_a_picture_is_answered_and_stays_part_of_the_picture(
    device: SimulatedPrinter, line: socket.socket
) -> None:
    line.sendall(b"\x1b@\x1dv0\x00\x03\x00\x01\x00\x10\x04")
    line.sendall(b"\x01\x1dV\x00")
    assert line.recv(1) == b"\x12"
    assert device.wait_for_tickets(1)
    row = device.tickets[0].crop((0, 0, 24, 1)).tobytes()
    assert bytes(255 - byte for byte in row) == b"\x10\x04\x01"


def test_mute_and_stalled(device: SimulatedPrinter, line: socket.socket) -> None:
    line.settimeout(0.15)
    for condition in ("mute", "stalled"):
        device.steer(**{condition: True})
        line.sendall(b"\x10\x04\x01")
        with pytest.raises(TimeoutError):
            line.recv(1)
        device.steer(**{condition: False})
    line.settimeout(20)
    assert line.recv(1) == b"\x12"


def test_the_line_drops_once(device: SimulatedPrinter, line: socket.socket) -> None:
    device.steer(drop_after_bytes=1000)
    line.sendall(JOB)
    with pytest.raises(ConnectionError):
        assert line.recv(7)
    assert device.condition.drop_after_bytes is None
    assert not device.tickets


def test_speed_is_kept(device: SimulatedPrinter, line: socket.socket) -> None:
    device.steer(speed_mm_s=400.0)
    started = time.monotonic()
    line.sendall(JOB)
    assert line.recv(7) == PROOF
    assert time.monotonic() - started > PICTURE.height / 8 / 400


def test_cuts_without_paper_between_make_no_ticket(
    device: SimulatedPrinter, line: socket.socket
) -> None:
    line.sendall(b"\x1dV\x00\x1bd\x06\x1dV\x00" + JOB)
    assert line.recv(7) == PROOF
    assert len(device.tickets) == 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"paper": "none"},
        {"cover_open": 1},
        {"speed_mm_s": "fast"},
        {"speed_mm_s": -1},
        {"end_after_mm": True},
        {"colour": "red"},
        {"paper": None},
    ],
)
def test_a_wrong_condition_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="not a condition"):
        changed(PrinterCondition(), wrong)


def test_not_in_production(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIEPDON_ENV", "production")
    with pytest.raises(SimulatorInProduction):
        SimulatedPrinter()


def test_alone_it_says_where_it_is_and_can_be_steered_over_http(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "devices.simulated.printer", "--out", str(tmp_path)],
        stdout=subprocess.PIPE,
        env=os.environ | {"TIEPDON_ENV": "test"},
    )
    try:
        assert process.stdout is not None
        addresses = json.loads(process.stdout.readline())
        changes = {"paper": "near_end"}
        state = requests.post(addresses["control"] + "/state", json=changes, timeout=5).json()
        assert state["paper"] == "near_end"
        printer = build_printer(addresses["printer"])
        assert printer.status().state == "paper_near_end"
        assert printer.print(ticket(), job_id="a").state == "printed"
        printer.close()
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
        process.stdout.close() if process.stdout else None
    assert [file.name for file in tmp_path.iterdir()] == ["ticket-0001.png"]


class TestControl:
    @pytest.fixture
    def url(self, device: SimulatedPrinter) -> Iterator[str]:
        with PrinterControl(device) as control:
            yield control.url

    def test_state_can_be_read_and_changed(self, device: SimulatedPrinter, url: str) -> None:
        assert requests.get(f"{url}/state", timeout=5).json()["cover_open"] is False
        changed = requests.post(f"{url}/state", json={"cover_open": True}, timeout=5).json()
        assert changed["cover_open"] is True
        assert device.condition.cover_open

    def test_tickets_can_be_fetched(
        self, device: SimulatedPrinter, line: socket.socket, url: str
    ) -> None:
        assert requests.get(f"{url}/tickets/1.png", timeout=5).status_code == 404
        line.sendall(JOB)
        assert device.wait_for_tickets(1)
        answer = requests.get(f"{url}/tickets/1.png", timeout=5)
        assert answer.headers["Content-Type"] == "image/png"
        assert answer.content.startswith(b"\x89PNG")

    @pytest.mark.parametrize(
        ("body", "status"),
        [(b"{", 400), (b"[1]", 400), (b'{"paper": 1}', 400), (b" " * 5000, 413)],
    )
    def test_nonsense_is_refused(self, url: str, body: bytes, status: int) -> None:
        assert requests.post(f"{url}/state", data=body, timeout=5).status_code == status

    def test_other_paths_are_not_there(self, url: str) -> None:
        assert requests.get(f"{url}/../x", timeout=5).status_code == 404
        assert requests.post(f"{url}/tickets", data=b"{}", timeout=5).status_code == 404
