"""A ticket printer that is not there: a TCP server that prints to pictures.

It behaves like a real one where that matters: status questions are answered on receipt, even in
the middle of a picture and with the paper out; data wait in a buffer until the mechanism can
print; a proof is given only for what is on paper. And it can be made to fail in every way.

`python -m devices.simulated.printer --port 0 --out DIR` runs it alone; it prints its addresses as
one line of JSON and takes changes of its condition over HTTP (see printer_control).
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import queue
import signal
import socket
import struct
import sys
import threading
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self, get_args, get_type_hints

import numpy as np
from PIL import Image

from devices.errors import SimulatorInProduction
from devices.simulated.printer_commands import (
    Command,
    CommandReader,
    Cut,
    Dots,
    Feed,
    Print,
    ProofRequest,
)

_DOTS_PER_MM = 8
# The mechanism moves the paper in steps of 1 mm.
_STEP_ROWS = 8
_TICK_S = 0.02
_MAX_LAG_S = 0.05


@dataclass(frozen=True, kw_only=True)
class PrinterCondition:
    """How the printer is. `end_after_mm`: the paper ends after that much more is printed.
    `drop_after_bytes`: the line breaks once, after that many more bytes. `speed_mm_s`: None is
    faster than any real one. `stalled`: reads nothing. `mute`: answers nothing.
    """

    paper: Literal["ok", "near_end", "end"] = "ok"
    cover_open: bool = False
    error: Literal["none", "cutter", "unrecoverable", "recoverable"] = "none"
    mute: bool = False
    stalled: bool = False
    gives_proof: bool = True
    end_after_mm: float | None = None
    drop_after_bytes: int | None = None
    speed_mm_s: float | None = None

    @property
    def can_print(self) -> bool:
        return self.paper != "end" and not self.cover_open and self.error == "none"

    def answer(self, question: int) -> int:
        """The byte that answers DLE EOT `question`."""
        end = self.paper == "end"
        bits = {
            1: 0x08 * (not self.can_print),
            2: 0x04 * self.cover_open + 0x20 * end + 0x40 * (self.error != "none"),
            3: {"none": 0, "cutter": 0x08, "unrecoverable": 0x20, "recoverable": 0x40}[self.error],
            4: 0x60 * end + 0x0C * (self.paper != "ok"),
        }
        return 0x12 | bits[question]


def changed(condition: PrinterCondition, untrusted: dict[str, Any]) -> PrinterCondition:
    """The condition with some fields changed. Raises ValueError for a wrong name or value."""
    hints = get_type_hints(PrinterCondition)
    for name, value in untrusted.items():
        if name not in hints or not _fits(value, hints[name]):
            raise ValueError(f"not a condition of a printer: {name}")
    return replace(condition, **untrusted)


def _fits(value: object, hint: Any) -> bool:
    if hint is bool:
        return isinstance(value, bool)
    choices = get_args(hint)
    if choices and isinstance(choices[0], str):
        return value in choices
    number = isinstance(value, int | float) and not isinstance(value, bool) and value >= 0
    return value is None or number


class SimulatedPrinter:
    """A printer with its paper, listening on loopback from `start` to `close`.

    `tickets` are the pieces of paper cut so far, without the white feed at their end; with a
    folder each is also saved as ticket-0001.png and so on. Raises SimulatorInProduction.
    """

    def __init__(
        self,
        *,
        width_px: int = 576,
        port: int = 0,
        folder: Path | None = None,
        has_cutter: bool = True,
    ) -> None:
        if os.environ.get("TIEPDON_ENV") == "production":
            raise SimulatorInProduction("no simulated printer in production")
        self._width_px = width_px
        self._folder = folder
        self._has_cutter = has_cutter
        self._condition = PrinterCondition()
        self._changed = threading.Condition()
        self._closing = False
        self._buffer: queue.Queue[tuple[Command, socket.socket]] = queue.Queue()
        self._reader = CommandReader()
        self._paper: list[Dots] = []
        self._feed_rows = 0
        self._moved_at_s = 0.0
        self._tickets: list[Image.Image] = []
        self._server = socket.create_server(("127.0.0.1", port))
        self._server.settimeout(_TICK_S)
        self._threads = [
            threading.Thread(target=self._serve, name="simulated-printer-line"),
            threading.Thread(target=self._work, name="simulated-printer-mechanism"),
        ]

    @property
    def port(self) -> int:
        port: int = self._server.getsockname()[1]
        return port

    @property
    def spec(self) -> str:
        """What to give as printer."""
        return f"tcp://127.0.0.1:{self.port}"

    @property
    def condition(self) -> PrinterCondition:
        return self._condition

    @property
    def tickets(self) -> list[Image.Image]:
        return list(self._tickets)

    def start(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def steer(self, **changes: Any) -> None:
        """Changes the condition, from any thread. Raises ValueError for a wrong one."""
        with self._changed:
            self._condition = changed(self._condition, changes)
            self._changed.notify_all()

    def state(self) -> dict[str, Any]:
        """The condition and what was done, as JSON."""
        return asdict(self._condition) | {
            "tickets": len(self._tickets),
            "waiting": self._buffer.qsize(),
            "unfinished_mm": sum(len(dots) for dots in self._paper) / _DOTS_PER_MM,
        }

    def wait_for_tickets(self, count: int, *, timeout_s: float = 5.0) -> bool:
        """Whether that many tickets are cut in time."""
        with self._changed:
            return self._changed.wait_for(lambda: len(self._tickets) >= count, timeout_s)

    def close(self) -> None:
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        for thread in self._threads:
            if thread.is_alive():
                thread.join()
        self._server.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    # The line: one caller at a time, as most real ones.

    def _serve(self) -> None:
        while not self._closing:
            try:
                line, _ = self._server.accept()
            except TimeoutError:
                continue
            line.settimeout(_TICK_S)
            with contextlib.suppress(OSError):
                self._converse(line)
            line.close()

    def _converse(self, line: socket.socket) -> None:
        tail = b""
        while not self._closing:
            self._wait_while_stalled()
            try:
                data = line.recv(8192)
            except TimeoutError:
                continue
            if not data:
                return
            self._wait_while_stalled()
            data, dropped = self._until_drop(data)
            for question in _questions(tail + data):
                if not self._condition.mute:
                    line.sendall(bytes([self._condition.answer(question)]))
            tail = (tail + data)[-2:]
            for command in self._reader.feed(data):
                self._buffer.put((command, line))
            if dropped:
                # Reset, not closed politely: as when a cable is pulled or the power goes.
                line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                return

    def _wait_while_stalled(self) -> None:
        with self._changed:
            self._changed.wait_for(lambda: not self._condition.stalled or self._closing)

    def _until_drop(self, data: bytes) -> tuple[bytes, bool]:
        left = self._condition.drop_after_bytes
        if left is None:
            return data, False
        if left > len(data):
            self.steer(drop_after_bytes=left - len(data))
            return data, False
        self.steer(drop_after_bytes=None)
        return data[:left], True

    # The mechanism.

    def _work(self) -> None:
        while not self._closing:
            try:
                command, line = self._buffer.get(timeout=_TICK_S)
            except queue.Empty:
                continue
            self._obey(command, line)

    def _obey(self, command: Command, line: socket.socket) -> None:
        if not self._wait_until_able():
            return
        match command:
            case Print(dots):
                self._print(dots)
            case Feed(rows):
                self._feed_rows += rows
                self._move(rows)
                if not self._has_cutter and rows >= 100:
                    self._cut()
            case Cut():
                self._cut()
            case ProofRequest(process_id):
                if self._condition.gives_proof and not self._condition.mute:
                    with contextlib.suppress(OSError):
                        line.sendall(b"\x37\x22" + process_id + b"\x00")

    def _wait_until_able(self) -> bool:
        with self._changed:
            self._changed.wait_for(lambda: self._condition.can_print or self._closing)
        return not self._closing

    def _print(self, dots: Dots) -> None:
        if self._feed_rows and self._paper:
            self._paper.append(np.zeros((self._feed_rows, self._width_px), bool))
        self._feed_rows = 0
        width = min(dots.shape[1], self._width_px)
        for at in range(0, len(dots), _STEP_ROWS):
            if not self._wait_until_able():
                return
            step = np.zeros((len(dots[at : at + _STEP_ROWS]), self._width_px), bool)
            step[:, :width] = dots[at : at + _STEP_ROWS, :width]
            self._paper.append(step)
            self._move(len(step))

    def _move(self, rows: int) -> None:
        length_mm = rows / _DOTS_PER_MM
        if self._condition.speed_mm_s:
            # Paced by the clock: naps that last too long are made up for.
            now_s = time.monotonic()
            self._moved_at_s = max(self._moved_at_s, now_s - _MAX_LAG_S)
            self._moved_at_s += length_mm / self._condition.speed_mm_s
            time.sleep(max(0.0, self._moved_at_s - now_s))
        left_mm = self._condition.end_after_mm
        if left_mm is None:
            return
        if left_mm > length_mm:
            self.steer(end_after_mm=left_mm - length_mm)
        else:
            self.steer(end_after_mm=None, paper="end")

    def _cut(self) -> None:
        self._feed_rows = 0
        if not self._paper:
            return
        picture = Image.fromarray(~np.concatenate(self._paper)).convert("1")
        self._paper = []
        if self._folder is not None:
            self._folder.mkdir(parents=True, exist_ok=True)
            file = self._folder / f"ticket-{len(self._tickets) + 1:04d}.png"
            fresh = file.with_suffix(".new")
            picture.save(fresh, format="PNG", compress_level=1)
            fresh.replace(file)
        with self._changed:
            self._tickets.append(picture)
            self._changed.notify_all()


def _questions(data: bytes) -> list[int]:
    """Each n of DLE EOT n, wherever it stands: a real printer obeys it inside a picture too."""
    found = []
    at = data.find(b"\x10\x04")
    while 0 <= at < len(data) - 2:
        if 1 <= data[at + 2] <= 4:
            found.append(data[at + 2])
        at = data.find(b"\x10\x04", at + 1)
    return found


def main() -> int:
    from devices.simulated.printer_control import PrinterControl

    parser = argparse.ArgumentParser(prog="python -m devices.simulated.printer")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--control-port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--out", type=Path, help="folder for the tickets")
    parser.add_argument("--width", type=int, default=576, choices=(576, 384), help="dots")
    arguments = parser.parse_args()
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    printer = SimulatedPrinter(
        port=arguments.port,
        folder=arguments.out,
        width_px=arguments.width,
        has_cutter=arguments.width == 576,
    )
    with printer, PrinterControl(printer, port=arguments.control_port) as control:
        addresses = {"printer": printer.spec, "control": control.url}
        sys.stdout.write(json.dumps(addresses) + "\n")
        sys.stdout.flush()
        stopped.wait()
    return 0


if __name__ == "__main__":
    sys.exit(main())
