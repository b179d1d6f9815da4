"""Logs as JSON lines on standard error: an event of the closed list, ids and figures only."""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime
from typing import TextIO

from backend.errors import BackendError
from backend.events import Event
from his_adapter.errors import HisError
from payments.errors import PaymentError

_logger = logging.getLogger("tiepdon")


class KeptGoing(logging.StreamHandler[TextIO]):
    """Lines that cannot be written are lost, and nobody waits or fails for them: a disk full of
    logs must not end a check-in. When one was lost is kept, so that people can be told.
    """

    lost_at: datetime | None = None

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802  # overrides
        if isinstance(sys.exc_info()[1], OSError):
            self.lost_at = datetime.now(UTC)
        else:
            super().handleError(record)


def find_log_loss() -> datetime | None:
    """When this process last lost a line of its log; None: never."""
    lost = [each.lost_at for each in _logger.handlers if isinstance(each, KeptGoing)]
    return max((moment for moment in lost if moment is not None), default=None)


class JsonLines(logging.Formatter):
    """One object per line. Exceptions appear as their class and where they arose: the text of a
    foreign exception may quote what it choked on, a person's data included.
    """

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "event": record.getMessage() if record.name == "tiepdon" else record.name,
        }
        line |= getattr(record, "facts", {})
        if record.exc_info and record.exc_info[0] is not None:
            line["error"] = record.exc_info[0].__name__
            traceback = record.exc_info[2]
            while traceback is not None and traceback.tb_next is not None:
                traceback = traceback.tb_next
            if traceback is not None:
                code = traceback.tb_frame.f_code
                line["where"] = f"{code.co_qualname}:{traceback.tb_lineno}"
        return json.dumps(line, ensure_ascii=False)


def set_up_logging(level: int = logging.INFO) -> None:
    handler = KeptGoing(sys.stderr)
    handler.setFormatter(JsonLines())
    _logger.handlers = [handler]
    _logger.setLevel(level)
    _logger.propagate = False


def log(event: Event, *, error: BaseException | None = None, **facts: str | float | None) -> None:
    """Writes one line. `facts` are ids, codes and figures.

    A line with one of our own errors is a warning; any other error is a fault of the program.
    """
    level = logging.INFO
    if error is not None:
        level = (
            logging.WARNING
            if isinstance(error, BackendError | HisError | PaymentError)
            else logging.ERROR
        )
    _logger.log(level, event.value, exc_info=error, extra={"facts": facts})
