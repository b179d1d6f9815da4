"""The deed: the server gives the number, the printer the paper.

A number once given stays: whatever the printer does, the screen shows it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from devices.models import PrintResult, PrintState
from kiosk_ui.current_visit import CurrentVisit, Deed, Intent
from kiosk_ui.events import KioskEvent
from kiosk_ui.flow import Screen
from kiosk_ui.gateway.models import (
    ChangeRequest,
    PrintStateRequest,
    ScanIdRequest,
    VisitReply,
    VisitRequest,
)
from kiosk_ui.presenters.base import Presenter
from kiosk_ui.presenters.context import GRACE_S
from kiosk_ui.presenters.tally import PRINT
from kiosk_ui.presenters.views import Action, Icon, MessageView

_log = logging.getLogger(__name__)
LONGEST_PRINT_S = 8.0
"""Then the number is shown although the printer has not spoken."""


class Printing(Presenter):
    screen = Screen.PRINTING
    shows_waiting = True

    def enter(self) -> None:
        intent = self.ctx.visit.intent
        if intent is None:
            raise ValueError("the screen is reached through asking.do only")
        self.ctx.visit.printing_since_s = None
        self.ctx.visit.print_result = None
        self.ctx.ask(self._deed(intent), done=lambda reply: self._print(intent, reply))

    def on_its_way(self) -> bool:
        """Number and paper of a quick printer come before this screen would be read."""
        return self.ctx.waited_s() < GRACE_S and not self.ctx.visit.reconnecting

    def view(self) -> MessageView:
        visit, say = self.ctx.visit, self.ctx.say
        if visit.reconnecting:
            return MessageView(
                title=say("busy.reconnecting"),
                body=(say("busy.keep_waiting"), say("printing.one_number")),
                icon=Icon.CLOCK,
                busy=True,
            )
        if visit.printing_since_s is not None and visit.ticket is not None:
            return MessageView(
                title=say("printing.number", number=visit.ticket.number),
                body=(say("printing.paper"),),
                icon=Icon.PRINTER,
                busy=True,
            )
        return MessageView(
            title=say("printing.taking"), body=(say("printing.wait"),), icon=Icon.TICKET, busy=True
        )

    def act(self, action: Action) -> None:
        """Nothing to touch but what every screen has."""

    def tick(self) -> None:
        since_s = self.ctx.visit.printing_since_s
        if since_s is not None and self.ctx.clock.ticks_s() - since_s >= LONGEST_PRINT_S:
            self.ctx.go(Screen.DONE)

    def _deed(self, intent: Intent) -> Callable[[], VisitReply]:
        """The call, with its key: repeated until answered it stays one deed."""
        visit, gateway, key = self.ctx.visit, self.ctx.gateway, intent.key
        scan_id = visit.scan.scan_id if visit.scan else ""
        ticket_id = visit.ticket.id if visit.ticket else ""
        match intent.deed:
            case Deed.START:
                start = _visit_request(visit)
                return lambda: gateway.start_visit(start, key=key)
            case Deed.CHANGE:
                change = _change_request(visit)
                return lambda: gateway.change_visit(ticket_id, change, key=key)
            case Deed.REPRINT:
                proof = ScanIdRequest(scan_id=scan_id)
                return lambda: gateway.reprint_ticket(ticket_id, proof, key=key)

    def _print(self, intent: Intent, reply: VisitReply) -> None:
        visit, printer = self.ctx.visit, self.ctx.printer
        visit.ticket = reply
        visit.changing = False
        visit.printing_since_s = self.ctx.clock.ticks_s()
        job_id = intent.key
        ticket, visit_id = self.ctx.paper(reply.ticket), reply.id

        def ended(result: PrintResult) -> None:
            self._report(visit_id, result)
            self.ctx.tally.note_time(PRINT, result.elapsed_ms / 1000)
            # The patient may have left, or the screen may show the number already.
            if self.ctx.visit is visit and visit.intent is intent:
                visit.print_result = result
                if visit.screen is Screen.PRINTING:
                    self.ctx.go(Screen.DONE)

        def broke(error: Exception) -> None:
            _log.error("%s code=%s", KioskEvent.PRINT_ENDED, type(error).__name__)
            ended(PrintResult(job_id=job_id, state=PrintState.UNKNOWN, elapsed_ms=0))

        self.ctx.worker.submit(
            lambda: printer.print_ticket(ticket, job_id), done=ended, failed=broke
        )

    def _report(self, visit_id: str, result: PrintResult) -> None:
        """Told whoever stands before the kiosk by now."""
        reports = self.ctx.reports
        request = PrintStateRequest(
            job_id=result.job_id,
            state=result.state.value,
            reason=result.reason.value if result.reason else None,
            elapsed_ms=result.elapsed_ms,
        )
        self.ctx.worker.submit(
            lambda: reports.report(visit_id, request),
            done=lambda _none: None,
            failed=lambda error: _log.error(
                "%s code=%s", KioskEvent.PRINT_REPORT_DROPPED, type(error).__name__
            ),
        )


def _visit_request(visit: CurrentVisit) -> VisitRequest:
    booking = visit.appointment
    service_id = booking.service_id if booking else visit.service.id if visit.service else ""
    return VisitRequest(
        scan_id=visit.scan.scan_id if visit.scan else "",
        visit_kind=visit.visit_kind or "new",
        service_id=service_id,
        also_service_id=visit.also_service.id if visit.also_service else None,
        doctor_id=visit.doctor.id if visit.doctor else None,
        slot_id=visit.slot.id if visit.slot else None,
        appointment_id=booking.id if booking else None,
        priority_group=visit.priority_group,
        use_insurance=visit.use_insurance,
        papers=visit.papers,
        language=visit.language,
        since_touch_ms=visit.intent.since_touch_ms if visit.intent else None,
    )


def _change_request(visit: CurrentVisit) -> ChangeRequest:
    return ChangeRequest(
        scan_id=visit.scan.scan_id if visit.scan else "",
        service_id=visit.service.id if visit.service else "",
        doctor_id=visit.doctor.id if visit.doctor else None,
        slot_id=visit.slot.id if visit.slot else None,
        language=visit.language,
    )
