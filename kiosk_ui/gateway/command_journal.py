"""What staff ordered of this machine, so that a restart neither repeats nor forgets it."""

from __future__ import annotations

import json
import logging
import os
import threading
from datetime import datetime
from pathlib import Path

from pydantic import AwareDatetime, ValidationError

from kiosk_ui.events import KioskEvent
from kiosk_ui.gateway.fleet_models import CommandResult
from kiosk_ui.gateway.models import Label, Wire

MOST_KEPT = 50
_log = logging.getLogger(__name__)


class Kept(Wire):
    """An order that was begun here; without a result its end is not known."""

    id: str
    result: CommandResult | None = None


class _Whole(Wire):
    commands: list[Kept] = []
    restarted_itself_at: AwareDatetime | None = None
    out_words: Label | None = None


class CommandJournalFile:
    """A small file; in memory only without a path. Ids, codes and words for the glass, nothing of
    anybody.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._whole = _read(path) if path else _Whole()

    def find(self, command_id: str) -> Kept | None:
        """Returns at once."""
        return next((kept for kept in self._whole.commands if kept.id == command_id), None)

    def keep(self, command_id: str, result: CommandResult | None = None) -> None:
        """On disk when it returns; what was attached is not. Raises OSError."""
        bare = result.model_copy(update={"attachment_base64": None}) if result else None
        with self._lock:
            others = [kept for kept in self._whole.commands if kept.id != command_id]
            commands = [*others, Kept(id=command_id, result=bare)][-MOST_KEPT:]
            self._change(self._whole.model_copy(update={"commands": commands}))

    def may_restart_itself(self, now: datetime, *, again_after_s: float) -> bool:
        """A clock that was set meanwhile stops nothing for long: it counts both ways."""
        last = self._whole.restarted_itself_at
        return last is None or abs((now - last).total_seconds()) >= again_after_s

    def note_restart_of_itself(self, now: datetime) -> None:
        """On disk when it returns: the next process must know. Raises OSError."""
        with self._lock:
            self._change(self._whole.model_copy(update={"restarted_itself_at": now}))

    def find_out_words(self) -> Label | None:
        """Returns at once."""
        return self._whole.out_words

    def keep_out_words(self, words: Label | None) -> None:
        """On disk when it returns. Raises OSError."""
        with self._lock:
            self._change(self._whole.model_copy(update={"out_words": words}))

    def _change(self, whole: _Whole) -> None:
        """The disk first: what it did not take is not known here either."""
        if self._path is not None:
            fresh = self._path.with_name(f"{self._path.name}.new")
            with fresh.open("w", encoding="utf-8") as file:
                file.write(whole.model_dump_json(exclude_none=True))
                file.flush()
                os.fsync(file.fileno())
            fresh.replace(self._path)
        self._whole = whole


def _read(path: Path) -> _Whole:
    """Half a file, or none: nothing was begun. An order is obeyed twice at worst, not never."""
    try:
        return _Whole.model_validate(json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return _Whole()
    except (OSError, ValueError, ValidationError) as error:
        _log.warning("%s code=%s", KioskEvent.JOURNAL_FAILED, type(error).__name__)
        return _Whole()
