"""The start screen: at most four things to choose from."""

from __future__ import annotations

from kiosk_ui.current_visit import Purpose
from kiosk_ui.flow import Screen
from kiosk_ui.presenters.base import Presenter
from kiosk_ui.presenters.views import Action, ChoiceView, Icon, Tone


class Welcome(Presenter):
    screen = Screen.WELCOME

    def view(self) -> ChoiceView:
        say = self.ctx.say
        return ChoiceView(
            title=say("start.title"),
            subtitle=say("start.sub"),
            choices=(
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
                self.choice("info", "start.info", detail=say("start.info_more"), icon=Icon.INFO),
            ),
            aside=(self.choice("start", "start.ticket", value=Purpose.TICKET, icon=Icon.TICKET),),
        )

    def act(self, action: Action) -> None:
        match action:
            case Action(name="start", value=purpose):
                self.ctx.visit.purpose = Purpose(purpose)
                self.ctx.go(Screen.NOTICE)
            case Action(name="info"):
                self.ctx.go(Screen.INFO)
