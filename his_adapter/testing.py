"""For tests of whoever uses the port: a filled demo hospital in milliseconds."""

from __future__ import annotations

from datetime import datetime
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from his_adapter.demo.gateway import REGISTER_FILE, open_demo


def fill_demo_folder(folder: Path, *, now: datetime) -> None:
    """Makes `folder` the data folder of a demo hospital as it is at `now`.

    The register is made once per process and moment, then copied.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / REGISTER_FILE).write_bytes(_filled_register(now))


@cache
def _filled_register(now: datetime) -> bytes:
    with TemporaryDirectory(prefix="tiepdon-demo-") as name:
        # The first call lays out the bookings; the last connection to close empties the WAL.
        open_demo(Path(name), clock=lambda: now).list_rooms()
        return (Path(name) / REGISTER_FILE).read_bytes()
