"""What all presenters are made of."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar

from kiosk_ui.flow import Screen
from kiosk_ui.presenters.context import GRACE_S, Context
from kiosk_ui.presenters.views import Action, Choice, ChoiceView, Icon, Phrase, Tone, View

PAGE_SIZE = 6


class Presenter(ABC):
    """Decides what one screen shows and what its touches mean. Knows no toolkit.

    Holds nothing of a patient: all of that is in `ctx.visit`.
    """

    screen: ClassVar[Screen]
    shows_waiting: ClassVar[bool] = False
    """Its own view tells that the server is being asked."""
    loads: ClassVar[bool] = False
    """Asks on arrival, and has nothing to show before the answer."""

    def __init__(self, ctx: Context) -> None:
        self.ctx = ctx

    def enter(self) -> None:  # noqa: B027 - most screens have nothing to do on arrival
        """The patient arrived here, forwards or backwards."""

    def foresee(self, action: Action) -> None:  # noqa: B027 - most screens need nothing ahead
        """A finger is down on something `view` offered. Asks ahead what the next screen will.

        The finger may still leave: nothing is decided and nothing is written.
        """

    def tick(self) -> None:  # noqa: B027 - most screens do not change with time
        """Called many times a second while this screen is on the glass or under an overlay."""

    def on_its_way(self) -> bool:
        """Whether the answer is likely to be here before the eye sees a screen without it."""
        return self.loads and self.ctx.busy and self.ctx.waited_s() < GRACE_S

    @abstractmethod
    def view(self) -> View:
        """What to draw now."""

    @abstractmethod
    def act(self, action: Action) -> None:
        """A touch on something `view` offered. Actions it did not offer are ignored."""

    def choice(
        self,
        action: str,
        key: str,
        *,
        value: str = "",
        detail: Phrase | None = None,
        icon: Icon | None = None,
        tone: Tone = Tone.PLAIN,
    ) -> Choice:
        """A button with a text of the catalogue."""
        return Choice(
            action=Action(action, value),
            label=self.ctx.say(key),
            detail=detail,
            icon=icon,
            tone=tone,
        )

    def pages(
        self,
        title: Phrase,
        choices: Sequence[Choice],
        *,
        subtitle: Phrase | None = None,
        columns: int = 1,
        aside: tuple[Choice, ...] = (),
    ) -> ChoiceView:
        """A list by sixes: nobody scrolls."""
        count = max(1, -(-len(choices) // PAGE_SIZE))
        page = min(self.ctx.visit.page, count - 1)
        turn = self.choice
        return ChoiceView(
            title=title,
            subtitle=subtitle,
            choices=tuple(choices[page * PAGE_SIZE : (page + 1) * PAGE_SIZE]),
            columns=columns,
            previous_page=turn("page", "page.previous", value=str(page - 1), icon=Icon.BACK)
            if page > 0
            else None,
            next_page=turn("page", "page.next", value=str(page + 1), icon=Icon.NEXT)
            if page < count - 1
            else None,
            page=(page + 1, count) if count > 1 else None,
            aside=aside,
        )
