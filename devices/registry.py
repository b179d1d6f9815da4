"""The only door to drivers: maps the words of a setting to code that is loaded on demand."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from devices.errors import UnknownDevice
from devices.ports import CodeScanner, TicketPrinter

SCANNERS: Mapping[str, str] = {
    "camera": "devices.scanners.opencv_camera:camera_scanner",
    "video": "devices.scanners.opencv_camera:video_scanner",
    "dir": "devices.scanners.opencv_camera:folder_scanner",
    "mjpeg": "devices.scanners.opencv_camera:mjpeg_scanner",
    "serial": "devices.scanners.serial_scanner:serial_scanner",
    "hid": "devices.scanners.hid_scanner:hid_scanner",
}

PRINTERS: Mapping[str, str] = {
    "tcp": "devices.printers.transports:tcp_transport",
    "usb": "devices.printers.transports:usb_transport",
    "serial": "devices.printers.transports:serial_transport",
    "file": "devices.printers.transports:file_transport",
}


def build_scanner(spec: str) -> CodeScanner:
    """A scanner for `kind:target`, not opened yet.

    Kinds: `camera:0`, `camera:/dev/…`, `video:FILE`, `dir:FOLDER`, `mjpeg:URL`,
    `serial:/dev/…`, `hid:/dev/…`. Raises UnknownDevice for any other spec; whether the device
    is there is for the scanner's status to say.
    """
    kind, target = _split(spec)
    scanner: CodeScanner = _load(SCANNERS, kind)(target)
    return scanner


def build_printer(spec: str, *, journal_file: Path | None = None) -> TicketPrinter:
    """A printer for `kind:target`, with `#profile` behind it when it is not a plain 80 mm one.

    Kinds: `tcp://H:P`, `usb:VID:PID`, `serial:/dev/…`, `file:PATH`; profiles are those of
    devices.printers.profiles. Without `journal_file` what was printed is forgotten with the
    program. Raises UnknownDevice for any other spec, JournalInUse when another program prints
    with that journal, OSError when it cannot be written; whether the printer is there is for
    its status to say.
    """
    address, _, profile = spec.partition("#")
    kind, target = _split(address)
    transport = _load(PRINTERS, kind)(target)
    escpos = importlib.import_module("devices.printers.escpos")
    printer: TicketPrinter = escpos.escpos_printer(transport, profile, journal_file)
    return printer


def _split(spec: str) -> tuple[str, str]:
    kind, _, target = spec.partition(":")
    if not target:
        raise UnknownDevice(f"not of the form kind:target: {spec!r}")
    return kind, target


def _load(drivers: Mapping[str, str], kind: str) -> Callable[..., Any]:
    try:
        module, _, builder = drivers[kind].partition(":")
    except KeyError:
        raise UnknownDevice(f"{kind!r} is none of {', '.join(drivers)}") from None
    loaded: Callable[..., Any] = getattr(importlib.import_module(module), builder)
    return loaded
