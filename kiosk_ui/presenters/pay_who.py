"""Whose fees: my own, those of a relative, or whatever stands on a slip."""

from __future__ import annotations

from kiosk_ui.current_visit import Paying
from kiosk_ui.flow import Screen
from kiosk_ui.presenters.base import Presenter
from kiosk_ui.presenters.keypad import Keypad, grouped
from kiosk_ui.presenters.paying import pay_for
from kiosk_ui.presenters.views import Action, ChoiceView, Icon, KeypadView
from kiosk_ui.slip_code import LENGTH, SIGNS, is_slip_code


class PayWho(Presenter):
    """A ticket or a slip needs no notice: whoever holds it may pay, and sees no name."""

    screen = Screen.PAY_WHO

    def view(self) -> ChoiceView:
        say = self.ctx.say
        return ChoiceView(
            title=say("pay_who.title"),
            subtitle=say("pay_who.sub"),
            choices=(
                self.choice("own", "pay_who.own", detail=say("pay_who.own_more"), icon=Icon.PERSON),
                self.choice(
                    "relative",
                    "pay_who.relative",
                    detail=say("pay_who.relative_more"),
                    icon=Icon.FAMILY,
                ),
                self.choice(
                    "code", "pay_who.code", detail=say("pay_who.code_more"), icon=Icon.KEYPAD
                ),
            ),
        )

    def act(self, action: Action) -> None:
        match action.name:
            case "own":
                self.ctx.go(Screen.NOTICE)
            case "relative":
                self.ctx.go(Screen.SCAN)
            case "code":
                self.ctx.go(Screen.PAY_CODE)


class PayCode(Keypad):
    """The nine signs of a slip or a receipt. The last one tells a mistyped sign at once."""

    screen = Screen.PAY_CODE
    most_digits = LENGTH

    def view(self) -> KeypadView:
        visit, say = self.ctx.visit, self.ctx.say
        return KeypadView(
            title=say("pay_code.title"),
            subtitle=say("pay_code.sub"),
            entry=grouped(visit.entry, (3, 3, 3)),
            placeholder="BM7 K2P 4Q0",
            keys=tuple(SIGNS[1:10] + SIGNS[0] + SIGNS[10:]),
            board=True,
            erase=say("key.erase"),
            clear=say("key.clear"),
            problem=say(visit.problem) if visit.problem else None,
            submit=self.submit_choice(),
        )

    def act(self, action: Action) -> None:
        visit = self.ctx.visit
        match action:
            case Action(name="key", value=sign) if len(sign) == 1 and sign in SIGNS:
                if len(visit.entry) < LENGTH:
                    visit.entry += sign
                visit.problem = None
            case _:
                super().act(action)

    def submit(self, entry: str) -> None:
        if not is_slip_code(entry):
            self.ctx.visit.problem = "pay_code.wrong"
            return
        pay_for(self.ctx, Paying(code=entry))
