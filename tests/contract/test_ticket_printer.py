"""What every TicketPrinter promises, asked of each of them."""

from __future__ import annotations

import os
import pty
import select
import socket
import threading
import tty
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from devices.models import PrinterState, PrintReason, PrintState
from devices.ports import TicketPrinter
from devices.printers.escpos import EscposPrinter, PrintTimes
from devices.printers.journal import PrintJournal
from devices.printers.profiles import PROFILES, PrinterProfile
from devices.printers.rendering import render
from devices.printers.transports import FileTransport, SerialTransport, TcpTransport
from devices.simulated.printer import SimulatedPrinter
from devices.simulated.printer_commands import CommandReader, Cut
from devices.testing import RecordingPrinter
from tests.factories.receipts import receipt
from tests.factories.tickets import ticket

TIMES = PrintTimes(
    open_s=0.5, answer_s=0.3, stall_s=0.5, proof_s=1.0, settle_s=0.05, ask_every_s=0.05
)


@dataclass(frozen=True, kw_only=True)
class Bench:
    """A printer and how to see what it printed."""

    printer: TicketPrinter
    count: Callable[[], int]
    ends_as: PrintState


def replace_speed(profile: str) -> PrinterProfile:
    return replace(PROFILES[profile], speed_mm_s=10_000.0)


class SerialCable:
    """A pseudo-terminal whose far end is wired to a TCP port."""

    def __init__(self, tcp_port: int) -> None:
        self._far, self._near = pty.openpty()
        tty.setraw(self._near)
        self.device = os.ttyname(self._near)
        self._line = socket.create_connection(("127.0.0.1", tcp_port))
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._carry)

    def __enter__(self) -> str:
        self._thread.start()
        return self.device

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        self._thread.join()
        self._line.close()
        os.close(self._far)
        os.close(self._near)

    def _carry(self) -> None:
        while not self._closing.is_set():
            ready, _, _ = select.select([self._far, self._line], [], [], 0.02)
            if self._far in ready:
                self._line.sendall(os.read(self._far, 4096))
            if self._line in ready:
                os.write(self._far, self._line.recv(256))


class TicketPrinterContract:
    """Each implementation gives a `bench`."""

    def test_prints_one_ticket(self, bench: Bench) -> None:
        result = bench.printer.print(ticket(), job_id="visit-1.1")
        assert result.job_id == "visit-1.1"
        assert result.state is bench.ends_as
        assert bench.count() == 1

    def test_a_receipt_is_a_job_like_any_other(self, bench: Bench) -> None:
        first = bench.printer.print(receipt(), job_id="receipt-1")
        assert first.state is bench.ends_as
        assert bench.printer.print(receipt(), job_id="receipt-1") == first
        assert bench.count() == 1

    def test_the_same_job_again_prints_nothing_and_answers_the_same(self, bench: Bench) -> None:
        first = bench.printer.print(ticket(), job_id="a")
        assert bench.printer.print(ticket(number="A013"), job_id="a") == first
        assert bench.printer.find_result("a") == first
        assert bench.count() == 1

    def test_another_job_prints_again(self, bench: Bench) -> None:
        for job_id in ("a", "b", "c"):
            assert bench.printer.print(ticket(), job_id=job_id).state is bench.ends_as
        assert bench.count() == 3

    def test_a_job_never_seen_has_no_result(self, bench: Bench) -> None:
        assert bench.printer.find_result("never") is None

    @pytest.mark.parametrize("job_id", ["", "a b", "ệ", "x" * 65, "../x", "a\n"])
    def test_an_id_that_could_say_something_is_refused(self, bench: Bench, job_id: str) -> None:
        with pytest.raises(ValueError, match="job id"):
            bench.printer.print(ticket(), job_id=job_id)
        assert bench.count() == 0

    def test_a_printer_that_is_well_can_print(self, bench: Bench) -> None:
        assert bench.printer.status().state is PrinterState.READY

    def test_two_threads_with_one_job_get_one_ticket(self, bench: Bench) -> None:
        results = []
        threads = [
            threading.Thread(
                target=lambda: results.append(bench.printer.print(ticket(), job_id="one"))
            )
            for _ in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert {result.state for result in results} == {bench.ends_as}
        assert bench.count() == 1

    def test_closing_twice_is_allowed(self, bench: Bench) -> None:
        bench.printer.close()
        bench.printer.close()


class TestRecordingPrinter(TicketPrinterContract):
    @pytest.fixture
    def bench(self) -> Bench:
        printer = RecordingPrinter()
        return Bench(
            printer=printer, count=lambda: len(printer.printed), ends_as=PrintState.PRINTED
        )


class TestOverTcp(TicketPrinterContract):
    @pytest.fixture
    def bench(self, tmp_path: Path) -> Iterator[Bench]:
        with SimulatedPrinter() as device:
            printer = EscposPrinter(
                TcpTransport("127.0.0.1", device.port),
                PROFILES["generic-80"],
                PrintJournal(tmp_path / "jobs"),
                times=TIMES,
            )
            yield Bench(
                printer=printer, count=lambda: len(device.tickets), ends_as=PrintState.PRINTED
            )
            printer.close()


class TestOverTcpWithoutProof(TicketPrinterContract):
    """A clone on 58 mm paper: no proof, no cutter."""

    @pytest.fixture
    def bench(self, tmp_path: Path) -> Iterator[Bench]:
        with SimulatedPrinter(width_px=384, has_cutter=False) as device:
            device.steer(gives_proof=False)
            printer = EscposPrinter(
                TcpTransport("127.0.0.1", device.port),
                # No waiting for a mechanism that is faster than any real one.
                replace_speed("generic-58"),
                PrintJournal(tmp_path / "jobs"),
                times=TIMES,
            )
            yield Bench(
                printer=printer, count=lambda: len(device.tickets), ends_as=PrintState.UNCONFIRMED
            )
            printer.close()


class TestOverFile(TicketPrinterContract):
    @pytest.fixture
    def bench(self, tmp_path: Path) -> Iterator[Bench]:
        file = tmp_path / "paper.bin"
        printer = EscposPrinter(
            FileTransport(file), PROFILES["generic-80"], PrintJournal(tmp_path / "jobs")
        )

        def count() -> int:
            data = file.read_bytes() if file.exists() else b""
            return sum(isinstance(command, Cut) for command in CommandReader().feed(data))

        yield Bench(printer=printer, count=count, ends_as=PrintState.UNCONFIRMED)
        printer.close()


class TestOverSerial(TicketPrinterContract):
    @pytest.fixture
    def bench(self, tmp_path: Path) -> Iterator[Bench]:
        with SimulatedPrinter() as device, SerialCable(device.port) as port:
            printer = EscposPrinter(
                SerialTransport(port),
                PROFILES["generic-80"],
                PrintJournal(tmp_path / "jobs"),
                times=TIMES,
            )
            yield Bench(
                printer=printer, count=lambda: len(device.tickets), ends_as=PrintState.PRINTED
            )
            printer.close()


def test_what_the_simulated_printer_shows_is_what_was_drawn(tmp_path: Path) -> None:
    with SimulatedPrinter() as device:
        printer = EscposPrinter(
            TcpTransport("127.0.0.1", device.port), PROFILES["generic-80"], PrintJournal()
        )
        printer.print(ticket(), job_id="a")
        printer.close()
        drawn = render(ticket(), width_px=576)
        assert device.tickets[0].size == drawn.size
        assert device.tickets[0].tobytes() == drawn.tobytes()


def test_the_recording_printer_fails_when_told_to() -> None:
    printer = RecordingPrinter()
    printer.next_end = (PrintState.UNKNOWN, PrintReason.LINE_LOST)
    assert printer.print(ticket(), job_id="a").reason is PrintReason.LINE_LOST
    assert len(printer.printed) == 1
