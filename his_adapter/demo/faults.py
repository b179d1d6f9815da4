"""Trouble on demand: a small JSON file in the data folder, read at each call.

No file means no trouble. `{"down": true}` or `{"slow_s": 2, "coverage_silent_s": 30}` steer a
running demonstration from the dock, a shell or a test; a file that cannot be read counts as down,
so that a slip of the pen is noticed.
"""

from __future__ import annotations

import json
import logging
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from his_adapter.errors import Forbidden, HisError, OutcomeUnknown, Unavailable
from his_adapter.events import HisEvent
from his_adapter.models import Health, HealthState, WriteKey

FAULTS_FILE = "faults.json"
READ_TIMEOUT_S = 5.0
WRITE_TIMEOUT_S = 15.0
_NOTICEABLE_S = 1.0
_MAX_FILE_BYTES = 4096

_log = logging.getLogger(__name__)

Sleep = Callable[[float], None]


@dataclass(frozen=True, kw_only=True)
class Faults:
    slow_s: float = 0.0
    """Every call takes so much longer; beyond the time limits it fails as a remote HIS would."""
    down: bool = False
    reject_writes: bool = False
    lose_replies: bool = False
    """Writes are done, but the answer never comes."""
    coverage_silent_s: float = 0.0
    """The insurer takes so long to answer."""
    coverage_code: str | None = None
    """The insurer answers everything with this result code, such as 054 or 101."""


def read_faults(folder: Path) -> Faults:
    try:
        with (folder / FAULTS_FILE).open("rb") as file:
            content = file.read(_MAX_FILE_BYTES)
    except FileNotFoundError:
        return Faults()
    except OSError:
        return Faults(down=True)
    try:
        return TypeAdapter(Faults).validate_json(content)
    except ValidationError:
        return Faults(down=True)


def write_faults(folder: Path, faults: Faults) -> None:
    """Readers see the old file or the new one, never half of it."""
    half = folder / f"{FAULTS_FILE}.{os.getpid()}"
    half.write_text(json.dumps(asdict(faults), indent=2), encoding="utf-8")
    half.replace(folder / FAULTS_FILE)


class FaultyLine:
    """A line to the register that fails as the file says; `refresh` runs before each call."""

    def __init__(
        self, folder: Path, *, refresh: Callable[[], None], sleep: Sleep = time.sleep
    ) -> None:
        self._folder = folder
        self._refresh = refresh
        self._sleep = sleep

    @contextmanager
    def reading(self) -> Iterator[None]:
        faults = self._arrive()
        self._sleep(min(faults.slow_s, READ_TIMEOUT_S))
        if faults.slow_s >= READ_TIMEOUT_S:
            raise self._played(Unavailable("no answer in time"))
        self._refresh()
        yield

    @contextmanager
    def writing(self, key: WriteKey) -> Iterator[None]:
        faults = self._arrive()
        if faults.reject_writes:
            raise self._played(Forbidden("writes are refused"))
        self._sleep(min(faults.slow_s, WRITE_TIMEOUT_S))
        self._refresh()
        yield
        if faults.lose_replies or faults.slow_s >= WRITE_TIMEOUT_S:
            raise self._played(OutcomeUnknown("the answer was lost", key=key))

    def health(self) -> Health:
        faults = self._arrive()
        slow = faults.slow_s >= _NOTICEABLE_S
        return Health(
            state=HealthState.DEGRADED if slow else HealthState.OK,
            latency_ms=faults.slow_s * 1000,
            clock_skew_s=0.0,
        )

    def _arrive(self) -> Faults:
        faults = read_faults(self._folder)
        if faults.down:
            raise self._played(Unavailable("the HIS is down", retry_after_s=1))
        return faults

    def _played(self, error: HisError) -> HisError:
        _log.info(HisEvent.FAULT_PLAYED, extra={"code": error.code})
        return error
