"""The start screen: at most four things to choose from."""

from __future__ import annotations

from kiosk_ui.current_visit import Purpose
from kiosk_ui.flow import Screen
from kiosk_ui.presenters.base import Presenter
from kiosk_ui.presenters.views import Action, Choice, ChoiceView, Icon, Tone


class Welcome(Presenter):
    screen = Screen.WELCOME

    def view(self) -> ChoiceView:
        say = self.ctx.say
        info = self.choice("info", "start.info", detail=say("start.info_more"), icon=Icon.INFO)
        ticket = self.choice("start", "start.ticket", value=Purpose.TICKET, icon=Icon.TICKET)
        pay = self.choice("pay", "start.pay", detail=say("start.pay_more"), icon=Icon.WALLET)
        return ChoiceView(
            title=say("start.title"),
            subtitle=say("start.sub"),
            choices=(*self._visits(), pay if self._pays else info),
            aside=(ticket, self.choice("info", "start.info", icon=Icon.INFO))
            if self._pays
            else (ticket,),
        )

    def _visits(self) -> tuple[Choice, ...]:
        say = self.ctx.say
        return (
            self.choice(
                "start",
                "start.visit",
                value=Purpose.VISIT,
                detail=say("start.visit_more"),
                icon=Icon.DOCTOR,
                tone=Tone.PRIMARY,
            ),
            self.choice(
                "start",
                "start.booked",
                value=Purpose.BOOKED,
                detail=say("start.booked_more"),
                icon=Icon.CALENDAR,
            ),
            self.choice(
                "start",
                "start.results",
                value=Purpose.RESULTS,
                detail=say("start.results_more"),
                icon=Icon.RESULTS,
            ),
        )

    @property
    def _pays(self) -> bool:
        return self.ctx.settings is not None and self.ctx.settings.pays

    def act(self, action: Action) -> None:
        match action:
            case Action(name="start", value=purpose):
                self.ctx.visit.purpose = Purpose(purpose)
                self.ctx.go(Screen.NOTICE)
            case Action(name="pay") if self._pays:
                self.ctx.visit.purpose = Purpose.PAY
                self.ctx.go(Screen.PAY_WHO)
            case Action(name="info"):
                self.ctx.go(Screen.INFO)
