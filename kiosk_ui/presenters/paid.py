"""Paid, because the server said so; and the end of a payment that nobody pays any more."""

from __future__ import annotations

import logging

from devices.models import PrintReason, PrintResult, PrintState
from kiosk_ui.events import KioskEvent
from kiosk_ui.flow import Screen
from kiosk_ui.gateway.models import PrintStateRequest
from kiosk_ui.gateway.payment_models import PaymentReply
from kiosk_ui.i18n import shown
from kiosk_ui.presenters.base import Presenter
from kiosk_ui.presenters.context import new_key
from kiosk_ui.presenters.paying import (
    CALM_NEWS_EVERY_S,
    NEWS_EVERY_S,
    get_pay,
    job_id_of,
    show_dues_again,
    watch_payment,
)
from kiosk_ui.presenters.views import (
    Action,
    Choice,
    Icon,
    MessageView,
    PaidView,
    Phrase,
    Tone,
)
from kiosk_ui.presenters.wording import money

WAIT_FOR_HOSPITAL_S = 2.5
MOST_RECEIPTS = 3
"""That one patient gets at one time; more is a roll of paper."""
_log = logging.getLogger(__name__)


class Paid(Presenter):
    screen = Screen.PAID

    def enter(self) -> None:
        self.ctx.visit.print_result = None
        get_pay(self.ctx).paid_since_s = self.ctx.clock.ticks_s()
        self._print_first()

    def view(self) -> PaidView:
        say, payment = self.ctx.say, self._payment()
        result = self.ctx.visit.print_result
        advance = payment.kind == "advance"
        notes = () if payment.told_hospital else (say("paid.to_come"),)
        if payment.state == "refund_due":
            notes = (say("paid.see_cashier"),)
        return PaidView(
            title=say("paid.advance" if advance else "paid.title"),
            amount=shown(money(self.ctx, payment.received_vnd or payment.amount_vnd)),
            code_label=say("paid.code"),
            code=spelled(payment.code),
            code_large=result is None or result.state is not PrintState.PRINTED,
            notes=(*self._what_next(result), *notes),
            problem=self._problem(result),
            choices=self._choices(),
        )

    def _what_next(self, result: PrintResult | None) -> tuple[Phrase, ...]:
        pay, say = get_pay(self.ctx), self.ctx.say
        if pay.printing or self._will_print():
            return (say("paid.printing"),)
        if result is not None and result.state is PrintState.PRINTED:
            return (say("paid.take_receipt"),)
        if result is None:
            return (say("paid.receipt_by_code"),)
        return ()

    def _problem(self, result: PrintResult | None) -> Phrase | None:
        if result is None or result.state is PrintState.PRINTED:
            return None
        if result.state in {PrintState.UNCONFIRMED, PrintState.UNKNOWN}:
            return self.ctx.say("paid.unconfirmed")
        no_paper = result.reason is PrintReason.PAPER_END
        return self.ctx.say("paid.no_paper" if no_paper else "paid.no_printer")

    def _choices(self) -> tuple[Choice, ...]:
        pay = get_pay(self.ctx)
        may_print = (
            self._payment().receipt is not None
            and not pay.printing
            and not self._will_print()
            and pay.receipt_jobs < MOST_RECEIPTS
        )
        key = "paid.reprint" if pay.receipt_jobs else "paid.print"
        return (
            self.choice("finish", "done.finish", icon=Icon.CHECK, tone=Tone.PRIMARY),
            *((self.choice("print", key, icon=Icon.PRINTER),) if may_print else ()),
        )

    def act(self, action: Action) -> None:
        if action.name == "print" and action in {choice.action for choice in self._choices()}:
            self._print(f"receipt-{new_key()}")

    def tick(self) -> None:
        """What is still to come: the receipt's words, and the word of the hospital."""
        payment = self._payment()
        if payment.receipt is None or not payment.told_hospital:
            waits = get_pay(self.ctx).receipt_jobs == 0
            watch_payment(self.ctx, every_s=NEWS_EVERY_S if waits else CALM_NEWS_EVERY_S)
        self._print_first()

    # --- paper --------------------------------------------------------------------------------------

    def _will_print(self) -> bool:
        """By itself, in a moment."""
        pay = get_pay(self.ctx)
        return pay.begun_here and pay.receipt_jobs == 0

    def _print_first(self) -> None:
        """Once, without being asked, for who paid here: a restart finds the job in the journal.

        A moment later than the money: the hospital mostly has entered it by then, and the paper
        carries the electronic invoice instead of the word that it is still to come.
        """
        pay, payment = get_pay(self.ctx), self._payment()
        waited_s = self.ctx.clock.ticks_s() - pay.paid_since_s
        if not payment.told_hospital and waited_s < WAIT_FOR_HOSPITAL_S:
            return
        if pay.begun_here and pay.receipt_jobs == 0 and payment.receipt is not None:
            self._print(job_id_of(payment, "receipt"))

    def _print(self, job_id: str) -> None:
        ctx, visit, pay, payment = self.ctx, self.ctx.visit, get_pay(self.ctx), self._payment()
        if payment.receipt is None or pay.printing:
            return
        receipt = ctx.paper(payment.receipt)
        pay.printing = True
        pay.receipt_jobs += 1

        def ended(result: PrintResult) -> None:
            pay.printing = False
            self._report(payment.id, result)
            if ctx.visit is visit:
                visit.print_result = result

        def broke(error: Exception) -> None:
            _log.error("%s code=%s", KioskEvent.PRINT_ENDED, type(error).__name__)
            ended(PrintResult(job_id=job_id, state=PrintState.UNKNOWN, elapsed_ms=0))

        ctx.worker.submit(
            lambda: ctx.printer.print_receipt(receipt, job_id), done=ended, failed=broke
        )

    def _report(self, payment_id: str, result: PrintResult) -> None:
        """Told whoever stands before the kiosk by now."""
        reports = self.ctx.reports
        request = PrintStateRequest(
            job_id=result.job_id,
            state=result.state.value,
            reason=result.reason.value if result.reason else None,
            elapsed_ms=result.elapsed_ms,
        )
        self.ctx.worker.submit(
            lambda: reports.report_receipt(payment_id, request),
            done=lambda _none: None,
            failed=lambda error: _log.error(
                "%s code=%s", KioskEvent.PRINT_REPORT_DROPPED, type(error).__name__
            ),
        )

    def _payment(self) -> PaymentReply:
        payment = get_pay(self.ctx).payment
        if payment is None or payment.stage != "paid":
            raise ValueError("the screen is reached with a paid payment only")
        return payment


class PayEnded(Presenter):
    """Nothing more is paid here. Money that still comes is kept, and the code finds it."""

    screen = Screen.PAY_ENDED

    def view(self) -> MessageView:
        say, payment = self.ctx.say, self._payment()
        reason = payment.reason or ""
        received = payment.received_vnd
        elsewhere = reason == "paid_elsewhere"
        return MessageView(
            title=say("ended.title" if received else _TITLES.get(reason, "ended.title")),
            body=(
                *((say("ended.kept", amount=money(self.ctx, received)),) if received else ()),
                *(() if elsewhere or received else (say("ended.not_lost"),)),
                say("ended.code", code=spelled(payment.code)),
            ),
            icon=Icon.CHECK if elsewhere else Icon.INFO,
            tone=Tone.GOOD if elsewhere else Tone.PRIMARY,
            choices=(
                self.choice("finish", "end.finish", icon=Icon.HOME, tone=Tone.PRIMARY),
                *(
                    ()
                    if elsewhere or received
                    else (self.choice("again", "ended.again", icon=Icon.WALLET),)
                ),
            ),
        )

    def act(self, action: Action) -> None:
        payment = self._payment()
        if action.name == "again" and not payment.received_vnd:
            show_dues_again(self.ctx, note=None)
            self.ctx.visit.trail.clear()

    def tick(self) -> None:
        """A message of the bank may have been on its way all the time."""
        watch_payment(self.ctx, every_s=CALM_NEWS_EVERY_S)

    def _payment(self) -> PaymentReply:
        payment = get_pay(self.ctx).payment
        if payment is None:
            raise ValueError("the screen is reached with a payment only")
        return payment


_TITLES = {
    "cancelled": "ended.cancelled",
    "left": "ended.cancelled",
    "timed_out": "ended.timed_out",
    "declined": "ended.declined",
    "paid_elsewhere": "ended.elsewhere",
    "fee_changed": "ended.fee_changed",
}


def spelled(code: str) -> str:
    """In threes, as it is printed: so it is read aloud and typed without a slip."""
    return " ".join(code[at : at + 3] for at in range(0, len(code), 3))
