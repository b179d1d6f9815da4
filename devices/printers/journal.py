"""What became of each print job, on disk: a kiosk restarted in the middle of a job knows it.

One JSON object a line: job, state, reason, milliseconds. Nothing about a person.
"""

from __future__ import annotations

import errno
import fcntl
import json
import logging
import os
import re
from pathlib import Path
from typing import Any

from devices.errors import JournalInUse
from devices.events import DeviceEvent
from devices.models import PrintReason, PrintResult, PrintState

_log = logging.getLogger(__name__)
_JOB_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_KEPT_JOBS = 1000


class PrintJournal:
    """The latest result of each of the newest 1,000 jobs.

    Without a file it lives in memory only. Raises JournalInUse when another program has the
    file open, OSError when it cannot be opened. Not safe from several threads.
    """

    def __init__(self, file: Path | None = None) -> None:
        self._file = file
        self._results: dict[str, PrintResult] = {}
        self._descriptor: int | None = None
        self._lock: int | None = None
        if file is not None:
            file.parent.mkdir(parents=True, exist_ok=True)
            self._lock = _locked(file)
            self._results = _replayed(file)
            self._rewrite(file)

    def find(self, job_id: str) -> PrintResult | None:
        """The latest result of a job. Raises ValueError when that is no job id."""
        if not _JOB_ID.fullmatch(job_id):
            raise ValueError("a job id is 1 to 64 letters, digits, dots, dashes, underscores")
        return self._results.get(job_id)

    def newest(self) -> PrintResult | None:
        """The result recorded last; None in an empty journal."""
        return next(reversed(self._results.values()), None)

    def begin(self, job_id: str) -> None:
        """Records that from now on something of the job may be on paper.

        Until its end is recorded that is all there is to know. Raises OSError: then the job
        must not begin.
        """
        begun = PrintResult(
            job_id=job_id, state=PrintState.UNKNOWN, reason=PrintReason.RESTARTED, elapsed_ms=0
        )
        self._append(begun)
        self._remember(begun)

    def end(self, result: PrintResult) -> None:
        """Records a result. A full disk is logged: the result holds until the next start."""
        self._remember(result)
        try:
            self._append(result)
        except OSError as error:
            _log.error("%s cause=%s", DeviceEvent.PRINT_JOURNAL_FAILED, type(error).__name__)

    def close(self) -> None:
        for descriptor in (self._descriptor, self._lock):
            if descriptor is not None:
                os.close(descriptor)
        self._descriptor = self._lock = None

    def _remember(self, result: PrintResult) -> None:
        self._results.pop(result.job_id, None)
        self._results[result.job_id] = result
        if len(self._results) > _KEPT_JOBS:
            self._results.pop(next(iter(self._results)))

    def _append(self, result: PrintResult) -> None:
        if self._file is None:
            return
        if self._descriptor is None:
            raise OSError("closed")
        line = _line(result)
        start = os.lseek(self._descriptor, 0, os.SEEK_END)
        try:
            _write_whole(self._descriptor, line)
        except OSError:
            # Half a line would swallow the next one.
            os.ftruncate(self._descriptor, start)
            raise

    def _rewrite(self, file: Path) -> None:
        """Leaves one line a job, so that the file never grows without end."""
        self._results = dict(list(self._results.items())[-_KEPT_JOBS:])
        fresh = file.with_name(file.name + ".new")
        with fresh.open("wb") as stream:
            stream.writelines(_line(result) for result in self._results.values())
            stream.flush()
            os.fsync(stream.fileno())
        fresh.replace(file)
        self._descriptor = os.open(file, os.O_WRONLY | os.O_APPEND)


def _write_whole(descriptor: int, line: bytes) -> None:
    if os.write(descriptor, line) != len(line):
        raise OSError(errno.ENOSPC, "written in part")
    os.fsync(descriptor)


def _locked(file: Path) -> int:
    descriptor = os.open(file.with_name(file.name + ".lock"), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        raise JournalInUse(file.name) from None
    return descriptor


def _line(result: PrintResult) -> bytes:
    fields = {
        "job": result.job_id,
        "state": result.state,
        "reason": result.reason,
        "ms": result.elapsed_ms,
    }
    return json.dumps(fields).encode() + b"\n"


def _replayed(file: Path) -> dict[str, PrintResult]:
    results: dict[str, PrintResult] = {}
    damaged = 0
    for line in file.read_bytes().splitlines() if file.exists() else ():
        try:
            result = _result(json.loads(line))
        except (ValueError, KeyError, TypeError):
            damaged += 1  # the power went while it was written
            continue
        results.pop(result.job_id, None)  # the newest jobs stand last
        results[result.job_id] = result
    if damaged:
        _log.warning("%s lines=%d", DeviceEvent.PRINT_JOURNAL_DAMAGED, damaged)
    return results


def _result(fields: dict[str, Any]) -> PrintResult:
    reason = fields["reason"]
    return PrintResult(
        job_id=str(fields["job"]),
        state=PrintState(fields["state"]),
        reason=None if reason is None else PrintReason(reason),
        elapsed_ms=int(fields["ms"]),
    )
