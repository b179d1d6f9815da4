"""What printers can do, as data. A new model is a new line here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from devices.errors import UnknownDevice

DOTS_PER_MM = 8


@dataclass(frozen=True, kw_only=True)
class PrinterProfile:
    """One kind of printer.

    `escpos_name` is its profile in python-escpos. `reports_status`: answers DLE EOT.
    `gives_proof`: answers GS ( H when a job is on paper. `has_near_end_sensor`: can say that
    the roll runs low; without it the first news is the end of the paper. `speed_mm_s` is a
    careful guess for how long printing takes.
    """

    width_px: int
    escpos_name: str
    cut: Literal["full", "partial", "none"]
    reports_status: bool = True
    gives_proof: bool = True
    has_near_end_sensor: bool = True
    speed_mm_s: float = 150.0

    def print_time_s(self, height_px: int) -> float:
        """How long a picture of that height takes, the feed to the cutter included."""
        feed_mm = 25
        return (height_px / DOTS_PER_MM + feed_mm) / self.speed_mm_s


DEFAULT_PROFILE = "generic-80"
PROFILES: Mapping[str, PrinterProfile] = {
    "generic-80": PrinterProfile(width_px=576, escpos_name="TM-T20II", cut="partial"),
    "epson-80": PrinterProfile(
        width_px=576, escpos_name="TM-T20II", cut="partial", speed_mm_s=200.0
    ),
    "xprinter-80": PrinterProfile(
        width_px=576, escpos_name="TM-T20II", cut="full", gives_proof=False
    ),
    "silent-80": PrinterProfile(
        width_px=576,
        escpos_name="TM-T20II",
        cut="full",
        reports_status=False,
        gives_proof=False,
        has_near_end_sensor=False,
    ),
    "generic-58": PrinterProfile(
        width_px=384,
        escpos_name="POS-5890",
        cut="none",
        gives_proof=False,
        has_near_end_sensor=False,
        speed_mm_s=80.0,
    ),
}


def get_profile(name: str) -> PrinterProfile:
    """The profile of that name. Raises UnknownDevice."""
    try:
        return PROFILES[name]
    except KeyError:
        raise UnknownDevice(f"profile {name!r} is none of {', '.join(PROFILES)}") from None
