"""Printer half of devices.registry."""

from __future__ import annotations

from pathlib import Path

import pytest

from devices.errors import JournalInUse, UnknownDevice
from devices.models import PrinterCause, PrinterState, PrintState
from devices.registry import build_printer
from devices.simulated.printer import SimulatedPrinter
from devices.simulated.printer_commands import CommandReader, Print
from tests.factories.tickets import ticket


def test_tcp_with_a_journal(tmp_path: Path) -> None:
    with SimulatedPrinter() as device:
        printer = build_printer(device.spec, journal_file=tmp_path / "jobs")
        assert printer.print(ticket(), job_id="a").state is PrintState.PRINTED
        with pytest.raises(JournalInUse):
            build_printer(device.spec, journal_file=tmp_path / "jobs")
        printer.close()


def test_a_profile_behind_the_address(tmp_path: Path) -> None:
    printer = build_printer(f"file:{tmp_path / 'paper'}#generic-58")
    printer.print(ticket(), job_id="a")
    printer.close()
    commands = CommandReader().feed((tmp_path / "paper").read_bytes())
    assert {c.dots.shape[1] for c in commands if isinstance(c, Print)} == {384}


@pytest.mark.parametrize("spec", ["serial:/dev/none-such", "usb:dead:beef"])
def test_a_printer_that_is_not_there_is_a_status(spec: str) -> None:
    printer = build_printer(spec)
    assert printer.status().state is PrinterState.UNREACHABLE
    assert printer.status().cause is PrinterCause.LINE_UNAVAILABLE
    printer.close()


@pytest.mark.parametrize("spec", ["", "tcp", "lpt:1", "tcp:", "tcp://", "usb:1", "file:x#none"])
def test_wrong_words_stop_start_up(spec: str) -> None:
    with pytest.raises(UnknownDevice):
        build_printer(spec)
