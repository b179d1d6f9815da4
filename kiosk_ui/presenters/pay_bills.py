"""What is due and why: everything is to be paid unless a touch leaves it out."""

from __future__ import annotations

from kiosk_ui.flow import Screen
from kiosk_ui.gateway.payment_models import BillCharge, BillReply, DuesRequest
from kiosk_ui.i18n import shown
from kiosk_ui.presenters.base import Presenter
from kiosk_ui.presenters.context import new_key
from kiosk_ui.presenters.paying import (
    chosen_bills,
    chosen_vnd,
    get_pay,
    resume,
    take_dues,
)
from kiosk_ui.presenters.views import (
    Action,
    Bill,
    BillLine,
    BillsView,
    CardView,
    Choice,
    Icon,
    MessageView,
    Phrase,
    Row,
    Tone,
)
from kiosk_ui.presenters.waiting import waiting_view
from kiosk_ui.presenters.wording import money

BILLS_A_PAGE = 3
"""One less in large text, and one less within the reach of a seated person."""
LINES_A_PAGE, FEW_LINES = 4, 3
"""The fewer in large text."""
LINES_SHOWN = {1: 5, 2: 2}
"""Of each bill, by how many bills share the page; of more bills, and in large text, one each."""
READ_AGAIN_AFTER_S = 45.0
"""What is due is never older than a minute when it is paid."""
_UNKNOWN = frozenset({"payment_not_found", "visit_not_found", "bill_not_found", "not_found"})


class PayBills(Presenter):
    screen = Screen.PAY_BILLS
    loads = True

    def enter(self) -> None:
        pay = get_pay(self.ctx)
        pay.advance_vnd = None
        old = self.ctx.clock.ticks_s() - pay.dues_read_s > READ_AGAIN_AFTER_S
        if pay.dues is None or old:
            self._read()

    def _read(self) -> None:
        ctx, pay = self.ctx, get_pay(self.ctx)
        request, key = (
            DuesRequest(scan_id=pay.scan_id, code=pay.code, language=ctx.visit.language),
            new_key(),
        )
        pay.dues_read_s = ctx.clock.ticks_s()
        pay.dues = None
        pay.hospital_away = False
        ctx.ask(
            lambda: ctx.gateway.read_dues(request, key=key),
            done=lambda dues: take_dues(ctx, dues),
            refused=self._refused,
        )

    def _refused(self, problem_code: str, _message_key: str | None) -> bool:
        pay = get_pay(self.ctx)
        if problem_code == "his_unavailable":
            pay.hospital_away = True
            return True
        if problem_code in _UNKNOWN and pay.code is not None:
            self.ctx.back_to(Screen.PAY_CODE)
            self.ctx.visit.problem = "pay_code.unknown"
            return True
        return False

    # --- what is shown ------------------------------------------------------------------------

    def view(self) -> BillsView | MessageView:
        pay = get_pay(self.ctx)
        if pay.hospital_away:
            return self._unread()
        if pay.dues is None:
            return waiting_view(self.ctx)
        return self._bills(pay.dues.bills) if pay.dues.bills else self._nothing()

    def _unread(self) -> MessageView:
        say = self.ctx.say
        return MessageView(
            title=say("pay.unread"),
            body=(say("pay.unread_do"), say("pay.unread_cash")),
            icon=Icon.CLOCK,
            tone=Tone.CAUTION,
            choices=(
                self.choice("again", "pay.again", icon=Icon.NEXT, tone=Tone.PRIMARY),
                self.choice("help", "help.button", icon=Icon.HELP),
                self.choice("finish", "end.finish", icon=Icon.HOME),
            ),
        )

    def _nothing(self) -> MessageView:
        pay, say = get_pay(self.ctx), self.ctx.say
        end = Tone.PLAIN if self._may_advance else Tone.PRIMARY
        note = (say(pay.note),) if pay.note else ()
        return MessageView(
            title=say("pay.nothing"),
            body=(*note, say("pay.nothing_do"), *self._owed_back()),
            icon=Icon.CHECK,
            tone=Tone.GOOD,
            choices=(
                *self._asides(Tone.PRIMARY),
                self.choice("finish", "end.finish", icon=Icon.HOME, tone=end),
            ),
        )

    def _bills(self, bills: list[BillReply]) -> BillsView:
        pay, say, turn = get_pay(self.ctx), self.ctx.say, self.choice
        visit = self.ctx.visit
        size = BILLS_A_PAGE - visit.large_text - visit.lowered
        count = -(-len(bills) // size)
        page = min(self.ctx.visit.page, count - 1)
        here = bills[page * size : (page + 1) * size]
        shown_bills = tuple(self._bill(bill, len(here)) for bill in here)
        on = self.choice("pay", "pay.go_on", icon=Icon.NEXT, tone=Tone.PRIMARY)
        something = bool(chosen_bills(pay))
        details = any(bill.rest for bill in shown_bills)
        return BillsView(
            title=say("pay.title"),
            subtitle=self._told(),
            problem=self._problem(something=something),
            bills=shown_bills,
            total_label=say("pay.total"),
            total=shown(money(self.ctx, chosen_vnd(pay))),
            previous_page=turn("page", "page.previous", value=str(page - 1), icon=Icon.BACK)
            if page > 0
            else None,
            next_page=turn("page", "page.next", value=str(page + 1), icon=Icon.NEXT)
            if page < count - 1
            else None,
            page=(page + 1, count) if count > 1 else None,
            choices=(
                on if something else _off(on),
                *((self.choice("lines", "pay.lines", icon=Icon.RECEIPT),) if details else ()),
                *self._asides(Tone.PLAIN),
            ),
        )

    def _problem(self, *, something: bool) -> Phrase | None:
        pay = get_pay(self.ctx)
        if not something:
            return self.ctx.say("pay.choose_one")
        if pay.note:
            return self.ctx.say(pay.note)
        return next(iter(self._owed_back()), None)

    def _told(self) -> Phrase:
        """Whose it is, and what a touch does where there is something to leave out."""
        dues, whose = get_pay(self.ctx).dues, self._whose()
        leave_out = self.ctx.say("pay.leave_out")
        if whose is None:
            return leave_out
        several = dues is not None and len(dues.bills) > 1
        return shown(f"{whose.text}\n{leave_out.text}") if several else whose

    def _whose(self) -> Phrase | None:
        """Initials where a card said who it is; a number where only a paper did."""
        dues = get_pay(self.ctx).dues
        say = self.ctx.say
        if dues is not None and dues.patient and dues.number:
            return say("pay.whose_number", name=dues.patient, number=dues.number)
        if dues is not None and dues.patient:
            return say("pay.whose", name=dues.patient)
        if dues is not None and dues.number:
            return say("pay.number", number=dues.number)
        return None

    def _bill(self, bill: BillReply, beside: int) -> Bill:
        pay = get_pay(self.ctx)
        most = 1 if self.ctx.visit.large_text else LINES_SHOWN.get(beside, 1)
        lines = bill.charges[:most]
        rest = len(bill.charges) - len(lines)
        if _says_it_all(bill):
            lines = []
        return Bill(
            toggle=Choice(
                action=Action("bill", bill.code),
                label=shown(bill.title) if bill.title else self.ctx.say("pay.bill", code=bill.code),
                selected=bill.code not in pay.left_out,
            ),
            amount=money(self.ctx, bill.due_vnd),
            lines=tuple(self._line(charge) for charge in lines),
            rest=self.ctx.say("pay.more_lines", count=rest) if rest else None,
        )

    def _line(self, charge: BillCharge) -> BillLine:
        return BillLine(
            what=_what(charge),
            amount=money(self.ctx, charge.amount_vnd),
            more=_spared(self, charge),
        )

    def _owed_back(self) -> tuple[Phrase, ...]:
        dues = get_pay(self.ctx).dues
        if dues is None or dues.credit_vnd == 0:
            return ()
        return (self.ctx.say("pay.owed_back", amount=money(self.ctx, dues.credit_vnd)),)

    @property
    def _may_advance(self) -> bool:
        dues = get_pay(self.ctx).dues
        return dues is not None and dues.advance is not None

    def _asides(self, tone: Tone) -> tuple[Choice, ...]:
        dues = get_pay(self.ctx).dues
        before = dues.open_payment if dues else None
        paid_before = before is not None and before.stage == "paid"
        return (
            *(
                (self.choice("advance", "pay.advance", icon=Icon.CASH, tone=tone),)
                if self._may_advance
                else ()
            ),
            *((self.choice("receipt", "pay.receipt", icon=Icon.RECEIPT),) if paid_before else ()),
        )

    # --- what is touched --------------------------------------------------------------------------

    def act(self, action: Action) -> None:
        ctx, pay = self.ctx, get_pay(self.ctx)
        if pay.dues is None:
            if action.name == "again" and pay.hospital_away:
                self._read()
            return
        match action:
            case Action(name="bill", value=code):
                if code in {bill.code for bill in pay.dues.bills}:
                    pay.left_out ^= {code}
            case Action(name="pay") if chosen_bills(pay):
                ctx.go(Screen.PAY_METHOD)
            case Action(name="lines") if pay.dues.bills:
                ctx.go(Screen.PAY_LINES)
            case Action(name="advance") if pay.dues.advance is not None:
                ctx.go(Screen.PAY_ADVANCE)
            case Action(name="receipt") if pay.dues.open_payment is not None:
                resume(ctx, pay.dues.open_payment)


class PayLines(Presenter):
    """Every single thing, page by page, with what the insurance pays of it."""

    screen = Screen.PAY_LINES

    def view(self) -> CardView:
        visit, say = self.ctx.visit, self.ctx.say
        charges = self._charges()
        size = FEW_LINES if visit.large_text else LINES_A_PAGE
        count = max(1, -(-len(charges) // size))
        page = min(visit.page, count - 1)
        here = charges[page * size : (page + 1) * size]
        turn = self.choice
        return CardView(
            title=say("pay.lines_title"),
            subtitle=say("pay.lines_page", page=page + 1, count=count) if count > 1 else None,
            rows=tuple(self._row(charge) for charge in here),
            choices=(
                *(
                    (turn("page", "page.next", value=str(page + 1), icon=Icon.NEXT),)
                    if page < count - 1
                    else ()
                ),
                *(
                    (turn("page", "page.previous", value=str(page - 1), icon=Icon.BACK),)
                    if page > 0
                    else ()
                ),
                self.choice("back", "pay.lines_close", icon=Icon.BACK),
            ),
        )

    def _charges(self) -> list[BillCharge]:
        dues = get_pay(self.ctx).dues
        return [charge for bill in (dues.bills if dues else []) for charge in bill.charges]

    def _row(self, charge: BillCharge) -> Row:
        spared = _spared(self, charge)
        value = money(self.ctx, charge.amount_vnd)
        return Row(label=_what(charge), value=f"{value}\n{spared.text}" if spared else value)

    def act(self, action: Action) -> None:
        """Pages and the way back are all there is."""


def _says_it_all(bill: BillReply) -> bool:
    """Its one line would repeat its title and its amount."""
    if len(bill.charges) != 1:
        return False
    [only] = bill.charges
    spared = only.insurance_vnd or only.discount_vnd
    same = (only.name, only.amount_vnd) == (bill.title, bill.due_vnd)
    return same and only.quantity == 1 and not spared


def _what(charge: BillCharge) -> Phrase:
    return shown(charge.name if charge.quantity == 1 else f"{charge.name} × {charge.quantity}")


def _spared(presenter: Presenter, charge: BillCharge) -> Phrase | None:
    """What somebody else pays of it."""
    if charge.insurance_vnd:
        return presenter.ctx.say("pay.insured", amount=money(presenter.ctx, charge.insurance_vnd))
    if charge.discount_vnd:
        return presenter.ctx.say("pay.discount", amount=money(presenter.ctx, charge.discount_vnd))
    return None


def _off(choice: Choice) -> Choice:
    return Choice(action=choice.action, label=choice.label, icon=choice.icon, enabled=False)
