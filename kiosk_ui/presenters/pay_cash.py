"""Cash: a slip for the cashier is printed, and where to go with it is said."""

from __future__ import annotations

import logging

from devices.models import PrintResult, PrintState
from kiosk_ui.events import KioskEvent
from kiosk_ui.flow import Screen
from kiosk_ui.gateway.payment_models import CashReply
from kiosk_ui.i18n import shown
from kiosk_ui.presenters.base import Presenter
from kiosk_ui.presenters.done import tell_problem
from kiosk_ui.presenters.paying import chosen_vnd, get_pay
from kiosk_ui.presenters.views import (
    Action,
    Choice,
    Icon,
    MessageView,
    Phrase,
    TicketView,
    Tone,
)
from kiosk_ui.presenters.wording import money

_log = logging.getLogger(__name__)


class PayCash(Presenter):
    """Who has a ticket of today is called at the cashier with its number; others show the slip."""

    screen = Screen.PAY_CASH

    def enter(self) -> None:
        self.ctx.visit.print_result = None
        self._print()

    def view(self) -> TicketView | MessageView:
        reply, say = self._reply(), self.ctx.say
        result = self.ctx.visit.print_result
        if reply.number is None:
            return self._without_number(reply, result)
        dues = get_pay(self.ctx).dues
        desk = dues.cash if dues else None
        amount = say("cash.amount", amount=money(self.ctx, chosen_vnd(get_pay(self.ctx))))
        return TicketView(
            title=say("cash.title"),
            number=reply.number,
            place=self.ctx.label(desk.place) if desk else say("cash.title"),
            floor=None,
            landmark=self.ctx.label(desk.landmark) if desk else None,
            wait=None,
            next=say("cash.next"),
            notes=(amount,),
            qr="",
            qr_caption=say("cash.show"),
            printed=_printed(result),
            problem=tell_problem(self.ctx, result),
            choices=self._choices(),
        )

    def _without_number(self, reply: CashReply, result: PrintResult | None) -> MessageView:
        say, dues = self.ctx.say, get_pay(self.ctx).dues
        place: tuple[Phrase, ...] = ()
        if dues is not None and dues.cash is not None:
            place = (self.ctx.label(dues.cash.place), self.ctx.label(dues.cash.landmark))
        lost = result is not None and result.state is PrintState.FAILED
        codes = shown(reply.slip.code).text
        return MessageView(
            title=say("cash.title"),
            body=(
                *(line for line in place if line.text),
                say("cash.amount", amount=money(self.ctx, chosen_vnd(get_pay(self.ctx)))),
                say("cash.codes", codes=codes) if lost and codes else say("cash.show"),
            ),
            icon=Icon.CASH,
            tone=Tone.PRIMARY,
            choices=self._choices(),
        )

    def _choices(self) -> tuple[Choice, ...]:
        return (self.choice("finish", "done.finish", icon=Icon.CHECK, tone=Tone.PRIMARY),)

    def act(self, action: Action) -> None:
        """Only the end is offered."""

    def _print(self) -> None:
        ctx, visit = self.ctx, self.ctx.visit
        slip = ctx.paper(self._reply().slip)
        job_id = get_pay(ctx).cash_job

        def ended(result: PrintResult) -> None:
            if ctx.visit is visit:
                visit.print_result = result

        def broke(error: Exception) -> None:
            _log.error("%s code=%s", KioskEvent.PRINT_ENDED, type(error).__name__)
            ended(PrintResult(job_id=job_id, state=PrintState.UNKNOWN, elapsed_ms=0))

        ctx.worker.submit(lambda: ctx.printer.print_receipt(slip, job_id), done=ended, failed=broke)

    def _reply(self) -> CashReply:
        reply = get_pay(self.ctx).cash
        if reply is None:
            raise ValueError("the screen is reached with a slip only")
        return reply


def _printed(result: PrintResult | None) -> bool:
    return result is not None and result.state is PrintState.PRINTED
