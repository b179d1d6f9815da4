"""Paying at this kiosk: what is chosen, what the server says of it, and where that leads.

A payment goes on by itself once its code was shown: nothing here holds it up, and only the
server's word makes it paid.
"""

from __future__ import annotations

import uuid
from datetime import datetime

from kiosk_ui.current_visit import Paying
from kiosk_ui.errors import GatewayError, ServerAway
from kiosk_ui.flow import Screen
from kiosk_ui.gateway.payment_models import (
    BillReply,
    CancelPaymentRequest,
    CashRequest,
    DuesReply,
    PaymentMethod,
    PaymentOffer,
    PaymentReply,
)
from kiosk_ui.presenters.context import Context, new_key
from kiosk_ui.presenters.pay_slip import pay_slip

NEWS_EVERY_S = 0.6
"""While a code is on the glass; the server holds nothing back, so this is how late news are."""
CALM_NEWS_EVERY_S = 2.0
"""Where nobody waits for the money any more."""
AWAY_RETRY_S = 1.0


def pay_for(ctx: Context, pay: Paying) -> None:
    """To what is due for whom was just shown."""
    ctx.visit.pay = pay
    ctx.go(Screen.PAY_BILLS)


def get_pay(ctx: Context) -> Paying:
    pay = ctx.visit.pay
    if pay is None:
        raise ValueError("these screens are reached through pay_for only")
    return pay


# --- what is chosen ------------------------------------------------------------------------------


def chosen_bills(pay: Paying) -> list[BillReply]:
    """None of them when an advance is paid: it is one or the other."""
    if pay.dues is None or pay.advance_vnd is not None:
        return []
    return [bill for bill in pay.dues.bills if bill.code not in pay.left_out]


def chosen_vnd(pay: Paying) -> int:
    if pay.payment is not None:
        return pay.payment.remaining_vnd
    if pay.advance_vnd is not None:
        return pay.advance_vnd
    return sum(bill.due_vnd for bill in chosen_bills(pay))


def methods(pay: Paying) -> list[PaymentMethod]:
    """Those that work, as far as is known."""
    known = pay.payment.methods if pay.payment else pay.dues.methods if pay.dues else []
    return [method for method in known if method.name not in pay.gone]


def cash_request(ctx: Context) -> CashRequest:
    pay = get_pay(ctx)
    return CashRequest(
        dues_id=pay.dues.dues_id if pay.dues else "",
        bill_ids=[bill.id for bill in chosen_bills(pay)],
        advance_vnd=pay.advance_vnd,
        language=ctx.visit.language,
    )


# --- what the server says ---------------------------------------------------------------------------


def may_still_be_paid(ctx: Context) -> bool:
    """Somebody may be paying at this moment, here or with a picture of the code."""
    pay = ctx.visit.pay
    open_screen = ctx.visit.screen in {Screen.PAY_QR, Screen.PAY_METHOD}
    return open_screen and pay is not None and is_open(pay.payment)


def is_open(payment: PaymentReply | None) -> bool:
    return payment is not None and payment.stage in {"waiting", "underpaid"}


def qr_left_s(ctx: Context) -> float:
    """How long the code on the glass can be paid; 0 when there is none.

    A code for another sum than is still due is none: nobody pays the whole after a part came.
    """
    pay = get_pay(ctx)
    payment, offer = pay.payment, pay.payment.offer if pay.payment else None
    if payment is None or offer is None or not is_open(payment):
        return 0.0
    if offer.amount_vnd != payment.remaining_vnd:
        return 0.0
    return max(0.0, pay.qr_ends_s - ctx.clock.ticks_s())


def take_dues(ctx: Context, dues: DuesReply) -> None:
    """Shows what is due, or goes on with a payment that was begun before."""
    pay = get_pay(ctx)
    begun = dues.open_payment
    if begun is not None and begun.stage == "paid":
        # The hospital's own system may not have heard of it yet: nobody pays it twice.
        paid = {line.code for line in begun.lines}
        due = [bill for bill in dues.bills if bill.code not in paid]
        dues = dues.model_copy(update={"bills": due})
    pay.dues = dues
    pay.left_out &= {bill.code for bill in dues.bills}
    if begun is not None and (is_open(begun) or (begun.stage == "paid" and not dues.bills)):
        resume(ctx, begun)


def resume(ctx: Context, payment: PaymentReply) -> None:
    """A payment begun before, here or elsewhere."""
    take_payment(ctx, payment)
    if is_open(payment):
        ctx.back_to(Screen.PAY_QR)
        ctx.visit.problem = "qr.opened_before"


def take_payment(ctx: Context, payment: PaymentReply, *, asked_now: bool = False) -> None:
    """What the server says of a payment now. Goes where that leads; older news are dropped.

    `asked_now`: its code was made this moment, so its time runs from here, whatever the clock
    on this kiosk's wall says.
    """
    pay, before = get_pay(ctx), get_pay(ctx).payment
    if before is not None and before.id == payment.id and payment.version < before.version:
        return
    _time_the_code(ctx, pay, payment, asked_now=asked_now)
    if before is not None and payment.received_vnd != before.received_vnd:
        pay.checked_at = None
    pay.payment = payment
    if is_open(payment):
        pay.begun_here = True
    here = ctx.visit.screen
    if payment.stage == "paid" and here is not Screen.PAID:
        ctx.go(Screen.PAID)
    elif payment.stage == "ended" and here in {Screen.PAY_QR, Screen.PAY_METHOD}:
        if payment.reason == "fee_changed" and payment.received_vnd == 0:
            show_dues_again(ctx, note="pay.fee_changed")
        else:
            ctx.go(Screen.PAY_ENDED)


def _time_the_code(ctx: Context, pay: Paying, payment: PaymentReply, *, asked_now: bool) -> None:
    offer = payment.offer
    before = pay.payment.offer if pay.payment else None
    # A code made anew may read like the one before, but it runs longer.
    same = before is not None and offer is not None and _runs(before) == _runs(offer)
    if offer is not None:
        pay.method = offer.method
    if offer is None or same:
        return
    life_s = (offer.expires_at - offer.created_at).total_seconds()
    left_s = life_s if asked_now else (offer.expires_at - ctx.clock.now()).total_seconds()
    pay.qr_life_s = max(1.0, life_s)
    pay.qr_ends_s = ctx.clock.ticks_s() + min(max(0.0, left_s), pay.qr_life_s)
    pay.checked_at = None


def _runs(offer: PaymentOffer) -> tuple[str, datetime]:
    return offer.qr_text, offer.expires_at


def show_dues_again(ctx: Context, *, note: str | None) -> None:
    """They are read anew, with a sentence about why."""
    get_pay(ctx).forget_dues(note=note)
    ctx.back_to(Screen.PAY_BILLS)


# --- live ------------------------------------------------------------------------------------------


def watch_payment(ctx: Context, *, every_s: float = NEWS_EVERY_S) -> None:
    """Asks for news in the background, one question at a time. To be called at every tick."""
    visit, pay = ctx.visit, ctx.visit.pay
    payment = pay.payment if pay else None
    if pay is None or payment is None or pay.asking_news:
        return
    if ctx.clock.ticks_s() < pay.next_news_s:
        return
    pay.asking_news = True
    payment_id, version, gateway = payment.id, payment.version, ctx.gateway

    def over(wait_s: float) -> bool:
        """Whether the patient is still there."""
        pay.asking_news = False
        pay.next_news_s = ctx.clock.ticks_s() + wait_s
        return ctx.visit is visit and visit.pay is pay

    def done(news: PaymentReply | None) -> None:
        pay.line_lost = False
        if over(every_s) and news is not None and _is_about(pay, news):
            take_payment(ctx, news)

    def failed(error: Exception) -> None:
        pay.line_lost = isinstance(error, ServerAway) or not isinstance(error, GatewayError)
        over(AWAY_RETRY_S)

    ctx.worker.submit(
        lambda: gateway.find_payment_news(payment_id, version), done=done, failed=failed
    )


def _is_about(pay: Paying, news: PaymentReply) -> bool:
    """Another payment may have been begun meanwhile."""
    return pay.payment is not None and pay.payment.id == news.id


# --- going away -------------------------------------------------------------------------------------


def leave_payment(ctx: Context) -> None:
    """Somebody walks away, from whatever screen. What may still be paid stays open, and a slip
    tells how to go on.
    """
    pay = ctx.visit.pay
    payment = pay.payment if pay else None
    if pay is None or payment is None or not is_open(payment):
        return
    if payment.offer is None and payment.received_vnd == 0 and not pay.line_lost:
        _close(ctx, payment)
        return
    slip, job_id = ctx.paper(pay_slip(ctx, payment)), job_id_of(payment, "slip")
    ctx.worker.submit(
        lambda: ctx.printer.print_receipt(slip, job_id),
        done=lambda _result: None,
        failed=lambda _error: None,
    )


def _close(ctx: Context, payment: PaymentReply) -> None:
    """No code of it can be paid any more and nothing came: the bills are free at once."""
    request, key = CancelPaymentRequest(reason="left"), new_key()
    gateway = ctx.gateway
    ctx.worker.submit(
        lambda: gateway.cancel_payment(payment.id, request, key=key),
        done=lambda _reply: None,
        failed=lambda _error: None,
    )


def job_id_of(payment: PaymentReply, what: str) -> str:
    """The same for the same paper of the same payment: a restart prints nothing twice."""
    return f"{what}-{uuid.uuid5(uuid.NAMESPACE_OID, payment.id).hex}"
