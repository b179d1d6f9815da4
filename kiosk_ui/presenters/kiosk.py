"""One kiosk: takes touches, scans and answers; gives the frame to draw. Knows no toolkit."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Mapping

from devices.models import Frame as Picture
from devices.models import PrintState
from devices.ports import CodeScanner
from kiosk_ui import flow
from kiosk_ui.events import KioskEvent
from kiosk_ui.flow import Screen
from kiosk_ui.gateway.ports import Gateway
from kiosk_ui.presenters.all_screens import PRESENTERS
from kiosk_ui.presenters.base import Presenter
from kiosk_ui.presenters.chrome import chrome, idle_warning
from kiosk_ui.presenters.context import GRACE_S, Context
from kiosk_ui.presenters.paying import leave_payment
from kiosk_ui.presenters.ports import (
    Clock,
    OfflineNumbers,
    Place,
    PrintReports,
    TicketPrinting,
    Upkeep,
)
from kiosk_ui.presenters.scan import ScanScreen
from kiosk_ui.presenters.views import Action, Frame, IdleWarning, View
from kiosk_ui.presenters.waiting import waiting_view
from kiosk_ui.presenters.watch import Watch
from kiosk_ui.worker import Worker

REDRAW_S = 0.25
"""What time alone changes (clock, countdown, a name that fades) is looked at this often."""
LEFT_AFTER_S = 30.0
"""Without a touch on the start screen: who touches it then is somebody else."""
_AWAKE = frozenset({Screen.NOTICE, Screen.SCAN, Screen.ON_BEHALF_PHONE, Screen.PAY_WHO})
"""Where the scanner runs: a camera takes a second to wake, so it begins one screen early."""
_log = logging.getLogger(__name__)


class Kiosk:
    """All methods belong to the UI thread and return at once.

    The screens draw `frame`, hand touches to `act` and `touched`, and call `tick` many times
    a second.
    """

    def __init__(
        self,
        *,
        gateway: Gateway,
        scanner: CodeScanner,
        printer: TicketPrinting,
        reports: PrintReports,
        offline: OfflineNumbers,
        worker: Worker,
        clock: Clock,
        place: Place,
        upkeep: Upkeep,
    ) -> None:
        self._ctx = Context(
            gateway=gateway,
            worker=worker,
            scanner=scanner,
            printer=printer,
            reports=reports,
            offline=offline,
            clock=clock,
            place=place,
            entered=self._entered,
        )
        self._presenters: Mapping[Screen, Presenter] = {
            made.screen: made(self._ctx) for made in PRESENTERS
        }
        self._watch = Watch(self._ctx, upkeep)
        scanner.open()
        scanner.pause()
        self._ctx.touched_s = clock.ticks_s()
        self._built_s = clock.ticks_s()
        self._frame = self._build()
        self._kept = False
        """The frame on the glass waits for an answer that comes at once."""

    @property
    def frame(self) -> Frame:
        """What is on the glass now. The same object as before when nothing changed."""
        return self._frame

    def act(self, action: Action) -> None:
        """A touch on a choice of the present frame."""
        ctx = self._ctx
        self._begin()
        self.touched()
        match action:
            case Action(name="language", value="vi" | "en" as language):
                ctx.visit.language = language
            case Action(name="large_text"):
                ctx.visit.large_text = not ctx.visit.large_text
            case Action(name="lowered"):
                ctx.visit.lowered = not ctx.visit.lowered
            case Action(name="help"):
                ctx.open(Screen.HELP)
            case Action(name="emergency"):
                ctx.open(Screen.EMERGENCY)
            case Action(name="finish"):
                self._end()
            case Action(name="more_time"):
                pass  # touched() above gave it
            case Action(name="back"):
                self._back()
            case Action(name="page", value=page) if page.isdecimal():
                ctx.visit.page = int(page)
            case _ if ctx.visit.overlay is not None:
                self._presenters[ctx.visit.overlay].act(action)
            case _ if not ctx.busy:
                self._presenters[ctx.visit.screen].act(action)
        self._refresh()

    def pressed(self, action: Action) -> None:
        """A finger is down on a choice of the present frame; `act` follows if it stays there."""
        ctx = self._ctx
        if ctx.visit.overlay is None and not ctx.busy:
            self._presenters[ctx.visit.screen].foresee(action)

    def touched(self) -> None:
        """A finger is on the glass: the idle clock starts anew."""
        self._attend()
        self._ctx.tally.note_touch(self._ctx.clock.now())
        self._watch.lookout.note_touch()

    def _attend(self) -> None:
        """Somebody is there."""
        self._ctx.touched_s = self._ctx.clock.ticks_s()

    def _begin(self) -> None:
        """The first touch of a patient. Who touched the start screen and went away was another."""
        ctx, now_s = self._ctx, self._ctx.clock.ticks_s()
        left = ctx.visit.screen is Screen.WELCOME and now_s - ctx.touched_s >= LEFT_AFTER_S
        if ctx.visit.began_s is None or left:
            ctx.visit.began_s = now_s

    def tick(self) -> bool:
        """Takes in answers, scans and the time; True when the frame changed."""
        ctx = self._ctx
        changed = ctx.worker.drain()
        changed |= ctx.run_due()
        changed |= self._take_scans()
        self._watch.tick()
        self._presenters[ctx.visit.screen].tick()
        if ctx.visit.overlay is not None:
            self._presenters[ctx.visit.overlay].tick()
        self._clear_when_idle()
        late = self._kept and not self.comes_at_once
        if changed or late or ctx.clock.ticks_s() - self._built_s >= REDRAW_S:
            return self._refresh()
        return False

    def rest(self, timeout_s: float) -> bool:
        """The one method that waits: until an answer is there to be taken in, or that long.

        True when one may be.
        """
        return self._ctx.worker.wait(timeout_s)

    def latest_picture(self) -> Picture | None:
        """What the camera sees, while the scan screen is shown.

        None while a code is being asked about: its picture stays, for people to see what was
        read, and drawing new ones would hold the answer up.
        """
        if self._shown is not Screen.SCAN or self._ctx.busy:
            return None
        return self._ctx.scanner.latest_frame()

    @property
    def wants_restart(self) -> bool:
        """Ordered or needed, and nobody is in the middle of anything."""
        watch = self._watch
        wanted = watch.orders.wants_restart or watch.lookout.wants_restart
        return wanted and not self._ctx.visit_open

    @property
    def wants_picture(self) -> bool:
        """Staff asked what is on the glass, and nothing of anybody is."""
        return self._watch.orders.wants_picture

    def take_picture(self, encode: Callable[[], bytes]) -> None:
        """The glass as it was drawn for the present frame; `encode` makes a PNG, elsewhere."""
        self._watch.orders.take_picture(encode)

    def close(self) -> None:
        """Forgets the patient, lets go of the devices."""
        self._end()
        self._ctx.worker.close()
        self._ctx.scanner.close()
        self._ctx.printer.close()
        self._ctx.offline.close()
        self._ctx.gateway.close()

    @property
    def _shown(self) -> Screen:
        return self._ctx.visit.overlay or self._ctx.visit.screen

    def _entered(self, screen: Screen) -> None:
        if screen in _AWAKE:
            self._ctx.scanner.resume()
        elif screen not in flow.OVERLAYS:
            self._ctx.scanner.pause()
        self._presenters[screen].enter()

    def _end(self) -> None:
        """By a touch, or by none: whatever is under way stays behind in good order."""
        leave_payment(self._ctx)
        self._ctx.end()

    def _back(self) -> None:
        if self._ctx.visit.overlay is not None:
            self._ctx.close_overlay()
        elif self._ctx.visit.screen not in flow.NO_WAY_BACK:
            self._ctx.back()

    def _take_scans(self) -> bool:
        scan = self._ctx.scanner.poll() if self._shown is Screen.SCAN else None
        if scan is None:
            return False
        presenter = self._presenters[Screen.SCAN]
        if isinstance(presenter, ScanScreen):
            presenter.take(scan)
        self._attend()
        return True

    # --- the idle clock -------------------------------------------------------------------------

    def _rule(self) -> flow.IdleRule:
        result = self._ctx.visit.print_result
        printed = result is not None and result.state is PrintState.PRINTED
        return flow.idle_rule(self._shown, ticket_in_hand=printed)

    def _seconds_left(self) -> float:
        """Until the end, without a touch."""
        rule = self._rule()
        last_s = self._ctx.touched_s + rule.quiet_s + rule.countdown_s
        return last_s - self._ctx.clock.ticks_s()

    def _idle_warning(self) -> IdleWarning | None:
        left_s = self._seconds_left()
        if left_s > self._rule().countdown_s:
            return None
        return idle_warning(self._ctx, max(1, math.ceil(left_s)))

    def _clear_when_idle(self) -> None:
        if self._seconds_left() > 0:
            return
        if self._ctx.visit.scan is not None:
            _log.info("%s screen=%s", KioskEvent.IDLE_CLEARED, self._shown.value)
        self._end()
        self._refresh()

    # --- the frame --------------------------------------------------------------------------------

    def _refresh(self) -> bool:
        self._built_s = self._ctx.clock.ticks_s()
        self._kept = self.comes_at_once
        if self._kept:
            return False
        frame = self._build()
        if frame == self._frame:
            return False
        self._frame = frame
        return True

    @property
    def comes_at_once(self) -> bool:
        """The screen will have something to show in a blink: until then what is on the glass
        stays, so that nothing flashes by. Touches wait with it.
        """
        return self._ctx.visit.overlay is None and self._presenters[self._shown].on_its_way()

    def _build(self) -> Frame:
        return Frame(
            screen=self._shown.value,
            chrome=chrome(self._ctx),
            view=self._view(),
            idle=self._idle_warning(),
            forward=self._ctx.visit.forward,
        )

    def _view(self) -> View:
        ctx = self._ctx
        presenter = self._presenters[self._shown]
        if not ctx.busy or ctx.visit.overlay is not None or presenter.shows_waiting:
            return presenter.view()
        if ctx.waited_s() >= GRACE_S:
            return waiting_view(ctx)
        return presenter.view()
