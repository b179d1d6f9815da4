"""What the printer said, told to the server now or later, across restarts."""

from __future__ import annotations

import json
import logging
import os
import threading
from pathlib import Path
from typing import Literal

from pydantic import ValidationError

from kiosk_ui.errors import CredentialRefused, GatewayError, ServerAway
from kiosk_ui.events import KioskEvent
from kiosk_ui.gateway.models import PrintStateRequest, Wire
from kiosk_ui.gateway.payment_models import ReceiptPrintRequest
from kiosk_ui.gateway.ports import Gateway

MOST_KEPT = 500
"""Of a day without a server; the oldest go first. Holds ids and states, nobody's data."""
_log = logging.getLogger(__name__)


class _Kept(Wire):
    visit_id: str
    """Of a receipt: the payment's."""
    request: PrintStateRequest
    about: Literal["visit", "payment"] = "visit"

    @property
    def key(self) -> str:
        """The same report is the same intent, whenever it is sent."""
        return f"{self.request.job_id}.{self.request.state}"


class PrintReportJournal:
    """A small file of reports the server has not taken yet. For worker threads."""

    def __init__(self, path: Path, gateway: Gateway) -> None:
        self._path = path
        self._gateway = gateway
        self._lock = threading.Lock()
        self._kept = _read(path)

    def report(self, visit_id: str, request: PrintStateRequest) -> None:
        """Kept before it is sent: an answer that never comes loses nothing. Raises nothing."""
        self._report(_Kept(visit_id=visit_id, request=request))

    def report_receipt(self, payment_id: str, request: PrintStateRequest) -> None:
        """The same for the receipt of a payment."""
        self._report(_Kept(visit_id=payment_id, request=request, about="payment"))

    def _report(self, kept: _Kept) -> None:
        with self._lock:
            self._kept = [*self._kept, kept][-MOST_KEPT:]
            self._write()
        self._send(kept)

    def retry(self) -> None:
        with self._lock:
            waiting = list(self._kept)
        for kept in waiting:
            if not self._send(kept):
                return

    def _send(self, kept: _Kept) -> bool:
        """False when the server is away: the others would not arrive either."""
        try:
            self._tell(kept)
        except (ServerAway, CredentialRefused):
            _log.info("%s job=%s", KioskEvent.PRINT_REPORT_KEPT, kept.request.job_id)
            return False
        except GatewayError as error:
            _log.warning(
                "%s job=%s code=%s",
                KioskEvent.PRINT_REPORT_DROPPED,
                kept.request.job_id,
                error.code,
            )
        with self._lock:
            self._kept = [other for other in self._kept if other is not kept]
            self._write()
        return True

    def _tell(self, kept: _Kept) -> None:
        if kept.about == "visit":
            self._gateway.report_print_state(kept.visit_id, kept.request, key=kept.key)
            return
        told = ReceiptPrintRequest(state=kept.request.state, reason=kept.request.reason)
        self._gateway.report_receipt_print(kept.visit_id, told, key=kept.key)

    def _write(self) -> None:
        """A full disk costs the memory across a restart, never the ticket."""
        fresh = self._path.with_name(f"{self._path.name}.new")
        try:
            with fresh.open("w", encoding="utf-8") as file:
                for kept in self._kept:
                    file.write(kept.model_dump_json() + "\n")
                file.flush()
                os.fsync(file.fileno())
            fresh.replace(self._path)
        except OSError as error:
            _log.warning("%s code=%s", KioskEvent.PRINT_REPORTS_NOT_SAVED, str(error.errno))


def _read(path: Path) -> list[_Kept]:
    """Lines that cannot be read are passed over."""
    found = []
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return []
    for line in lines:
        try:
            found.append(_Kept.model_validate(json.loads(line)))
        except (ValueError, ValidationError):
            continue
    return found[-MOST_KEPT:]
