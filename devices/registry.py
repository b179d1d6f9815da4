"""The only door to drivers: maps the words of a setting to code that is loaded on demand."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from typing import Any

from devices.errors import UnknownDevice
from devices.ports import CodeScanner

SCANNERS: Mapping[str, str] = {
    "camera": "devices.scanners.opencv_camera:camera_scanner",
    "video": "devices.scanners.opencv_camera:video_scanner",
    "dir": "devices.scanners.opencv_camera:folder_scanner",
    "mjpeg": "devices.scanners.opencv_camera:mjpeg_scanner",
    "serial": "devices.scanners.serial_scanner:serial_scanner",
    "hid": "devices.scanners.hid_scanner:hid_scanner",
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
