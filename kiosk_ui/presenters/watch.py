"""Keeps an eye on the server and the devices while patients come and go."""

from __future__ import annotations

import logging
from typing import Literal

from devices.models import ScannerState
from kiosk_ui.errors import CredentialRefused
from kiosk_ui.events import KioskEvent
from kiosk_ui.flow import Screen
from kiosk_ui.gateway.models import DeviceEventRequest, KioskSettings
from kiosk_ui.presenters.context import Context

CHECK_EVERY_S = 1.0
"""With the 1.5 s a check may take: a silent server is noticed within 3 s."""
SETTINGS_EVERY_S = 300.0
REPORTS_EVERY_S = 10.0

_EMPTY = frozenset({Screen.WELCOME, Screen.INFO})
"""Screens that make no sense without the server and hold nothing of a patient."""
_log = logging.getLogger(__name__)
Device = Literal["printer", "scanner"]


class Watch:
    """Asks in the background, one question of a kind at a time."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx
        self._checking = False
        self._fetching = False
        self._retrying = False
        self._next_check_s = 0.0
        self._next_settings_s = 0.0
        self._next_reports_s = 0.0
        self._told: dict[Device, str] = {"printer": "ready", "scanner": "ready"}
        self._telling = False
        self._next_telling_s = 0.0

    def tick(self) -> None:
        now = self._ctx.clock.ticks_s()
        self._open_or_shut()
        if not self._checking and now >= self._next_check_s:
            self._check()
        if not self._ctx.server_up:
            return
        if not self._fetching and now >= self._next_settings_s:
            self._fetch_settings()
        if not self._retrying and now >= self._next_reports_s:
            self._retry_reports()
        if not self._telling and now >= self._next_telling_s:
            self._tell_of_devices()

    # --- the server -----------------------------------------------------------------------------

    def _check(self) -> None:
        self._checking = True
        self._ctx.worker.submit(
            self._ctx.gateway.check, done=lambda _none: self._heard(), failed=self._missed
        )

    def _heard(self) -> None:
        self._checking = False
        self._next_check_s = self._ctx.clock.ticks_s() + CHECK_EVERY_S
        if not self._ctx.server_up:
            _log.info(KioskEvent.SERVER_RETURNED)
            self._ctx.server_up = True
            self._next_settings_s = self._next_reports_s = 0.0

    def _missed(self, _error: Exception) -> None:
        self._checking = False
        self._next_check_s = self._ctx.clock.ticks_s() + CHECK_EVERY_S
        if self._ctx.server_up:
            _log.warning(KioskEvent.SERVER_LOST)
            self._ctx.server_up = False
        self._ctx.out_reason = "out.server"

    def _fetch_settings(self) -> None:
        self._fetching = True
        self._ctx.worker.submit(
            self._ctx.gateway.get_settings, done=self._take_settings, failed=self._no_settings
        )

    def _take_settings(self, settings: KioskSettings) -> None:
        self._fetching = False
        self._next_settings_s = self._ctx.clock.ticks_s() + SETTINGS_EVERY_S
        self._ctx.settings = settings

    def _no_settings(self, error: Exception) -> None:
        self._fetching = False
        self._next_settings_s = self._ctx.clock.ticks_s() + 2 * CHECK_EVERY_S
        if isinstance(error, CredentialRefused):
            _log.error(KioskEvent.CREDENTIAL_REFUSED)
            self._ctx.settings = None
            self._ctx.out_reason = "out.not_enrolled"
        elif self._ctx.settings is None:
            self._ctx.out_reason = "out.server"

    def _open_or_shut(self) -> None:
        """At the start only: who is in the middle of something is not thrown out."""
        visit, ready = self._ctx.visit, self._ctx.ready
        shut = visit.screen is Screen.OUT_OF_SERVICE
        if visit.overlay is None and (ready if shut else not ready and visit.screen in _EMPTY):
            self._ctx.end()

    # --- print reports and devices ----------------------------------------------------------------

    def _retry_reports(self) -> None:
        self._retrying = True

        def over(_result: object) -> None:
            self._retrying = False
            self._next_reports_s = self._ctx.clock.ticks_s() + REPORTS_EVERY_S

        self._ctx.worker.submit(self._ctx.reports.retry, done=over, failed=over)

    def _tell_of_devices(self) -> None:
        for event in (self._printer(), self._scanner()):
            if event is not None and event.state != self._told[event.device]:
                self._tell(event)
                return

    def _printer(self) -> DeviceEventRequest:
        return DeviceEventRequest(device="printer", state=self._ctx.printer.state().value)

    def _scanner(self) -> DeviceEventRequest | None:
        """None while it is starting or asleep: that says nothing."""
        match self._ctx.scanner.status().state:
            case ScannerState.READY:
                return DeviceEventRequest(device="scanner", state="ready")
            case ScannerState.ABSENT:
                return DeviceEventRequest(device="scanner", state="absent")
            case ScannerState.STALE:
                return DeviceEventRequest(device="scanner", state="stale")
            case _:
                return None

    def _tell(self, event: DeviceEventRequest) -> None:
        self._telling = True

        def told(_none: None) -> None:
            self._telling = False
            self._told[event.device] = event.state

        def not_told(_error: Exception) -> None:
            self._telling = False
            self._next_telling_s = self._ctx.clock.ticks_s() + CHECK_EVERY_S

        self._ctx.worker.submit(
            lambda: self._ctx.gateway.report_device(event), done=told, failed=not_told
        )
