"""The number of a paper that was brought. Optional: staff read it off the paper otherwise."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar

from kiosk_ui.current_visit import CurrentVisit
from kiosk_ui.flow import Appointed, Screen
from kiosk_ui.presenters.asking import go_on
from kiosk_ui.presenters.keypad import Keypad
from kiosk_ui.presenters.views import Action, Icon, KeypadView, Tone

MOST_CHARS = 30
_SIGNS = ("/", "-")


def asks_revisit_number(visit: CurrentVisit) -> bool:
    return bool(visit.papers.revisit_slip) and visit.appointed is not Appointed.ARRIVES


class SlipNumber(Keypad):
    """The large button skips until something was typed: nobody has to read a number off a paper.

    `letters` is how these numbers name their kind of paper, as one key.
    """

    letters: ClassVar[str]
    most_digits = MOST_CHARS

    def slip(self, *, title: str, example: str) -> KeypadView:
        entry = self.ctx.visit.entry
        skip = self.choice("skip", "slip.skip", icon=Icon.NEXT, tone=Tone.PRIMARY)
        go_on_with_it = self.choice("submit", "nav.next", icon=Icon.NEXT, tone=Tone.PRIMARY)
        return self.keypad(
            title=title,
            subtitle=self.ctx.say("slip.sub"),
            entry=entry,
            placeholder=example,
            letters=(self.letters, *_SIGNS),
            submit=go_on_with_it if entry else skip,
            aside=(self.choice("skip", "slip.skip", icon=Icon.CROSS),) if entry else (),
        )

    def submit(self, entry: str) -> None:
        if not any(sign.isdecimal() for sign in entry):
            self.ctx.visit.problem = "slip.wrong"
            return
        self.keep(entry)

    def aside(self, action: Action) -> None:
        visit = self.ctx.visit
        match action:
            case Action(name="key", value=value) if value in {self.letters, *_SIGNS}:
                if len(visit.entry) + len(value) <= self.most_digits:
                    visit.entry += value
                visit.problem = None
            case Action(name="skip"):
                go_on(self.ctx)

    def act(self, action: Action) -> None:
        """One key wipes what one key wrote."""
        visit = self.ctx.visit
        if action.name == "erase" and visit.entry.endswith(self.letters):
            visit.entry = visit.entry.removesuffix(self.letters)
            visit.problem = None
            return
        super().act(action)

    @abstractmethod
    def keep(self, number: str) -> None:
        """Remembers the number and goes on."""


class TransferNumber(SlipNumber):
    screen = Screen.TRANSFER_NUMBER
    letters = "GCT"

    def view(self) -> KeypadView:
        return self.slip(title="slip.transfer", example="00000/GCT/00-0000")

    def keep(self, number: str) -> None:
        visit = self.ctx.visit
        visit.papers = visit.papers.model_copy(update={"transfer_number": number})
        if asks_revisit_number(visit):
            self.ctx.go(Screen.REVISIT_NUMBER)
        else:
            go_on(self.ctx)


class RevisitNumber(SlipNumber):
    screen = Screen.REVISIT_NUMBER
    letters = "GHKL"

    def view(self) -> KeypadView:
        return self.slip(title="slip.revisit", example="00000/GHKL/00-0000")

    def keep(self, number: str) -> None:
        visit = self.ctx.visit
        visit.papers = visit.papers.model_copy(update={"revisit_number": number})
        go_on(self.ctx)
