"""The log of this kiosk on its own disk: bounded, never in the way, ready to be sent for.

What is logged is event ids and codes from closed lists, so a log holds nothing of anybody.
"""

from __future__ import annotations

import gzip
import logging
import queue
from contextlib import suppress
from logging.handlers import QueueHandler, QueueListener, RotatingFileHandler
from pathlib import Path

from kiosk_ui.events import KioskEvent

FILE_BYTES = 512 * 1024
OLDER_FILES = 7
MOST_PACKED_BYTES = 2_000_000
MOST_WAITING = 5_000
OURS = ("kiosk_ui", "devices", "tiepdon")
"""Loggers whose lines are kept: libraries write addresses and parts of what was sent."""
FORMAT = "%(asctime)s %(levelname)s %(name)s %(message)s"
_log = logging.getLogger(__name__)


class LogFolder:
    """The files, newest first `kiosk.log`, `kiosk.log.1` …"""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def newest(self) -> Path:
        return self.folder / "kiosk.log"

    def pack(self) -> bytes:
        """In the order of time, as gzip; the oldest are left out when it would be too large.

        Raises OSError when none of it can be read.
        """
        pieces = self._pieces()
        packed = gzip.compress(b"".join(pieces), mtime=0)
        while len(packed) > MOST_PACKED_BYTES and len(pieces) > 1:
            pieces = pieces[1:]
            packed = gzip.compress(b"".join(pieces), mtime=0)
        return packed

    def _pieces(self) -> list[bytes]:
        older = [self.folder / f"kiosk.log.{n}" for n in range(OLDER_FILES, 0, -1)]
        return [file.read_bytes() for file in [*older, self.newest] if file.is_file()]


class _File(RotatingFileHandler):
    """A disk that takes no more is said once, and once when it does again."""

    def __init__(self, file: Path) -> None:
        super().__init__(
            file, maxBytes=FILE_BYTES, backupCount=OLDER_FILES, encoding="utf-8", delay=True
        )
        self._failing = False
        self._failed_now = False

    def emit(self, record: logging.LogRecord) -> None:
        self._failed_now = False
        super().emit(record)
        if self._failing and not self._failed_now:
            self._failing = False
            _log.warning(KioskEvent.LOG_WRITTEN_AGAIN)

    def close(self) -> None:
        with suppress(OSError):
            super().close()

    def handleError(self, _record: logging.LogRecord) -> None:  # noqa: N802 - logging's name
        self._failed_now = True
        # Opened anew for the next line: what could not be written is given up.
        self.close()
        if not self._failing:
            self._failing = True
            _log.error(KioskEvent.LOG_NOT_WRITTEN)


class _Waiting(QueueHandler):
    """Hands lines to a thread of their own: a slow disk holds nobody up."""

    def filter(self, record: logging.LogRecord) -> bool:
        return record.name.split(".")[0] in OURS and super().filter(record) is not False

    def handleError(self, _record: logging.LogRecord) -> None:  # noqa: N802 - logging's name
        """More lines wait than may: the newest are dropped."""


class LocalLog:
    """Keeps what is logged from `start` to `stop`."""

    def __init__(self, folder: LogFolder) -> None:
        self._folder = folder
        waiting: queue.Queue[logging.LogRecord] = queue.Queue(MOST_WAITING)
        self._handler = _Waiting(waiting)
        file = _File(folder.newest)
        file.setFormatter(logging.Formatter(FORMAT))
        self._file = file
        self._listener = QueueListener(waiting, file)

    def start(self) -> None:
        """A folder that cannot be made is told like a full disk: by the first line."""
        try:
            self._folder.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            _log.error("%s code=%s", KioskEvent.LOG_NOT_WRITTEN, str(error.errno))
        self._listener.start()
        logging.getLogger().addHandler(self._handler)

    def stop(self) -> None:
        """Everything said before is on disk, if that takes it."""
        logging.getLogger().removeHandler(self._handler)
        self._listener.stop()
        self._file.close()
