"""Keeps an eye on the server and the devices while patients come and go."""

from __future__ import annotations

import logging
from typing import Literal

from devices.models import PrinterState, ScannerState
from kiosk_ui.errors import CredentialRefused, ReplyUnreadable, ServerAway, ServerRefused
from kiosk_ui.events import KioskEvent
from kiosk_ui.flow import Screen
from kiosk_ui.gateway.fleet_models import KioskOrders
from kiosk_ui.gateway.models import DeviceEventRequest, KioskSettings
from kiosk_ui.presenters.chores import Chore
from kiosk_ui.presenters.context import Context
from kiosk_ui.presenters.lookout import Lookout
from kiosk_ui.presenters.orders import Orders
from kiosk_ui.presenters.ports import Upkeep
from kiosk_ui.presenters.report import make_report
from kiosk_ui.presenters.touch_watch import TouchState

Device = Literal["printer", "scanner"]

CHECK_EVERY_S = 1.0
"""With the 1.4 s a check may take, a silent server is noticed within 3 s."""
SETTINGS_EVERY_S = 60.0
"""A credential taken back is noticed within a minute."""
REPORTS_EVERY_S = 10.0
BEAT_EVERY_S = 30.0
"""Staff see a kiosk as silent when it is not heard for longer. The answer brings their orders."""
GRANT_EVERY_S = 600.0
LEAST_APART_S = 3.0
"""Of two beats, when much happens."""
LOOK_EVERY_S = 5.0
_EMPTY = frozenset({Screen.WELCOME, Screen.INFO})
"""Screens that make no sense without the server and hold nothing of a patient."""
_SCANNER_STATES: dict[ScannerState, Literal["ready", "absent", "stale"]] = {
    ScannerState.READY: "ready",
    ScannerState.ABSENT: "absent",
    ScannerState.STALE: "stale",
}
"""Starting or asleep says nothing about a scanner."""
_log = logging.getLogger(__name__)


class Watch:
    """Asks in the background; ticked with the kiosk."""

    def __init__(self, ctx: Context, upkeep: Upkeep) -> None:
        self._ctx = ctx
        self._upkeep = upkeep
        self._started_at = ctx.clock.now()
        self.orders = Orders(ctx, upkeep)
        self.lookout = Lookout(ctx, upkeep)
        gateway = ctx.gateway
        self._check = Chore(
            every_s=CHECK_EVERY_S,
            call=gateway.check,
            done=lambda _none: self._heard(),
            failed=self._missed,
        )
        self._look = Chore(every_s=LOOK_EVERY_S, call=ctx.printer.look)
        self._settings = Chore(
            every_s=SETTINGS_EVERY_S,
            call=gateway.get_settings,
            done=self._take_settings,
            failed=self._no_settings,
        )
        self._reports = Chore(every_s=REPORTS_EVERY_S, call=ctx.reports.retry)
        self._grant = Chore(every_s=GRANT_EVERY_S, call=self._fetch_grant)
        self._hand_in = Chore(every_s=REPORTS_EVERY_S, call=ctx.offline.hand_in)
        self._beat = Chore(
            every_s=BEAT_EVERY_S, call=self._send_beat, done=self._beaten, failed=self._unbeaten
        )
        self._refused = False
        self._told_in_beat: tuple[PrinterState, TouchState | None] | None = None
        self._beat_s = 0.0
        self._scanner: str | None = None
        """As last known; asleep it says nothing."""
        self._tell = Chore(every_s=CHECK_EVERY_S, call=self._tell_of_devices)
        self._told: dict[Device, str] = {"printer": "ready", "scanner": "ready"}

    def tick(self) -> None:
        ctx = self._ctx
        self._open_or_shut()
        self._check.run_if_due(ctx)
        self._look.run_if_due(ctx)
        self.orders.tick()
        self.lookout.tick()
        if ctx.server_up:
            self._settings.run_if_due(ctx)
        if ctx.connected:
            self._hurry()
            self._reports.run_if_due(ctx)
            self._beat.run_if_due(ctx)
            self._grant.run_if_due(ctx)
            if ctx.offline.waiting():
                self._hand_in.run_if_due(ctx)
            if self._news():
                self._tell.run_if_due(ctx)

    # --- the server -----------------------------------------------------------------------------

    def _heard(self) -> None:
        if self._ctx.server_up:
            return
        _log.info(KioskEvent.SERVER_RETURNED)
        self._ctx.server_up = True
        for chore in (
            self._settings,
            self._reports,
            self._hand_in,
            self._beat,
        ):
            chore.next_s = 0.0

    def _missed(self, _error: Exception) -> None:
        if self._ctx.server_up:
            _log.warning(KioskEvent.SERVER_LOST)
            self._ctx.server_up = False
        self._ctx.out_reason = "out.server"

    def _fetch_grant(self) -> None:
        """On a worker thread."""
        settings = self._ctx.settings
        if settings is not None:
            self._ctx.offline.fetch_grant(settings.timezone)

    def _take_settings(self, settings: KioskSettings) -> None:
        self._ctx.settings = settings

    def _no_settings(self, error: Exception) -> None:
        self._settings.next_s = self._ctx.clock.ticks_s() + CHECK_EVERY_S
        if isinstance(error, CredentialRefused):
            if self._ctx.settings is not None or self._ctx.out_reason != "out.not_enrolled":
                _log.error(KioskEvent.CREDENTIAL_REFUSED)
            self._ctx.settings = None
            self._ctx.out_reason = "out.not_enrolled"
        elif self._ctx.settings is None:
            self._ctx.out_reason = "out.server"

    def _open_or_shut(self) -> None:
        """At the start only: who is in the middle of something is not thrown out."""
        visit, ready = self._ctx.visit, self._ctx.ready
        shut = visit.screen is Screen.OUT_OF_SERVICE
        empty = _EMPTY if self._ctx.out_words is None else {Screen.WELCOME}
        if visit.overlay is None and (ready if shut else not ready and visit.screen in empty):
            self._ctx.end()

    # --- this kiosk -------------------------------------------------------------------------------

    def _beaten(self, orders: KioskOrders) -> None:
        self._beat_s = self._ctx.clock.ticks_s()
        self.orders.take(orders)

    def _unbeaten(self, error: Exception) -> None:
        """Nobody can begin before the orders are known, so the first ones are asked for again soon.

        A server that does not give them has none. One that is away may have some, and so may one
        whose answer cannot be read.
        """
        if not isinstance(error, (ServerAway, CredentialRefused, ReplyUnreadable)):
            self._ctx.orders_known = True
        elif not self._ctx.orders_known:
            self._beat.next_s = self._ctx.clock.ticks_s() + LEAST_APART_S

    def _hurry(self) -> None:
        """What staff should see at once does not wait for its turn; a loose wire floods nobody."""
        seen = (self._ctx.printer.state(), self.lookout.watch.state)
        if seen == self._told_in_beat:
            return
        self._told_in_beat = seen
        self._beat.next_s = min(self._beat.next_s, self._beat_s + LEAST_APART_S)

    def _send_beat(self) -> KioskOrders:
        """On a worker thread. Times that were not heard are told with the next one."""
        times_ms = self._ctx.tally.take_times()
        try:
            orders = self._ctx.gateway.beat(
                make_report(
                    self._ctx,
                    self._upkeep,
                    started_at=self._started_at,
                    scanner=self._scanner,
                    touch=self.lookout.watch.state,
                    times_ms=times_ms,
                )
            )
        except ServerRefused as error:
            if error.problem_code == "rate_limited":
                # Nothing is wrong with it, there was too much: it waits for its turn.
                self._ctx.tally.give_back(times_ms)
                raise ServerAway from error
            # Something in it is not believed, perhaps a broken sensor: alive it is all the same.
            if not self._refused:
                _log.error("%s code=%s", KioskEvent.REPORT_REFUSED, error.problem_code)
            self._refused = True
            return self._ctx.gateway.beat()
        except (ServerAway, CredentialRefused):
            self._ctx.tally.give_back(times_ms)
            raise
        self._refused = False
        return orders

    # --- the devices ------------------------------------------------------------------------------

    def _news(self) -> list[DeviceEventRequest]:
        """What the server does not know yet; a state is told until it was heard."""
        events = [DeviceEventRequest(device="printer", state=self._ctx.printer.state().value)]
        scanner = _SCANNER_STATES.get(self._ctx.scanner.status().state)
        if scanner is not None:
            self._scanner = scanner
            events.append(DeviceEventRequest(device="scanner", state=scanner))
        return [event for event in events if self._told[event.device] != event.state]

    def _tell_of_devices(self) -> None:
        """On a worker thread; `_told` is written here alone."""
        for event in self._news():
            try:
                self._ctx.gateway.report_device(event)
            except ServerRefused as error:
                if error.problem_code == "rate_limited":
                    raise
                # An older server does not know this state: it is in the beat, and not told again.
                _log.error("%s code=%s", KioskEvent.REPORT_REFUSED, error.problem_code)
            self._told[event.device] = event.state
