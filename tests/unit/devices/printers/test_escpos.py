"""Printing when things go wrong: each ends in the right state and never in two tickets."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from escpos.printer import Dummy
from PIL import Image

from devices.errors import FontMissing, LineLost
from devices.models import PrinterCause, PrinterState, PrinterStatus, PrintReason, PrintState
from devices.printers.escpos import EscposPrinter, PrintTimes, encode, encode_flush
from devices.printers.journal import PrintJournal
from devices.printers.profiles import PROFILES, PrinterProfile
from devices.printers.receipts import render_receipt
from devices.printers.rendering import render
from devices.printers.transports import TcpTransport, Transport
from devices.simulated.printer import SimulatedPrinter
from devices.simulated.printer_commands import CommandReader, Cut, Print, ProofRequest
from tests.factories.receipts import receipt
from tests.factories.tickets import ticket

# A mechanism faster than any real one: nothing waits for paper to move.
FAST = replace(PROFILES["generic-80"], speed_mm_s=10_000.0)
TIMES = PrintTimes(
    open_s=0.3, answer_s=0.15, stall_s=0.3, proof_s=0.5, settle_s=0.05, ask_every_s=0.05
)
PATIENT = replace(TIMES, answer_s=2.0, proof_s=10.0)
WHOLE = render(ticket(), width_px=576).tobytes()


@pytest.fixture
def device() -> Iterator[SimulatedPrinter]:
    with SimulatedPrinter() as device:
        yield device


@pytest.fixture
def journal_file(tmp_path: Path) -> Path:
    return tmp_path / "jobs"


Connect = Callable[..., EscposPrinter]


@pytest.fixture
def connect(device: SimulatedPrinter, journal_file: Path) -> Iterator[Connect]:
    """Builds a printer on the device; the one before is closed, as by a restart."""
    printers: list[EscposPrinter] = []

    def build(
        transport: Transport | None = None,
        profile: PrinterProfile = FAST,
        times: PrintTimes = TIMES,
    ) -> EscposPrinter:
        for earlier in printers:
            earlier.close()
        transport = transport or TcpTransport("127.0.0.1", device.port)
        printer = EscposPrinter(transport, profile, PrintJournal(journal_file), times=times)
        printers.append(printer)
        return printer

    yield build
    for printer in printers:
        printer.close()


def when_printing(device: SimulatedPrinter, **changes: Any) -> None:
    """Changes the condition once the first millimetres of a ticket are out."""

    def change() -> None:
        while not device.state()["unfinished_mm"]:
            time.sleep(0.005)
        device.steer(**changes)

    threading.Thread(target=change, daemon=True).start()


def whole_tickets(device: SimulatedPrinter) -> int:
    return sum(picture.tobytes() == WHOLE for picture in device.tickets)


def test_a_job_is_reset_picture_cut_and_request_for_proof() -> None:
    picture = render(ticket(), width_px=576)
    job = encode(picture, PROFILES["generic-80"], process_id=b"abcd")
    assert job.startswith(b"\x1b@")
    commands = CommandReader().feed(job)
    pieces = [command.dots for command in commands if isinstance(command, Print)]
    assert all(len(dots) <= 240 for dots in pieces)
    assert sum(map(len, pieces)) == picture.height
    assert [type(command) for command in commands[-2:]] == [Cut, ProofRequest]
    assert b"\x1dV\x01" in job


@pytest.mark.parametrize("width_px", [384, 512, 576])
@pytest.mark.parametrize("height_px", [1, 239, 240, 241, 700])
def test_the_picture_is_sent_as_the_library_would(width_px: int, height_px: int) -> None:
    picture = Image.effect_noise((width_px, height_px), 200).convert("1")
    library = Dummy()
    library.image(picture, impl="bitImageRaster", fragment_height=240)
    assert library.output in encode(picture, PROFILES["generic-80"], process_id=b"abcd")


@pytest.mark.parametrize(
    ("profile", "cut"), [("xprinter-80", b"\x1dV\x00"), ("generic-58", b"\x1bd\x06")]
)
def test_cut_and_proof_follow_the_profile(profile: str, cut: bytes) -> None:
    picture = render(ticket(), width_px=PROFILES[profile].width_px)
    job = encode(picture, PROFILES[profile], process_id=b"abcd")
    assert job.endswith(cut)


@pytest.mark.parametrize(
    ("condition", "state", "reason"),
    [
        ({"paper": "end"}, PrinterState.PAPER_END, PrintReason.PAPER_END),
        ({"cover_open": True}, PrinterState.COVER_OPEN, PrintReason.COVER_OPEN),
        ({"error": "cutter"}, PrinterState.ERROR, PrintReason.PRINTER_ERROR),
        ({"error": "unrecoverable"}, PrinterState.ERROR, PrintReason.PRINTER_ERROR),
        ({"mute": True}, PrinterState.UNREACHABLE, PrintReason.NO_ANSWER),
        ({"stalled": True}, PrinterState.UNREACHABLE, PrintReason.NO_ANSWER),
    ],
)
def test_a_printer_that_cannot_print_is_sent_nothing(
    device: SimulatedPrinter,
    connect: Connect,
    condition: dict[str, Any],
    state: PrinterState,
    reason: PrintReason,
) -> None:
    printer = connect()
    device.steer(**condition)
    assert printer.status().state is state
    result = printer.print(ticket(), job_id="a")
    assert (result.state, result.reason) == (PrintState.FAILED, reason)
    device.steer(paper="ok", cover_open=False, error="none", mute=False, stalled=False)
    assert not device.tickets
    assert printer.print(ticket(), job_id="a").state is PrintState.PRINTED
    assert len(device.tickets) == 1


def test_paper_near_its_end_still_prints(device: SimulatedPrinter, connect: Connect) -> None:
    printer = connect()
    device.steer(paper="near_end")
    assert printer.status().state is PrinterState.PAPER_NEAR_END
    assert printer.print(ticket(), job_id="a").state is PrintState.PRINTED


def test_nobody_listens(connect: Connect) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    printer = connect(TcpTransport("127.0.0.1", port))
    assert printer.status() == PrinterStatus(
        state=PrinterState.UNREACHABLE, cause=PrinterCause.LINE_UNAVAILABLE
    )
    result = printer.print(ticket(), job_id="a")
    assert (result.state, result.reason) == (PrintState.FAILED, PrintReason.LINE_UNAVAILABLE)


def test_paper_ends_in_the_middle_and_the_rest_comes_with_the_new_roll(
    device: SimulatedPrinter, connect: Connect
) -> None:
    printer = connect()
    device.steer(end_after_mm=40)
    result = printer.print(ticket(), job_id="a")
    assert (result.state, result.reason) == (PrintState.UNKNOWN, PrintReason.PAPER_END)
    assert printer.print(ticket(), job_id="a") == result
    other = printer.print(ticket(), job_id="b")
    assert (other.state, other.reason) == (PrintState.FAILED, PrintReason.PAPER_END)
    device.steer(paper="ok")
    assert printer.status().state is PrinterState.READY
    settled = printer.find_result("a")
    assert settled is not None
    assert settled.state is PrintState.PRINTED
    assert printer.print(ticket(), job_id="a").state is PrintState.PRINTED
    assert whole_tickets(device) == len(device.tickets) == 1


def test_asking_for_the_same_job_settles_it(device: SimulatedPrinter, connect: Connect) -> None:
    printer = connect()
    device.steer(end_after_mm=40)
    printer.print(ticket(), job_id="a")
    device.steer(paper="ok")
    assert printer.print(ticket(), job_id="a").state is PrintState.PRINTED
    assert len(device.tickets) == 1


def test_the_cover_is_opened_in_the_middle(device: SimulatedPrinter, connect: Connect) -> None:
    printer = connect()
    device.steer(speed_mm_s=200.0)
    when_printing(device, cover_open=True)
    result = printer.print(ticket(), job_id="a")
    assert (result.state, result.reason) == (PrintState.UNKNOWN, PrintReason.COVER_OPEN)
    device.steer(cover_open=False, speed_mm_s=None)
    printer.status()
    assert printer.print(ticket(), job_id="a").state is PrintState.PRINTED
    assert whole_tickets(device) == len(device.tickets) == 1


@pytest.mark.parametrize("after", [1, 500, 20_000, 60_000])
def test_the_line_breaks_in_the_middle(
    device: SimulatedPrinter, connect: Connect, after: int
) -> None:
    printer = connect()
    device.steer(drop_after_bytes=12 + after)
    result = printer.print(ticket(), job_id="a")
    assert (result.state, result.reason) == (PrintState.UNKNOWN, PrintReason.LINE_LOST)
    assert printer.print(ticket(), job_id="a") == result
    assert whole_tickets(device) == 0
    assert printer.print(ticket(), job_id="b").state is PrintState.PRINTED
    assert whole_tickets(device) == 1, "the torn job spoilt the next one"


def test_the_line_breaks_before_the_job(device: SimulatedPrinter, connect: Connect) -> None:
    printer = connect()
    device.steer(drop_after_bytes=3)
    result = printer.print(ticket(), job_id="a")
    assert (result.state, result.reason) == (PrintState.FAILED, PrintReason.LINE_LOST)
    assert printer.print(ticket(), job_id="a").state is PrintState.PRINTED
    assert len(device.tickets) == 1


def test_the_printer_falls_silent_after_taking_the_job(
    device: SimulatedPrinter, connect: Connect
) -> None:
    printer = connect()
    device.steer(speed_mm_s=400.0)
    when_printing(device, mute=True)
    result = printer.print(ticket(), job_id="a")
    assert (result.state, result.reason) == (PrintState.UNKNOWN, PrintReason.NO_ANSWER)
    assert printer.status().cause is PrinterCause.NO_ANSWER
    device.steer(mute=False)
    assert printer.status().state is PrinterState.READY
    assert printer.print(ticket(), job_id="a") == result
    assert whole_tickets(device) == len(device.tickets) == 1


def test_the_printer_stops_reading_in_the_middle(connect: Connect) -> None:
    """A transport whose other end takes nothing after the status questions."""
    near, far = socket.socketpair()
    near.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)

    class Line(TcpTransport):
        def open(self, timeout_s: float) -> None:
            self._socket = near

    def answer() -> None:
        for _ in range(4):
            far.recv(3)
            far.sendall(b"\x12")

    answering = threading.Thread(target=answer)
    answering.start()
    printer = connect(Line("", 0))
    result = printer.print(ticket(), job_id="a")
    answering.join()
    far.close()
    assert (result.state, result.reason) == (PrintState.UNKNOWN, PrintReason.STALLED)


def test_a_clone_without_proof_ends_unconfirmed_and_is_waited_for_once(
    device: SimulatedPrinter, connect: Connect
) -> None:
    printer = connect()
    device.steer(gives_proof=False)
    first = printer.print(ticket(), job_id="a")
    assert (first.state, first.reason) == (PrintState.UNCONFIRMED, PrintReason.NO_PROOF)
    assert first.elapsed_ms >= TIMES.proof_s * 1000
    second = printer.print(ticket(), job_id="b")
    assert second.state is PrintState.UNCONFIRMED
    assert second.elapsed_ms < TIMES.proof_s * 1000
    device.steer(gives_proof=True)
    assert printer.print(ticket(), job_id="c").state is PrintState.PRINTED
    assert len(device.tickets) == 3


def test_a_slow_printer_is_waited_for(device: SimulatedPrinter, connect: Connect) -> None:
    printer = connect(times=PATIENT)
    device.steer(speed_mm_s=200.0)
    result = printer.print(ticket(), job_id="a")
    assert result.state is PrintState.PRINTED
    assert result.elapsed_ms > 600


def test_proof_comes_only_when_it_is_on_paper(device: SimulatedPrinter, connect: Connect) -> None:
    printer = connect(times=PATIENT)
    device.steer(speed_mm_s=75.0)
    results = []
    job = threading.Thread(target=lambda: results.append(printer.print(ticket(), job_id="a")))
    job.start()
    time.sleep(0.3)
    assert not results
    job.join()
    assert results[0].state is PrintState.PRINTED


def test_a_program_restarted_in_the_middle_knows_and_does_not_print_again(
    device: SimulatedPrinter, connect: Connect
) -> None:
    class PowerCut(BaseException):
        pass

    class Dying(TcpTransport):
        def write(self, data: bytes, timeout_s: float) -> None:
            if len(data) > 3:
                super().write(data[:30_000], timeout_s)
                raise PowerCut
            super().write(data, timeout_s)

    printer = connect(Dying("127.0.0.1", device.port))
    with pytest.raises(PowerCut):
        printer.print(ticket(), job_id="a")
    printer = connect()
    result = printer.print(ticket(), job_id="a")
    assert (result.state, result.reason) == (PrintState.UNKNOWN, PrintReason.RESTARTED)
    assert whole_tickets(device) == 0
    assert printer.print(ticket(), job_id="b").state is PrintState.PRINTED
    assert whole_tickets(device) == 1


def test_results_outlive_a_restart(device: SimulatedPrinter, connect: Connect) -> None:
    first = connect().print(ticket(), job_id="a")
    assert connect().print(ticket(), job_id="a") == first
    assert len(device.tickets) == 1


def test_a_disk_that_takes_no_record_stops_the_job(
    device: SimulatedPrinter, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    printer = connect()

    def full(*_: object) -> None:
        raise OSError("full")

    monkeypatch.setattr(PrintJournal, "_append", full)
    result = printer.print(ticket(), job_id="a")
    assert (result.state, result.reason) == (PrintState.FAILED, PrintReason.JOURNAL_FAILED)
    monkeypatch.undo()
    assert printer.print(ticket(), job_id="a").state is PrintState.PRINTED
    assert len(device.tickets) == 1


def test_a_line_that_answers_nothing_ends_unconfirmed(connect: Connect) -> None:
    class OneWay:
        can_read: ClassVar[bool] = False
        sent = b""

        def open(self, timeout_s: float) -> None:
            """Always there."""

        def write(self, data: bytes, timeout_s: float) -> None:
            self.sent += data

        def read(self, timeout_s: float) -> bytes:
            raise LineLost("asked a line that cannot answer")

        def close(self) -> None:
            """Nothing to let go."""

    line = OneWay()
    printer = connect(line)
    assert printer.status().cause is PrinterCause.NOT_REPORTED
    result = printer.print(ticket(), job_id="a")
    assert (result.state, result.reason) == (PrintState.UNCONFIRMED, PrintReason.NOT_REPORTED)
    assert line.sent.startswith(b"\x1b@")


def test_a_receipt_is_on_paper_once_dot_by_dot(device: SimulatedPrinter, connect: Connect) -> None:
    printer = connect()
    for _ in range(2):
        assert printer.print(receipt(), job_id="paid").state is PrintState.PRINTED
    [paper] = device.tickets
    drawn = render_receipt(receipt(), width_px=paper.width)
    dots = np.asarray(paper)[: drawn.height]
    assert (dots == np.asarray(drawn)[: len(dots)]).all()


def test_a_missing_typeface_is_raised_and_costs_no_job(
    device: SimulatedPrinter, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(*_: object, **__: object) -> None:
        raise FontMissing

    printer = connect()
    monkeypatch.setattr("devices.printers.escpos.draw", missing)
    with pytest.raises(FontMissing):
        printer.print(ticket(), job_id="a")
    monkeypatch.undo()
    assert printer.print(ticket(), job_id="a").state is PrintState.PRINTED
    assert len(device.tickets) == 1


def test_a_flush_completes_a_torn_picture_whatever_was_missing() -> None:
    picture = render(ticket(), width_px=576)
    job = encode(picture, FAST, process_id=b"abcd")
    for sent in (1, 6, 9, 100, 17_290, 30_000, len(job) - 20):
        reader = CommandReader()
        reader.feed(job[:sent])
        reader.feed(encode_flush(FAST))
        commands = reader.feed(job)
        rows = sum(len(command.dots) for command in commands if isinstance(command, Print))
        assert rows == picture.height, sent
