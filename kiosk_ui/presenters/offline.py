"""Without the server: no card is read, but nobody goes without a number for the desk."""

from __future__ import annotations

import logging

from devices.models import PrintResult, PrintState
from kiosk_ui.events import KioskEvent
from kiosk_ui.flow import Screen
from kiosk_ui.gateway.models import Ticket
from kiosk_ui.i18n import shown
from kiosk_ui.presenters.base import Presenter
from kiosk_ui.presenters.done import tell_problem
from kiosk_ui.presenters.views import Action, Icon, MessageView, TicketView, Tone

_log = logging.getLogger(__name__)


class OutOfService(Presenter):
    screen = Screen.OUT_OF_SERVICE

    def view(self) -> MessageView:
        reason, say = self.ctx.out_reason, self.ctx.say
        if self.ctx.out_words is not None:
            return MessageView(
                title=say("out.title"),
                body=(self.ctx.label(self.ctx.out_words), say("out.do")),
                icon=Icon.WARNING,
                tone=Tone.CAUTION,
                choices=(self.choice("help", "help.button", icon=Icon.HELP, tone=Tone.PRIMARY),),
            )
        if reason == "out.starting":
            return MessageView(title=say(reason), icon=Icon.CLOCK, busy=True)
        help_choice = self.choice("help", "help.button", icon=Icon.HELP)
        if self._may_give():
            return MessageView(
                title=say("offline.title"),
                body=(say("offline.number_all_the_same"), say("offline.at_desk")),
                icon=Icon.TICKET,
                tone=Tone.CAUTION,
                choices=(
                    self.choice("number", "offline.take", icon=Icon.TICKET, tone=Tone.PRIMARY),
                    self.choice("number", "offline.take_priority", value="priority"),
                    help_choice,
                ),
            )
        return MessageView(
            title=say("out.title"),
            body=(say(reason), say("out.do")),
            icon=Icon.WARNING,
            tone=Tone.CAUTION,
            choices=(self.choice("help", "help.button", icon=Icon.HELP, tone=Tone.PRIMARY),),
        )

    def act(self, action: Action) -> None:
        if action.name == "number" and self._may_give():
            self._take(priority=action.value == "priority")

    def _may_give(self) -> bool:
        """Not where staff took the machine away: they mean it, whatever the server is doing."""
        ctx = self.ctx
        return ctx.out_words is None and ctx.out_reason == "out.server" and ctx.offline.may_give()

    def _take(self, *, priority: bool) -> None:
        """From the journal, then to the printer; the number is shown whatever the printer does."""
        ctx, visit = self.ctx, self.ctx.visit
        language = visit.language

        def given(taken: tuple[str, Ticket]) -> None:
            key, ticket = taken
            if ctx.visit is visit and visit.screen is Screen.OUT_OF_SERVICE:
                visit.awaiting = None
                visit.offline_ticket = ticket
                ctx.go(Screen.OFFLINE_NUMBER)
            self._print(key, ticket)

        def refused(error: Exception) -> None:
            _log.warning("%s code=%s", KioskEvent.CALL_FAILED, type(error).__name__)
            visit.awaiting = None

        visit.awaiting, visit.awaiting_since_s = object(), ctx.clock.ticks_s()
        ctx.worker.submit(
            lambda: ctx.offline.take(priority=priority, language=language),
            done=given,
            failed=refused,
        )

    def _print(self, key: str, ticket: Ticket) -> None:
        ctx, visit = self.ctx, self.ctx.visit
        ticket = ctx.paper(ticket)

        def ended(result: PrintResult) -> None:
            if ctx.visit is visit:
                visit.print_result = result
            ctx.worker.submit(
                lambda: ctx.offline.note_print(key, result.state.value),
                done=lambda _none: None,
                failed=lambda _error: None,
            )

        def broke(error: Exception) -> None:
            _log.error("%s code=%s", KioskEvent.PRINT_ENDED, type(error).__name__)
            ended(PrintResult(job_id=key, state=PrintState.UNKNOWN, elapsed_ms=0))

        ctx.worker.submit(lambda: ctx.printer.print_ticket(ticket, key), done=ended, failed=broke)


class OfflineNumber(Presenter):
    screen = Screen.OFFLINE_NUMBER

    def view(self) -> TicketView:
        visit, say = self.ctx.visit, self.ctx.say
        ticket = visit.offline_ticket
        if ticket is None:
            raise ValueError("the screen is reached with a number only")
        printed = visit.print_result is not None and visit.print_result.state is PrintState.PRINTED
        words = ticket.vi if visit.language == "vi" and ticket.vi is not None else ticket
        return TicketView(
            title=say("offline.done"),
            number=ticket.number,
            place=shown(words.room),
            floor=say("done.floor", floor=ticket.floor) if ticket.floor else None,
            landmark=shown(words.landmark) if words.landmark else None,
            wait=None,
            next=shown(words.next),
            notes=tuple(shown(note) for note in words.notes),
            qr="",
            qr_caption=say("offline.remember"),
            printed=printed,
            problem=tell_problem(self.ctx, visit.print_result),
            choices=(
                self.choice("finish", "done.finish", icon=Icon.CHECK, tone=Tone.PRIMARY),
                *(() if printed else (self.choice("help", "help.button", icon=Icon.HELP),)),
            ),
        )

    def act(self, action: Action) -> None:
        """Nothing to touch but what every screen has."""
