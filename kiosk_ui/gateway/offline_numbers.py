"""Reception numbers this kiosk gives by itself while its server is away.

The journal is what makes them safe. It has an id of its own, for which the server grants a letter
nobody else has; a number is on disk before anybody sees it, and stays there until the server has
it. A journal that was lost or damaged is begun anew under another id, and so gets another letter:
no number is ever given twice. Nothing of a person is in it.
"""

from __future__ import annotations

import errno
import json
import logging
import os
import threading
import uuid
from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from pydantic import ValidationError

from kiosk_ui.errors import NoOfflineNumber, ServerRefused
from kiosk_ui.events import KioskEvent
from kiosk_ui.gateway import models
from kiosk_ui.gateway.ports import Gateway

MOST_AT_ONCE = 50
GRANT_LASTS = timedelta(days=7)
KEPT_DAYS = 2
_log = logging.getLogger(__name__)


class OfflineNumberJournal:
    """For worker threads, but `may_give`, which returns at once.

    Without a path it lives in memory only. Raises OSError when the file cannot be opened.
    """

    def __init__(self, path: Path | None, gateway: Gateway, *, now: Callable[[], datetime]) -> None:
        self._path = path
        self._gateway = gateway
        self._now = now
        self._lock = threading.Lock()
        self._journal_id = str(uuid.uuid4())
        self._grant: models.OfflineGrant | None = None
        self._granted_at: datetime | None = None
        self._zone = ZoneInfo("UTC")
        self._taken: dict[str, models.OfflineNumber] = {}
        self._safe: set[str] = set()
        self._descriptor: int | None = None
        if path is not None:
            self._replay(path)
            self._rewrite(path)

    # --- the right to give numbers ----------------------------------------------------------------

    def fetch_grant(self, timezone: str) -> None:
        """Asks the server for letter and words, to be ready when it is away. Raises GatewayError,
        OSError.
        """
        request = models.OfflineGrantRequest(journal_id=self._journal_id)
        try:
            grant = self._gateway.grant_offline_numbers(request).grant
        except ServerRefused:
            grant = None
        with self._lock:
            entry = {
                "grant": None if grant is None else json.loads(grant.model_dump_json()),
                "at": self._now().isoformat(),
                "zone": timezone,
            }
            self._append(entry)
            self._note_grant(entry)

    def may_give(self) -> bool:
        """Whether a number could be given now."""
        return self._find_next() is not None

    # --- a number ---------------------------------------------------------------------------------

    def take(self, *, priority: bool, language: models.Language) -> tuple[str, models.Ticket]:
        """The key and the ticket of the next number, which is on disk by now.

        Raises NoOfflineNumber: none may be given, or the disk did not take it.
        """
        with self._lock:
            found = self._find_next()
            if found is None or self._grant is None:
                raise NoOfflineNumber
            number = models.OfflineNumber(
                key=str(uuid.uuid4()),
                number=found,
                taken_at=self._now(),
                priority=priority,
                language=language,
                print_state="pending",
            )
            try:
                self._append({"taken": json.loads(number.model_dump_json())})
            except OSError as error:
                _log.error("%s code=%s", KioskEvent.OFFLINE_JOURNAL_FAILED, str(error.errno))
                raise NoOfflineNumber from error
            self._taken[number.key] = number
            words = getattr(self._grant.tickets, language)
            ticket = words.model_copy(
                update={
                    "number": f"{self._grant.letter}{found:03d}",
                    "issued_at": number.taken_at.astimezone(self._zone),
                }
            )
        _log.info(KioskEvent.OFFLINE_NUMBER_GIVEN)
        return number.key, ticket

    def note_print(self, key: str, state: models.PrintState) -> None:
        """What the printer said; a full disk costs this memory, never the number."""
        with self._lock:
            number = self._taken.get(key)
            if number is None:
                return
            self._taken[key] = number.model_copy(update={"print_state": state})
            try:
                self._append({"printed": key, "state": state})
            except OSError as error:
                _log.error("%s code=%s", KioskEvent.OFFLINE_JOURNAL_FAILED, str(error.errno))

    # --- handing in -------------------------------------------------------------------------------

    def waiting(self) -> int:
        """Numbers the server does not have yet."""
        return len(self._taken.keys() - self._safe)

    def hand_in(self) -> None:
        """Sends what the server does not have; what it answers is safe. Raises GatewayError."""
        with self._lock:
            batch = [n for key, n in self._taken.items() if key not in self._safe][:MOST_AT_ONCE]
        if not batch:
            return
        request = models.OfflineNumbersRequest(journal_id=self._journal_id, numbers=batch)
        safe = set(self._gateway.hand_in_offline_numbers(request).safe)
        safe &= {number.key for number in batch}
        with self._lock:
            self._safe |= safe
            try:
                self._append({"safe": sorted(safe)})
            except OSError as error:  # they are sent again, which changes nothing there
                _log.error("%s code=%s", KioskEvent.OFFLINE_JOURNAL_FAILED, str(error.errno))
        _log.info("%s count=%d", KioskEvent.OFFLINE_NUMBERS_HANDED_IN, len(safe))

    def close(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    # --- which is next ----------------------------------------------------------------------------

    def _find_next(self) -> int | None:
        grant, granted_at, now = self._grant, self._granted_at, self._now()
        if grant is None or granted_at is None or not granted_at <= now <= granted_at + GRANT_LASTS:
            return None  # a clock before the grant is wrong
        taken = list(self._taken.values())
        if any(number.taken_at > now for number in taken):
            return None  # the clock went back: today's last number is not known
        if sum(number.taken_at > now - timedelta(hours=1) for number in taken) >= grant.per_hour:
            return None
        today = self._day(now)
        return 1 + max((n.number for n in taken if self._day(n.taken_at) == today), default=0)

    def _day(self, moment: datetime) -> date:
        return moment.astimezone(self._zone).date()

    # --- the file ---------------------------------------------------------------------------------

    def _append(self, entry: dict[str, Any]) -> None:
        if self._path is None:
            return
        if self._descriptor is None:
            raise OSError(errno.EBADF, "closed")
        line = json.dumps(entry, ensure_ascii=False).encode() + b"\n"
        start = os.lseek(self._descriptor, 0, os.SEEK_END)
        try:
            _write_whole(self._descriptor, line)
        except OSError:
            # Half a line would swallow the next one.
            os.ftruncate(self._descriptor, start)
            raise

    def _replay(self, path: Path) -> None:
        """Takes up what the file says. The last line may be torn: its number was never shown.
        Damage anywhere else means a number may be missing: then the journal begins anew.
        """
        lines = path.read_bytes().splitlines() if path.exists() else []
        for index, line in enumerate(lines):
            try:
                self._note(json.loads(line))
            except (ValueError, KeyError, TypeError, ValidationError):
                if index < len(lines) - 1 or index == 0:
                    _log.error("%s code=damaged", KioskEvent.OFFLINE_JOURNAL_FAILED)
                    self._begin_anew(path)
                    return

    def _note(self, entry: dict[str, Any]) -> None:
        if "journal" in entry:
            self._journal_id = str(uuid.UUID(entry["journal"]))
        elif "grant" in entry:
            self._note_grant(entry)
        elif "taken" in entry:
            number = models.OfflineNumber.model_validate(entry["taken"])
            self._taken[number.key] = number
        elif "printed" in entry:
            number = self._taken[entry["printed"]]
            self._taken[number.key] = number.model_copy(update={"print_state": entry["state"]})
        else:
            self._safe |= {str(key) for key in entry["safe"]}

    def _note_grant(self, entry: dict[str, Any]) -> None:
        grant = entry["grant"]
        self._grant = None if grant is None else models.OfflineGrant.model_validate(grant)
        self._granted_at = datetime.fromisoformat(entry["at"])
        self._zone = ZoneInfo(entry["zone"])

    def _begin_anew(self, path: Path) -> None:
        """What can still be read stays beside it, for staff; it is never counted on from."""
        path.replace(path.with_name(f"{path.name}.damaged"))
        self._journal_id = str(uuid.uuid4())
        self._grant = self._granted_at = None
        self._taken.clear()
        self._safe.clear()

    def _rewrite(self, path: Path) -> None:
        """Drops what the server has and no day needs any more."""
        oldest = self._day(self._now()) - timedelta(days=KEPT_DAYS)
        self._taken = {
            key: number
            for key, number in self._taken.items()
            if key not in self._safe or self._day(number.taken_at) >= oldest
        }
        self._safe &= self._taken.keys()
        entries: list[dict[str, Any]] = [{"journal": self._journal_id}]
        if self._granted_at is not None:
            entries.append(
                {
                    "grant": json.loads(self._grant.model_dump_json()) if self._grant else None,
                    "at": self._granted_at.isoformat(),
                    "zone": self._zone.key,
                }
            )
        entries += [{"taken": json.loads(n.model_dump_json())} for n in self._taken.values()]
        entries.append({"safe": sorted(self._safe)})
        fresh = path.with_name(f"{path.name}.new")
        with fresh.open("wb") as file:
            file.writelines(json.dumps(e, ensure_ascii=False).encode() + b"\n" for e in entries)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
        self._descriptor = os.open(path, os.O_WRONLY | os.O_APPEND)


def _write_whole(descriptor: int, line: bytes) -> None:
    if os.write(descriptor, line) != len(line):
        raise OSError(errno.ENOSPC, "written in part")
    os.fsync(descriptor)
