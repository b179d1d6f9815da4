"""The code on the glass: it can be paid with a phone while the kiosk watches for the money.

The screen only watches. The payment goes on by itself when the line is lost, when the patient
walks away, and when the kiosk is switched off.
"""

from __future__ import annotations

import math

from kiosk_ui.errors import ServerAway
from kiosk_ui.flow import Screen
from kiosk_ui.gateway.payment_models import (
    CancelPaymentRequest,
    OfferRequest,
    PaymentOffer,
    PaymentReply,
)
from kiosk_ui.i18n import shown
from kiosk_ui.presenters.base import Presenter
from kiosk_ui.presenters.context import new_key
from kiosk_ui.presenters.paying import (
    get_pay,
    is_open,
    methods,
    qr_left_s,
    take_payment,
    watch_payment,
)
from kiosk_ui.presenters.views import (
    Action,
    Choice,
    Icon,
    MessageView,
    PayView,
    Phrase,
    Row,
    Tone,
)
from kiosk_ui.presenters.wording import money

MINUTE_S = 60
LAST_STEP_S = 10
"""In the last minute the time is told in steps of ten seconds: nobody is hurried."""
BAR_STEPS = 60


class PayQr(Presenter):
    screen = Screen.PAY_QR
    shows_waiting = True

    def enter(self) -> None:
        get_pay(self.ctx).next_news_s = self.ctx.clock.ticks_s()

    def view(self) -> PayView | MessageView:
        payment = self._payment()
        left_s = qr_left_s(self.ctx)
        offer = payment.offer
        if offer is not None and left_s > 0:
            return self._code(payment, offer, left_s)
        if payment.stage == "underpaid":
            return self._short(payment)
        return self._run_out(payment)

    # --- a code to pay ----------------------------------------------------------------------------

    def _code(self, payment: PaymentReply, offer: PaymentOffer, left_s: float) -> PayView:
        pay, say = get_pay(self.ctx), self.ctx.say
        status, tone = self._status(payment)
        large = pay.dues is not None and 0 < pay.dues.large_vnd <= offer.amount_vnd
        wallet = offer.kind == "wallet"
        app = self.ctx.label(offer.label).text
        hint = say("qr.large") if large else None
        return PayView(
            title=say("qr.wallet_title", app=app) if wallet else say("qr.title"),
            amount=shown(money(self.ctx, offer.amount_vnd)),
            qr=offer.qr_text,
            rows=self._rows(offer),
            left=self._time_left(left_s),
            left_share=math.ceil(left_s / pay.qr_life_s * BAR_STEPS) / BAR_STEPS,
            status=status,
            status_tone=tone,
            hint=hint,
            choices=self._choices(payment),
        )

    def _rows(self, offer: PaymentOffer) -> tuple[Row, ...]:
        say, account = self.ctx.say, offer.account
        rows = []
        if account is not None:
            rows += [
                Row(label=say("qr.holder"), value=account.holder),
                Row(label=say("qr.account"), value=f"{account.bank} {account.number}".strip()),
            ]
        if offer.memo:
            rows.append(Row(label=say("qr.memo"), value=offer.memo))
        return tuple(rows)

    def _time_left(self, left_s: float) -> Phrase:
        if left_s > MINUTE_S:
            return self.ctx.say("qr.minutes", minutes=int(left_s // MINUTE_S))
        seconds = math.ceil(left_s / LAST_STEP_S) * LAST_STEP_S
        return self.ctx.say("qr.seconds", seconds=seconds)

    def _status(self, payment: PaymentReply) -> tuple[Phrase, Tone]:
        """What the machine is doing for the patient right now."""
        pay, say, visit = get_pay(self.ctx), self.ctx.say, self.ctx.visit
        if pay.line_lost or not self.ctx.server_up or visit.reconnecting:
            return say("qr.line_lost"), Tone.CAUTION
        if self.ctx.busy:
            return say("qr.working"), Tone.PRIMARY
        if visit.problem:
            return say(visit.problem), Tone.CAUTION
        if pay.checking:
            return say("qr.checking"), Tone.PRIMARY
        if payment.received_vnd:
            return say("qr.part", amount=money(self.ctx, payment.received_vnd)), Tone.CAUTION
        if pay.checked_at is not None:
            hour = f"{self.ctx.local(pay.checked_at):%H:%M}"
            return say("qr.not_yet", hour=hour), Tone.PRIMARY
        return say("qr.watching"), Tone.PRIMARY

    def _choices(self, payment: PaymentReply) -> tuple[Choice, ...]:
        cancel = self.choice("cancel", "qr.cancel", icon=Icon.CROSS)
        return (
            self._paid_already(),
            self.choice("other", "qr.other", icon=Icon.WALLET),
            *((cancel,) if payment.received_vnd == 0 else ()),
        )

    def _paid_already(self) -> Choice:
        pay = get_pay(self.ctx)
        choice = self.choice("check", "qr.paid_already", icon=Icon.CHECK)
        return Choice(
            action=choice.action, label=choice.label, icon=choice.icon, enabled=not pay.checking
        )

    # --- no code to pay ------------------------------------------------------------------------------

    def _short(self, payment: PaymentReply) -> MessageView:
        """A part came: it is safe, and the rest gets a code of its own."""
        say = self.ctx.say
        return MessageView(
            title=say("qr.short", amount=money(self.ctx, payment.remaining_vnd)),
            body=(
                say("qr.short_have", amount=money(self.ctx, payment.received_vnd)),
                *self._troubles(),
            ),
            icon=Icon.WALLET,
            tone=Tone.CAUTION,
            busy=self.ctx.busy,
            choices=(
                *self._new_code("qr.rest"),
                self.choice("other", "qr.other", icon=Icon.WALLET),
                self._paid_already(),
            ),
        )

    def _run_out(self, payment: PaymentReply) -> MessageView:
        say, had_code = self.ctx.say, bool(get_pay(self.ctx).method)
        return MessageView(
            title=say("qr.run_out" if had_code else "qr.no_code"),
            body=(
                say("qr.to_pay", amount=money(self.ctx, payment.remaining_vnd)),
                *((say("qr.run_out_do"),) if had_code else ()),
                *self._troubles(),
            ),
            icon=Icon.CLOCK,
            tone=Tone.CAUTION,
            busy=self.ctx.busy,
            choices=(
                *self._new_code("qr.renew"),
                self._paid_already(),
                self.choice("other", "qr.other", icon=Icon.WALLET),
                self.choice("cancel", "qr.cancel", icon=Icon.CROSS),
            ),
        )

    def _troubles(self) -> tuple[Phrase, ...]:
        payment = self._payment()
        status, tone = self._status(payment)
        pay = get_pay(self.ctx)
        tells = tone is Tone.CAUTION and not (payment.received_vnd and not pay.line_lost)
        return (status,) if tells or pay.checking or pay.checked_at is not None else ()

    def _new_code(self, key: str) -> tuple[Choice, ...]:
        if self._same_way() is None:
            return ()
        return (self.choice("renew", key, icon=Icon.QR, tone=Tone.PRIMARY),)

    def _same_way(self) -> str | None:
        """The way chosen before, if it still works; otherwise the first that does."""
        pay, payment = get_pay(self.ctx), self._payment()
        names = [method.name for method in methods(pay)]
        before = payment.offer.method if payment.offer else pay.method
        return before if before in names else next(iter(names), None)

    # --- what is touched -------------------------------------------------------------------------------

    def act(self, action: Action) -> None:
        match action.name:
            case "check":
                self._check()
            case "other":
                self.ctx.go(Screen.PAY_METHOD)
            case "renew":
                self._renew()
            case "cancel" if self._payment().received_vnd == 0:
                self._cancel()

    def _check(self) -> None:
        """Asks the provider, while everything else stays as it is."""
        ctx, visit, pay, key = self.ctx, self.ctx.visit, get_pay(self.ctx), new_key()
        if pay.checking:
            return
        pay.checking = True
        visit.problem = None
        payment_id = self._payment().id

        def over() -> bool:
            pay.checking = False
            return ctx.visit is visit and visit.pay is pay

        def done(reply: PaymentReply) -> None:
            pay.line_lost = False
            if not over() or pay.payment is None or reply.id != pay.payment.id:
                return
            if is_open(reply):
                pay.checked_at = ctx.clock.now()
            take_payment(ctx, reply)

        def failed(error: Exception) -> None:
            pay.line_lost = isinstance(error, ServerAway)
            if over() and not pay.line_lost and visit.screen is Screen.PAY_QR:
                visit.problem = "qr.cannot_check"

        ctx.worker.submit(
            lambda: ctx.gateway.check_payment(payment_id, key=key), done=done, failed=failed
        )

    def _renew(self) -> None:
        ctx, key, method = self.ctx, new_key(), self._same_way()
        if method is None:
            return
        ctx.visit.problem = None
        payment_id, request = self._payment().id, OfferRequest(method=method)
        ctx.ask(
            lambda: ctx.gateway.change_offer(payment_id, request, key=key),
            done=lambda reply: take_payment(ctx, reply, asked_now=True),
            refused=lambda code, _key: self._refused(code, method),
        )

    def _cancel(self) -> None:
        ctx, key, request = self.ctx, new_key(), CancelPaymentRequest()
        payment_id = self._payment().id
        ctx.ask(
            lambda: ctx.gateway.cancel_payment(payment_id, request, key=key),
            done=lambda reply: take_payment(ctx, reply),
            refused=lambda code, _key: self._refused(code, None),
        )

    def _refused(self, problem_code: str, method: str | None) -> bool:
        """The payment stays as it was; what it is now is asked for at once."""
        ctx, pay = self.ctx, get_pay(self.ctx)
        pay.next_news_s = 0.0
        if problem_code == "provider_unavailable" and method is not None:
            pay.gone.add(method)
            ctx.go(Screen.PAY_METHOD)
            ctx.visit.problem = "method.away"
            return True
        ctx.visit.problem = "method.not_now"
        return True

    # --- the rest ----------------------------------------------------------------------------------------

    def tick(self) -> None:
        watch_payment(self.ctx)

    def _payment(self) -> PaymentReply:
        payment = get_pay(self.ctx).payment
        if payment is None:
            raise ValueError("the screen is reached with a payment only")
        return payment
