"""The slip of a payment that is not finished: it says so, and how to go on elsewhere."""

from __future__ import annotations

from kiosk_ui import i18n
from kiosk_ui.gateway.models import Language
from kiosk_ui.gateway.payment_models import PaymentReply, Receipt, ReceiptLine, ReceiptTexts
from kiosk_ui.presenters.context import Context
from kiosk_ui.presenters.wording import vnd


def pay_slip(ctx: Context, payment: PaymentReply) -> Receipt:
    """Drawn like a receipt, and says in its title that it is none."""
    language = ctx.visit.language
    settings = ctx.settings
    return Receipt(
        hospital=settings.facility.in_language(language) if settings else "",
        code=payment.code,
        issued_at=ctx.clock.now(),
        qr=payment.code,
        hotline=ctx.hotline,
        lang=language,
        texts=_texts(language, payment),
        vi=None if language == "vi" else _texts("vi", payment),
    )


def _texts(language: Language, payment: PaymentReply) -> ReceiptTexts:
    def say(key: str) -> str:
        return i18n.say(language, key).text

    received = payment.received_vnd
    return ReceiptTexts(
        title=say("slip_pay.title"),
        lines=[
            ReceiptLine(label=_what(language, line.code), value=vnd(line.amount_vnd, language))
            for line in payment.lines
        ],
        total=ReceiptLine(label=say("slip_pay.left"), value=vnd(payment.remaining_vnd, language)),
        facts=[ReceiptLine(label=say("slip_pay.received"), value=vnd(received, language))]
        if received
        else [],
        notes=[say("slip_pay.go_on"), say("slip_pay.not_twice"), say("slip_pay.receipt")],
        qr_label=say("slip_pay.qr"),
    )


def _what(language: Language, code: str) -> str:
    """The code of a bill, never what was done: others may see the paper."""
    if not code:
        return i18n.say(language, "slip_pay.advance").text
    return i18n.say(language, "pay.bill", code=code).text
