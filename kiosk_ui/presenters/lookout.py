"""Whether touches still arrive: counts the devices, and lets the camera look where staff allow it.

Two pictures of a few hundred grey dots are compared and dropped. Nobody is recognised, nothing is
kept, nothing leaves the machine but the word `suspect`.
"""

from __future__ import annotations

import logging

from devices.models import Frame, ScannerState
from kiosk_ui.events import KioskEvent
from kiosk_ui.flow import Screen
from kiosk_ui.presenters.chores import Chore
from kiosk_ui.presenters.context import Context
from kiosk_ui.presenters.ports import Upkeep
from kiosk_ui.presenters.touch_watch import (
    AGAIN_AFTER_S,
    LOOK_EVERY_S,
    TouchState,
    TouchWatch,
    moved,
    shrink,
)

COUNT_EVERY_S = 5.0
BETWEEN_S = 0.8
"""Of the two pictures that are compared."""
LONGEST_LOOK_S = 6.0
"""A camera that shows nothing by then is put to sleep again."""
_log = logging.getLogger(__name__)


class Lookout:
    """Ticked with the kiosk, on the UI thread."""

    def __init__(self, ctx: Context, upkeep: Upkeep) -> None:
        self._ctx = ctx
        self._upkeep = upkeep
        self.watch = TouchWatch(expected=upkeep.expects_touch)
        self._count = Chore(
            every_s=COUNT_EVERY_S,
            call=upkeep.machine.count_touch_devices,
            done=self.watch.note_devices,
        )
        self._next_look_s = 0.0
        self._since_s: float | None = None
        """The camera is awake for this alone."""
        self._first: tuple[float, Frame] | None = None
        self._told: TouchState | None = None
        self._restarting = False
        self.wants_restart = False

    def tick(self) -> None:
        self._count.run_if_due(self._ctx)
        if self._upkeep.looks_for_people:
            self._look()
        self._tell()

    def note_touch(self) -> None:
        self.watch.note_touch(self._ctx.clock.ticks_s())

    # --- the camera -------------------------------------------------------------------------------

    def _look(self) -> None:
        ctx, now_s = self._ctx, self._ctx.clock.ticks_s()
        alone = ctx.visit.screen is Screen.WELCOME and ctx.visit.overlay is None
        if self._since_s is not None:
            if not alone:
                # Whoever came decides about the camera now.
                self._since_s = self._first = None
            else:
                self._compare(now_s)
            return
        if alone and now_s >= self._next_look_s and self.watch.should_look(now_s):
            self._since_s = now_s
            ctx.scanner.resume()

    def _compare(self, now_s: float) -> None:
        ctx = self._ctx
        ready = ctx.scanner.status().state is ScannerState.READY
        frame = ctx.scanner.latest_frame() if ready else None
        if frame is not None and self._first is None:
            self._first = (now_s, shrink(frame))
        elif frame is not None and self._first is not None:
            since_s, first = self._first
            if now_s - since_s >= BETWEEN_S:
                self.watch.note_look(movement=moved(first, shrink(frame)))
                self._rest(now_s)
                return
        if self._since_s is not None and now_s - self._since_s > LONGEST_LOOK_S:
            self._rest(now_s)

    def _rest(self, now_s: float) -> None:
        self._since_s = self._first = None
        self._next_look_s = now_s + LOOK_EVERY_S
        self._ctx.scanner.pause()

    # --- what follows -------------------------------------------------------------------------------

    def _tell(self) -> None:
        """Once when it goes, once when it is back; the window's process is begun anew then."""
        state = self.watch.state
        if state is not None and state != self._told:
            if state in {"absent", "suspect"}:
                _log.warning("%s state=%s", KioskEvent.TOUCH_DOUBTED, state)
            elif self._told in {"absent", "suspect"}:
                _log.info(KioskEvent.TOUCH_RETURNED)
                self._restarting = False
            self._told = state
        if state == "suspect" and not self._restarting and not self._ctx.visit_open:
            self._restart()

    def _restart(self) -> None:
        """Whatever reads touches is opened again: the whole window is, at most once an hour."""
        self._restarting = True
        journal, now = self._upkeep.journal, self._ctx.clock.now()

        def note() -> bool:
            if not journal.may_restart_itself(now, again_after_s=AGAIN_AFTER_S):
                return False
            journal.note_restart_of_itself(now)
            return True

        def noted(may: bool) -> None:
            if may:
                _log.warning(KioskEvent.RESTARTS_FOR_TOUCH)
                self.wants_restart = True

        self._ctx.worker.submit(
            note,
            done=noted,
            failed=lambda error: _log.error(
                "%s code=%s", KioskEvent.JOURNAL_FAILED, type(error).__name__
            ),
        )
