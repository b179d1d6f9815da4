"""A log that cannot be written: nobody waits for it, nobody fails for it, somebody is told."""

from __future__ import annotations

import errno
import logging
from collections.abc import Iterator
from typing import TextIO, cast

import pytest

from backend.events import Event
from backend.logging import KeptGoing, find_log_loss, log, set_up_logging


class FullDisk:
    """Room for nothing, until `full` is False."""

    def __init__(self) -> None:
        self.full = True
        self.lines: list[str] = []

    def write(self, text: str) -> int:
        if self.full:
            raise OSError(errno.ENOSPC, "No space left on device")
        self.lines.append(text)
        return len(text)

    def flush(self) -> None:
        if self.full:
            raise OSError(errno.ENOSPC, "No space left on device")


@pytest.fixture
def handler() -> Iterator[KeptGoing]:
    logger = logging.getLogger("tiepdon")
    before, level = logger.handlers, logger.level
    set_up_logging()
    (handler,) = logger.handlers
    assert isinstance(handler, KeptGoing)
    yield handler
    logger.handlers, logger.propagate = before, True
    logger.setLevel(level)


def test_a_full_disk_loses_lines_and_nothing_else(handler: KeptGoing) -> None:
    disk = FullDisk()
    handler.setStream(cast("TextIO", disk))
    assert find_log_loss() is None
    log(Event.SERVER_STARTED)
    assert find_log_loss() is not None
    disk.full = False
    log(Event.SERVER_STOPPED)
    assert len([line for line in disk.lines if "server_stopped" in line]) == 1
