"""One journey on a stage: its kiosks, its pictures, its tickets, and what patients do in it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from his_adapter.demo.personas import Persona
from kiosk_ui.presenters.views import Action, TicketView
from tiepdon.demo.pages import can_draw, drawing
from tiepdon.demo.patient import Album, LostPatientError, Patient
from tiepdon.demo.pictures.picture import Picture
from tiepdon.demo.report import JourneyResult
from tiepdon.demo.stage import Stage, StagedKiosk

PROVISIONAL_WITHIN_MS = 7_500
"""Two seconds for the insurer and what the machine needs, told in the report: on a busy machine
that may be seconds. Whoever waited until the insurer gives up (8 s) was held up.
"""
WALK_IN: Mapping[str, str] = {
    "welcome": "start:visit",
    "notice": "yes",
    "confirm_identity": "yes",
    "insurance": "next",
    "visit_kind": "kind:new",
    "department": "Khoa Nội tổng hợp",
    "priority": "group:",
    "papers": "papers:none",
    "summary": "confirm",
}
"""What somebody without a booking touches; screens not named here take the first choice."""


class Scene:
    """One journey on the stage: its kiosks, its pictures, its tickets, its result."""

    def __init__(self, stage: Stage, out: Path, result: JourneyResult) -> None:
        self.stage = stage
        self.result = result
        self._out = out

    @contextmanager
    def kiosk(self, number: int = 1) -> Iterator[tuple[Patient, StagedKiosk]]:
        with self.stage.kiosk(number) as staged:
            album = Album(staged.driver, self._out, self._album_folder(number))
            patient = Patient(staged.driver, staged.kiosk, shots=album)
            patient.times_ms = self.result.times_ms
            try:
                patient.until("welcome")
                yield patient, staged
            finally:
                self.stage.camera.take_card_away()
                self.result.screens += album.paths

    def _album_folder(self, number: int) -> str:
        """Each time somebody stands at a kiosk has a folder of its own."""
        folder = f"{self.result.journey}-kiosk{number}"
        used = {Path(path).parent.name for path in self.result.screens}
        times = sum(name == folder or name.startswith(f"{folder}-") for name in used)
        return folder if not times else f"{folder}-{times + 1}"

    def keep_ticket(self, staged: StagedKiosk, count: int = 1) -> None:
        """The newest paper of that printer joins the report. Raises LostPatientError."""
        require(staged.printer.wait_for_tickets(count), "no paper came out of the printer")
        path = f"tickets/{self.result.journey}-{len(self.result.tickets) + 1}.png"
        (self._out / path).parent.mkdir(parents=True, exist_ok=True)
        staged.printer.tickets[-1].save(self._out / path, optimize=True)
        self.result.tickets.append(path)

    @contextmanager
    def staff_pages(self) -> Iterator[Callable[[Picture], None]]:
        """Pages of staff join the pictures, where there is a browser to draw them."""
        if not can_draw():
            yield lambda _: None
            return
        folder = self._out / "screens" / f"{self.result.journey}-staff"
        with drawing(self.stage.server, folder) as draw:
            yield lambda picture: self.result.screens.append(
                str(draw(picture).relative_to(self._out))
            )

    def note_number(self, patient: Patient) -> None:
        self.result.ticket = patient.number()
        self.result.room = patient.place()


def require(holds: bool, otherwise: str) -> None:
    if not holds:
        raise LostPatientError(otherwise)


def show_card(scene: Scene, patient: Patient, persona: Persona, *, to: str) -> None:
    """From the scan screen: the card comes into view and is read."""
    scene.stage.hold(persona)
    started = time.perf_counter()
    patient.wait(lambda: patient.screen == to, what=f"{to} after the card")
    patient.times_ms["card to identity"] = (time.perf_counter() - started) * 1000
    patient.look()


def take_number(scene: Scene, patient: Patient, answers: Mapping[str, str]) -> None:
    """From the first question to the number on the glass."""
    patient.walk(answers, to="summary")
    started = patient.tap(Action("confirm"))
    patient.until("done")
    patient.times_ms["number and paper"] = (time.perf_counter() - started) * 1000
    scene.note_number(patient)


def check_in(scene: Scene, persona: Persona, answers: Mapping[str, str]) -> None:
    with scene.kiosk() as (patient, staged):
        before = len(staged.printer.tickets)
        patient.walk(answers, to="scan")
        show_card(scene, patient, persona, to="confirm_identity")
        take_number(scene, patient, answers)
        require(patient.view_of(TicketView).printed, "the ticket was not printed")
        scene.keep_ticket(staged, before + 1)
