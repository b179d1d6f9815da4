"""Settings of a kiosk: from the command line and the environment, checked before anything starts."""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from kiosk_ui.errors import ConfigRefused
from kiosk_ui.gateway.http import checked_url
from kiosk_ui.presenters.ports import Place


@dataclass(frozen=True, kw_only=True)
class KioskConfig:
    """`window` None: the whole screen. `width_mm` None: as usual for a panel of that shape."""

    backend_url: str
    enrol_code: str | None
    name: str
    scanner: str
    printer: str | None
    width_mm: float | None
    window: tuple[int, int] | None
    production: bool
    """Full screen, locked, nothing for developers."""
    data_dir: Path
    """Journal of the printer and log; for each server its credential, its orders, what it waits for."""
    ca_file: str | None
    place: Place
    looks_for_people: bool = False
    """The camera may look for movement on the start screen while nobody touches it."""

    @property
    def log_dir(self) -> Path:
        return self.data_dir / "log"


def make_config(
    *,
    backend_url: str,
    scanner: str,
    printer: str | None = None,
    enrol_code: str | None = None,
    name: str | None = None,
    width_mm: float | None = None,
    window: str | None = None,
    data_dir: Path | None = None,
    environ: Mapping[str, str] = os.environ,
) -> KioskConfig:
    """Raises ConfigRefused with a sentence for the technician.

    From the environment: `TIEPDON_ENV` (`production` locks the kiosk), `TIEPDON_CA_FILE`,
    `TIEPDON_PLACE_VI`, `TIEPDON_PLACE_EN` (where the kiosk stands), `TIEPDON_TOUCH_CAMERA` (1:
    the camera may look whether somebody is there while no touch arrives), `XDG_STATE_HOME`.
    """
    production = environ.get("TIEPDON_ENV") == "production"
    if production and window:
        raise ConfigRefused("--window is refused where TIEPDON_ENV is production")
    if width_mm is not None and not 50 <= width_mm <= 2_000:
        raise ConfigRefused("--width-mm is the width of the picture in millimetres, 50 to 2000")
    name = name or socket.gethostname() or "kiosk"
    return KioskConfig(
        backend_url=checked_url(backend_url),
        enrol_code=enrol_code or None,
        name=name[:80],
        scanner=scanner,
        printer=printer or None,
        width_mm=width_mm,
        window=_size(window) if window else None,
        production=production,
        data_dir=data_dir or _state_dir(environ) / _slug(name),
        ca_file=environ.get("TIEPDON_CA_FILE") or None,
        looks_for_people=environ.get("TIEPDON_TOUCH_CAMERA") == "1",
        place=Place(
            vi=environ.get("TIEPDON_PLACE_VI", ""),
            en=environ.get("TIEPDON_PLACE_EN") or environ.get("TIEPDON_PLACE_VI", ""),
        ),
    )


def _size(text: str) -> tuple[int, int]:
    match = re.fullmatch(r"(\d{3,5})[xX×](\d{3,5})", text)
    if match is None:
        raise ConfigRefused("--window is WIDTHxHEIGHT in pixels, such as 540x960")
    return int(match[1]), int(match[2])


def _state_dir(environ: Mapping[str, str]) -> Path:
    base = environ.get("XDG_STATE_HOME")
    return (Path(base) if base else Path.home() / ".local" / "state") / "tiepdon" / "kiosk"


def _slug(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9-]+", "-", name).strip("-") or "kiosk"
