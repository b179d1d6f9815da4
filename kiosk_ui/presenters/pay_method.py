"""How to pay: what works now, and cash beside it, as good as the others."""

from __future__ import annotations

from kiosk_ui.flow import Screen
from kiosk_ui.gateway.payment_models import (
    CancelPaymentRequest,
    CashReply,
    OfferRequest,
    PaymentMethod,
    PaymentReply,
    PaymentRequest,
)
from kiosk_ui.presenters.base import PAGE_SIZE, Presenter
from kiosk_ui.presenters.context import new_key
from kiosk_ui.presenters.paying import (
    cash_request,
    chosen_bills,
    chosen_vnd,
    get_pay,
    is_open,
    methods,
    show_dues_again,
    take_payment,
    watch_payment,
)
from kiosk_ui.presenters.views import Action, Choice, ChoiceView, Icon, Phrase
from kiosk_ui.presenters.wording import money

_NOTES = {
    "fee_changed": "pay.fee_changed",
    "being_paid": "pay.being_paid",
    "scan_expired": "pay.read_again",
    "amount_not_allowed": "pay.amount_refused",
}
"""Why what is due is shown once more instead of being paid."""


class PayMethod(Presenter):
    screen = Screen.PAY_METHOD

    def view(self) -> ChoiceView:
        visit, say = self.ctx.visit, self.ctx.say
        shown_methods = methods(get_pay(self.ctx))
        amount = money(self.ctx, chosen_vnd(get_pay(self.ctx)))
        # Cash stands on every page: nobody has to look for it.
        size = PAGE_SIZE - 1
        count = max(1, -(-len(shown_methods) // size))
        page = min(visit.page, count - 1)
        here = shown_methods[page * size : (page + 1) * size]
        return ChoiceView(
            title=say("method.title", amount=amount),
            subtitle=say("method.sub" if here else "method.only_cash"),
            problem=say(visit.problem) if visit.problem else None,
            choices=(*(self._method(method) for method in here), self._cash()),
            previous_page=self.choice("page", "page.previous", value=str(page - 1), icon=Icon.BACK)
            if page > 0
            else None,
            next_page=self.choice("page", "page.next", value=str(page + 1), icon=Icon.NEXT)
            if page < count - 1
            else None,
            page=(page + 1, count) if count > 1 else None,
        )

    def _method(self, method: PaymentMethod) -> Choice:
        say, amount = self.ctx.say, chosen_vnd(get_pay(self.ctx))
        bank = method.kind == "bank_qr"
        detail = say("method.bank_more" if bank else "method.wallet_more")
        fits = method.min_vnd <= amount <= method.max_vnd
        if amount < method.min_vnd:
            detail = say("method.at_least", amount=money(self.ctx, method.min_vnd))
        elif amount > method.max_vnd:
            detail = say("method.at_most", amount=money(self.ctx, method.max_vnd))
        return Choice(
            action=Action("method", method.name),
            label=self.ctx.label(method.label),
            detail=detail,
            icon=Icon.QR if bank else Icon.WALLET,
            enabled=fits,
        )

    def _cash(self) -> Choice:
        return Choice(
            action=Action("cash"),
            label=self.ctx.say("method.cash"),
            detail=self._where(),
            icon=Icon.CASH,
        )

    def _where(self) -> Phrase:
        dues, say = get_pay(self.ctx).dues, self.ctx.say
        if dues is None or dues.cash is None:
            return say("method.cash_more")
        place = self.ctx.label(dues.cash.place).text
        return say("method.cash_at" if dues.cash.is_open else "method.cash_closed", place=place)

    # --- what is touched --------------------------------------------------------------------------

    def act(self, action: Action) -> None:
        pay = get_pay(self.ctx)
        match action:
            case Action(name="method", value=name):
                amount = chosen_vnd(pay)
                fits = {m.name for m in methods(pay) if m.min_vnd <= amount <= m.max_vnd}
                if name in fits:
                    self._choose(name)
            case Action(name="cash"):
                self._pay_cash()

    def _choose(self, method: str) -> None:
        """A new payment, or another code for the one that is open. One touch, one key."""
        ctx, pay, key = self.ctx, get_pay(self.ctx), new_key()
        ctx.visit.problem = None

        def done(payment: PaymentReply) -> None:
            take_payment(ctx, payment, asked_now=True)
            if is_open(payment) and payment.offer is not None:
                ctx.back_to(Screen.PAY_QR)
            elif is_open(payment):
                # The payment stands, the provider gave no code for it: another way may do.
                pay.gone.add(method)
                ctx.visit.problem = "method.away"

        def refused(problem_code: str, _message_key: str | None) -> bool:
            return self._refused(method, problem_code)

        payment = pay.payment
        if payment is not None and is_open(payment):
            payment_id, offer = payment.id, OfferRequest(method=method)
            ctx.ask(
                lambda: ctx.gateway.change_offer(payment_id, offer, key=key),
                done=done,
                refused=refused,
            )
            return
        request = PaymentRequest(
            dues_id=pay.dues.dues_id if pay.dues else "",
            bill_ids=[bill.id for bill in chosen_bills(pay)],
            advance_vnd=pay.advance_vnd,
            method=method,
            language=ctx.visit.language,
        )
        ctx.ask(lambda: ctx.gateway.start_payment(request, key=key), done=done, refused=refused)

    def _refused(self, method: str, problem_code: str) -> bool:
        ctx, pay = self.ctx, get_pay(self.ctx)
        if problem_code == "provider_unavailable":
            pay.gone.add(method)
            ctx.visit.problem = "method.away"
            return True
        if problem_code == "his_unavailable":
            ctx.visit.problem = "method.hospital_away"
            return True
        if pay.payment is not None:
            # It moved on meanwhile: what it is now is asked for and shown.
            pay.next_news_s = 0.0
            ctx.visit.problem = "method.not_now"
            return True
        if problem_code in _NOTES:
            show_dues_again(ctx, note=_NOTES[problem_code])
            return True
        return False

    def _pay_cash(self) -> None:
        """A code that may be paid is closed first: nobody pays twice."""
        ctx, pay = self.ctx, get_pay(self.ctx)
        payment = pay.payment
        if payment is None or not is_open(payment):
            self._take_slip()
            return
        payment_id, key, request = payment.id, new_key(), CancelPaymentRequest()

        def done(reply: PaymentReply) -> None:
            if reply.stage == "ended" and reply.received_vnd == 0:
                pay.payment = None
                self._take_slip()
            else:
                take_payment(ctx, reply)
                if is_open(reply):
                    ctx.visit.problem = "method.not_now"

        ctx.ask(
            lambda: ctx.gateway.cancel_payment(payment_id, request, key=key),
            done=done,
            refused=lambda code, _key: self._refused("", code),
        )

    def _take_slip(self) -> None:
        ctx, pay, key = self.ctx, get_pay(self.ctx), new_key()
        request = cash_request(ctx)

        def done(reply: CashReply) -> None:
            pay.cash, pay.cash_job = reply, f"cash-{key}"
            ctx.go(Screen.PAY_CASH)

        ctx.ask(
            lambda: ctx.gateway.take_cash_slip(request, key=key),
            done=done,
            refused=lambda code, _key: self._refused("", code),
        )

    def tick(self) -> None:
        if is_open(get_pay(self.ctx).payment):
            watch_payment(self.ctx)
