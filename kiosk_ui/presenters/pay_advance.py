"""An advance (tạm ứng): one of the proposed amounts, or another within the hospital's limits."""

from __future__ import annotations

from kiosk_ui.flow import Screen
from kiosk_ui.gateway.payment_models import AdvanceOption
from kiosk_ui.i18n import shown
from kiosk_ui.presenters.base import PAGE_SIZE, Presenter
from kiosk_ui.presenters.keypad import Keypad
from kiosk_ui.presenters.paying import get_pay
from kiosk_ui.presenters.views import Action, Choice, ChoiceView, Icon, KeypadView
from kiosk_ui.presenters.wording import money


class PayAdvance(Presenter):
    screen = Screen.PAY_ADVANCE

    def enter(self) -> None:
        get_pay(self.ctx).advance_vnd = None

    def view(self) -> ChoiceView:
        say, option = self.ctx.say, _option(self)
        return ChoiceView(
            title=say("advance.title"),
            subtitle=say("advance.sub"),
            choices=tuple(
                Choice(action=Action("amount", str(amount)), label=shown(money(self.ctx, amount)))
                for amount in option.proposed_vnd[:PAGE_SIZE]
            ),
            columns=2 if len(option.proposed_vnd) > 3 and not self.ctx.visit.large_text else 1,
            aside=(self.choice("other", "advance.other", icon=Icon.KEYPAD),),
        )

    def act(self, action: Action) -> None:
        option = _option(self)
        match action:
            case Action(name="amount", value=amount) if amount in map(str, option.proposed_vnd):
                _pay(self, int(amount))
            case Action(name="other"):
                self.ctx.go(Screen.PAY_AMOUNT)


class PayAmount(Keypad):
    """Typed in đồng, shown as people write it."""

    screen = Screen.PAY_AMOUNT
    most_digits = 12

    def view(self) -> KeypadView:
        say, option, entry = self.ctx.say, _option(self), self.ctx.visit.entry
        return self.keypad(
            title="advance.type",
            subtitle=say(
                "advance.limits",
                least=money(self.ctx, option.min_vnd),
                most=money(self.ctx, option.max_vnd),
                step=money(self.ctx, option.step_vnd),
            ),
            entry=money(self.ctx, int(entry)) if entry else "",
            placeholder=money(self.ctx, 0),
            letters=("000",),
        )

    def aside(self, action: Action) -> None:
        visit = self.ctx.visit
        if action == Action("key", "000"):
            if visit.entry and len(visit.entry) + 3 <= self.most_digits:
                visit.entry += "000"
            visit.problem = None

    def submit(self, entry: str) -> None:
        option = _option(self)
        amount = int(entry) if entry else 0
        if amount < option.min_vnd:
            self.ctx.visit.problem = "advance.too_little"
        elif amount > option.max_vnd:
            self.ctx.visit.problem = "advance.too_much"
        elif amount % option.step_vnd:
            self.ctx.visit.problem = "advance.step"
        else:
            _pay(self, amount)


def _pay(presenter: Presenter, amount_vnd: int) -> None:
    get_pay(presenter.ctx).advance_vnd = amount_vnd
    presenter.ctx.go(Screen.PAY_METHOD)


def _option(presenter: Presenter) -> AdvanceOption:
    dues = get_pay(presenter.ctx).dues
    if dues is None or dues.advance is None:
        raise ValueError("these screens are reached where an advance may be paid")
    return dues.advance
