"""Checking in for somebody else: what they are to me, and my phone; then their card."""

from __future__ import annotations

from typing import get_args

from kiosk_ui.flow import Screen
from kiosk_ui.gateway.models import OnBehalf, Relation
from kiosk_ui.presenters.base import Presenter
from kiosk_ui.presenters.keypad import Keypad, grouped
from kiosk_ui.presenters.views import Action, ChoiceView, Icon, KeypadView

_RELATIONS: tuple[tuple[Relation, str, Icon], ...] = (
    ("parent", "relation.parent", Icon.CHILD),
    ("child", "relation.child", Icon.ELDER),
    ("spouse", "relation.spouse", Icon.FAMILY),
    ("relative", "relation.relative", Icon.FAMILY),
    ("carer", "relation.carer", Icon.HEART),
    ("other", "relation.other", Icon.PERSON),
)
"""What I am to the patient."""


class OnBehalfScreen(Presenter):
    screen = Screen.ON_BEHALF

    def view(self) -> ChoiceView:
        return ChoiceView(
            title=self.ctx.say("relation.title"),
            subtitle=self.ctx.say("relation.sub"),
            choices=tuple(
                self.choice("relation", key, value=relation, icon=icon)
                for relation, key, icon in _RELATIONS
            ),
        )

    def act(self, action: Action) -> None:
        match action:
            case Action(name="relation", value=value) if value in get_args(Relation):
                self.ctx.visit.relation = next(r for r, _, _ in _RELATIONS if r == value)
                self.ctx.go(Screen.ON_BEHALF_PHONE)


class OnBehalfPhone(Keypad):
    screen = Screen.ON_BEHALF_PHONE
    most_digits = 11

    def view(self) -> KeypadView:
        return self.keypad(
            title="phone.title",
            subtitle=self.ctx.say("phone.sub"),
            entry=grouped(self.ctx.visit.entry, (4, 3)),
            placeholder="0000 000 000",
        )

    def submit(self, entry: str) -> None:
        visit = self.ctx.visit
        if len(entry) < 10 or not entry.startswith("0") or visit.relation is None:
            visit.problem = "phone.wrong"
            return
        visit.on_behalf = OnBehalf(relation=visit.relation, phone=entry)
        self.ctx.back_to(Screen.SCAN)
