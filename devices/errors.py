"""Errors of devices. Expected conditions (no paper, unplugged) are status values instead.

DeviceError
├── UnknownDevice          the setting names no device that exists: start-up stops
├── UnreadablePicture      a file is no picture or video
├── FontMissing            the typeface of tickets is not installed
├── BadTicket              what should be printed has not the shape of a ticket
├── JournalInUse           another program holds the print journal
├── PrinterLineError       the line to a printer, seen by drivers only
│   ├── LineUnavailable    it could not be opened
│   ├── LineLost           it broke, or the other end closed it
│   └── LineStalled        the other end took no more data in time
└── SimulatorInProduction  a stand-in was asked for where real patients are
"""

from __future__ import annotations

from typing import ClassVar


class DeviceError(Exception):
    """Base of all. `code` is stable; `retryable` says whether the same call may work later."""

    code: ClassVar[str] = "device_error"
    retryable: ClassVar[bool] = False

    @property
    def message_key(self) -> str:
        """Key of the sentence shown to people."""
        return f"errors.{self.code}"


class UnknownDevice(DeviceError):
    code = "device_unknown"


class UnreadablePicture(DeviceError):
    code = "picture_unreadable"


class FontMissing(DeviceError):
    code = "font_missing"


class BadTicket(DeviceError):
    code = "ticket_invalid"


class JournalInUse(DeviceError):
    code = "print_journal_in_use"
    retryable = True


class PrinterLineError(DeviceError):
    code = "printer_line"
    retryable = True


class LineUnavailable(PrinterLineError):
    code = "printer_line_unavailable"


class LineLost(PrinterLineError):
    code = "printer_line_lost"


class LineStalled(PrinterLineError):
    code = "printer_line_stalled"


class SimulatorInProduction(DeviceError):
    code = "simulator_in_production"
