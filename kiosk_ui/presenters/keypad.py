"""Typing digits: what all keypads share."""

from __future__ import annotations

from abc import abstractmethod

from kiosk_ui.presenters.base import Presenter
from kiosk_ui.presenters.views import Action, Choice, Icon, KeypadView, Phrase, Tone


def grouped(digits: str, groups: tuple[int, ...], separator: str = " ") -> str:
    """`079085` in groups of 3 → `079 085`; digits beyond the groups stay together."""
    parts, rest = [], digits
    for size in groups:
        parts.append(rest[:size])
        rest = rest[size:]
    parts.append(rest)
    return separator.join(part for part in parts if part)


class Keypad(Presenter):
    """Takes digits into `visit.entry`; `submit` of the screen says what they are for."""

    most_digits = 12

    def act(self, action: Action) -> None:
        visit = self.ctx.visit
        match action:
            case Action(name="key", value=digit) if len(digit) == 1 and digit in "0123456789":
                if len(visit.entry) < self.most_digits:
                    visit.entry += digit
                visit.problem = None
            case Action(name="erase"):
                visit.entry = visit.entry[:-1]
                visit.problem = None
            case Action(name="clear"):
                visit.entry = ""
                visit.problem = None
            case Action(name="submit"):
                self.submit(visit.entry)
            case _:
                self.aside(action)

    @abstractmethod
    def submit(self, entry: str) -> None:
        """What the digits are for."""

    def aside(self, action: Action) -> None:
        """Other touches of the screen."""

    def keypad(
        self,
        *,
        title: str,
        subtitle: Phrase,
        entry: str,
        placeholder: str,
        letters: tuple[str, ...] = (),
        submit: Choice | None = None,
        aside: tuple[Choice, ...] = (),
    ) -> KeypadView:
        visit, say = self.ctx.visit, self.ctx.say
        return KeypadView(
            title=say(title),
            subtitle=subtitle,
            entry=entry,
            placeholder=placeholder,
            erase=say("key.erase"),
            clear=say("key.clear"),
            problem=say(visit.problem) if visit.problem else None,
            letters=letters,
            submit=submit or self.submit_choice(),
            aside=aside,
        )

    def submit_choice(self) -> Choice:
        return self.choice("submit", "nav.next", icon=Icon.NEXT, tone=Tone.PRIMARY)
