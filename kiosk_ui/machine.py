"""The computer this kiosk runs on, read from /proc and /sys. What is not there is not known."""

from __future__ import annotations

import os
import re
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path

from kiosk_ui.presenters.ports import MachineState

_NAME_FILE = "machine-id"
_DIRECT, _POINTER = 0b10, 0b01
"""Bits of PROP in /proc/bus/input/devices: touched where it shows; a pad that moves a pointer."""
_MT_X = 1 << 0x35
_BTN_TOUCH = 1 << 0x14A
"""What older panels have instead: one finger, and no word of where it shows."""
_PLAUSIBLE_C = range(1, 130)
MIB = 1024 * 1024


class LinuxMachine:
    """`proc` and `sys` elsewhere in tests. On another system everything is unknown but the disk."""

    def __init__(
        self, data_dir: Path, *, proc: Path = Path("/proc"), sys: Path = Path("/sys")
    ) -> None:
        self._data_dir, self._proc, self._sys = data_dir, proc, sys
        self.name = _kept_name(data_dir / _NAME_FILE)

    def look(self) -> MachineState:
        return MachineState(
            disk_free_percent=self._disk_free_percent(),
            memory_percent=self._memory_percent(),
            process_mib=self._process_mib(),
            temperature_c=self._temperature_c(),
        )

    def count_touch_devices(self) -> int | None:
        text = _text(self._proc / "bus" / "input" / "devices")
        if text is None:
            return None
        return sum(_is_touch_panel(block) for block in re.split(r"\n\s*\n", text) if block.strip())

    def _disk_free_percent(self) -> float | None:
        try:
            usage = shutil.disk_usage(self._data_dir)
        except OSError:
            return None
        return round(100 * usage.free / usage.total, 1) if usage.total else None

    def _memory_percent(self) -> float | None:
        """In use: what could not be given to anybody who asks."""
        found = dict(
            re.findall(r"^(\w+):\s+(\d+) kB", _text(self._proc / "meminfo") or "", re.MULTILINE)
        )
        if not {"MemTotal", "MemAvailable"} <= set(found) or not int(found["MemTotal"]):
            return None
        return round(100 * (1 - int(found["MemAvailable"]) / int(found["MemTotal"])), 1)

    def _process_mib(self) -> float | None:
        fields = (_text(self._proc / "self" / "statm") or "").split()
        if len(fields) < 2 or not fields[1].isdecimal():
            return None
        return round(int(fields[1]) * os.sysconf("SC_PAGE_SIZE") / MIB, 1)

    def _temperature_c(self) -> float | None:
        """The hottest place that is measured."""
        return max(self._temperatures_c(), default=None)

    def _temperatures_c(self) -> Iterator[float]:
        for file in (self._sys / "class" / "thermal").glob("thermal_zone*/temp"):
            text = (_text(file) or "").strip()
            # A sensor that is not fitted says 0, or anything.
            if text.isdecimal() and int(text) // 1000 in _PLAUSIBLE_C:
                yield round(int(text) / 1000, 1)


def _is_touch_panel(block: str) -> bool:
    bits = {
        name: _bits(words) for name, words in re.findall(r"^B: (\w+)=(.*)$", block, re.MULTILINE)
    }
    prop = bits.get("PROP", 0)
    if prop & _DIRECT:
        return True
    touched = bits.get("ABS", 0) & _MT_X or bits.get("KEY", 0) & _BTN_TOUCH
    return bool(touched) and not prop & _POINTER


def _bits(words: str) -> int:
    """Machine words in hexadecimal, the highest first; 0 for what cannot be read."""
    value = 0
    for word in words.split():
        if not re.fullmatch(r"[0-9a-fA-F]{1,16}", word):
            return 0
        value = value << 64 | int(word, 16)
    return value


def _text(file: Path) -> str | None:
    try:
        return file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None


def _kept_name(file: Path) -> str:
    """A new one where none can be read; a disk that takes none gives another at each start."""
    kept = (_text(file) or "").strip()
    if re.fullmatch(r"[0-9a-f]{32}", kept):
        return kept
    name = uuid.uuid4().hex
    fresh = file.with_name(f"{file.name}.new")
    try:
        fresh.write_text(name, encoding="utf-8")
        fresh.replace(file)
    except OSError:
        return name
    return name
