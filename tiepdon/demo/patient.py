"""A patient at the glass: looks at the screen, answers, touches; every screen is photographed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from kiosk_ui.driver import Driver
from kiosk_ui.presenters.kiosk import Kiosk
from kiosk_ui.presenters.views import Action, Choice, KeypadView, TicketView

ANSWER_TIMEOUT_S = 60.0


class LostPatientError(AssertionError):
    """The kiosk did not lead where the patient was going."""


class Patient:
    """Walks one kiosk. `shots` takes a picture of each screen once it stands still.

    Times in `times_ms` are of the machine: from a touch to the next screen, without the time a
    person takes.
    """

    def __init__(self, driver: Driver, kiosk: Kiosk, *, shots: Callable[[str], Path]) -> None:
        self._driver = driver
        self._kiosk = kiosk
        self._shots = shots
        self._photographed: tuple[str, object] | None = None
        self._newest: Path | None = None
        self.times_ms: dict[str, float] = {}

    @property
    def screen(self) -> str:
        return self._kiosk.frame.screen

    def view_of(self, kind: type[Any]) -> Any:
        view = self._kiosk.frame.view
        if not isinstance(view, kind):
            raise LostPatientError(f"{self.screen} shows a {type(view).__name__}")
        return view

    def walk(self, answers: Mapping[str, str], *, to: str) -> None:
        """Answers screen after screen until `to` stands on the glass.

        `answers` maps a screen to what to touch there: an action as `name` or `name:value`, or
        the words of a choice; without one the first choice that can be touched is taken. Raises
        LostPatientError.
        """
        for _ in range(40):
            self.wait(lambda: not self.is_busy())
            self.look()
            if self.screen == to:
                return
            here = self.screen
            self.tap(self.choose(answers))
            self.wait(
                lambda here=here: self.screen != here or self.is_busy(),  # type: ignore[misc]
                what=f"something after {here}",
            )
        raise LostPatientError(f"never came to {to}; last seen {self.screen}")

    def tap(self, action: Action) -> float:
        """Touches what carries the action. Returns the moment the finger left the glass, for
        those who measure: what the kiosk does before, such as a slide, is not in it.
        """
        self._driver.settle()
        finger = self._driver.put_finger_on(action)
        lifted = time.perf_counter()
        finger.up()
        self._driver.frames()
        return lifted

    def type_digits(self, digits: str) -> None:
        for digit in digits:
            self.tap(Action("key", digit))
        self.look(again=True)
        self.tap(self.view_of(KeypadView).submit.action)

    def until(self, screen: str, *, timed: str | None = None) -> None:
        """Waits for a screen; `timed` keeps how long it took."""
        started = time.perf_counter()
        self.wait(lambda: self.screen == screen and not self.is_busy(), what=screen)
        if timed:
            self.times_ms[timed] = (time.perf_counter() - started) * 1000
        self.look()

    def wait(self, condition: Callable[[], bool], *, what: str = "an answer") -> None:
        try:
            self._driver.until(condition, timeout_s=ANSWER_TIMEOUT_S)
        except RuntimeError as error:
            raise LostPatientError(f"waited for {what}; the kiosk shows {self.screen}") from error

    def look(self, *, again: bool = False) -> None:
        """Photographs what stands on the glass, once for each different view."""
        self._driver.settle()
        seen = (self.screen, self._kiosk.frame.view)
        if again or seen != self._photographed:
            self._newest = self._shots(self.screen)
            self._photographed = seen

    def photograph(self) -> Path:
        """The picture of the glass as it is now."""
        self.look()
        if self._newest is None:
            raise LostPatientError("nothing has been photographed")
        return self._newest

    def number(self) -> str:
        """The queue number on the last screen."""
        return str(self.view_of(TicketView).number)

    def place(self) -> str:
        return str(self.view_of(TicketView).place.text)

    def is_busy(self) -> bool:
        """Whether the kiosk is waiting for its server or printer."""
        return bool(getattr(self._kiosk.frame.view, "busy", False))

    def choose(self, answers: Mapping[str, str]) -> Action:
        """What the patient would touch now. Raises LostPatientError."""
        offered = [choice.action for choice in self._offered() if choice.enabled]
        wanted = answers.get(self.screen)
        if wanted is None:
            if not offered:
                raise LostPatientError(f"{self.screen} offers nothing")
            return offered[0]
        for choice in self._offered():
            action = choice.action
            if choice.enabled and wanted in {
                action.name,
                f"{action.name}:{action.value}",
                choice.label.text,
            }:
                return action
        raise LostPatientError(f"{self.screen} does not offer {wanted}")

    def _offered(self) -> Iterator[Choice]:
        view = self._kiosk.frame.view
        if isinstance(view, KeypadView):
            yield view.submit
        else:
            yield from view.choices
        yield from getattr(view, "aside", ())


class Album:
    """Numbers and saves the pictures of one journey."""

    def __init__(self, driver: Driver, out: Path, folder: str) -> None:
        self._driver = driver
        self._out = out
        self._folder = folder
        self.paths: list[str] = []

    def __call__(self, name: str) -> Path:
        path = f"screens/{self._folder}/{len(self.paths) + 1:02d}-{name}.png"
        self._driver.screenshot(self._out / path)
        self.paths.append(path)
        return self._out / path
