"""From a card in view to the printer's proof: the machine's share, a person's taps counted as 0.

A real kiosk window drawn in software, real frames over loopback through the camera scanner, the
real server and the simulated printer in processes of their own, ESC/POS with proof. Slides
between screens are off, as in the calm mode: they are there for the eye and can be cut short.

A person's finger rests on the glass as long as it takes to draw the pressed button, some 10 ms;
a real one stays about ten times as long, and what is asked ahead meanwhile has more time.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Self

import requests

from bench import Row
from his_adapter.demo import payloads
from his_adapter.demo.people import CoverageCase, InventedPerson, crowd
from his_adapter.demo.personas import PERSONAS

if TYPE_CHECKING:  # they open a window's toolkit, which reads the environment set in run()
    from tiepdon.demo.patient import Patient
    from tiepdon.demo.stage import Stage, StagedKiosk

VISITS = 40


class PrinterOutside:
    """A simulated printer in a process of its own, as a real one shares no processor time."""

    def __init__(self, folder: Path) -> None:
        command = [sys.executable, "-m", "devices.simulated.printer", "--port", "0"]
        command += ["--control-port", "0", "--out", str(folder)]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        if self._process.stdout is None:
            raise RuntimeError("the printer has no standard output")
        addresses = json.loads(self._process.stdout.readline())
        self.spec: str = addresses["printer"]
        self._control: str = addresses["control"]

    def count(self) -> int:
        """Tickets on paper."""
        return int(requests.get(f"{self._control}/state", timeout=5).json()["tickets"])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait(10)


GOAL_MEDIAN_MS = 300.0
GOAL_P95_MS = 600.0


@dataclass(frozen=True)
class Timing:
    parts_ms: Mapping[str, float]

    @property
    def total_ms(self) -> float:
        return sum(self.parts_ms.values())


def walk_ins() -> Iterator[InventedPerson]:
    """Insured adults of the demo hospital's crowd, whose age asks nothing of staff."""
    taken = [persona.id_number for persona in PERSONAS if persona.id_number]
    for person in crowd(taken):
        whole = len(person.birth_date.isoformat()) == len("1990-01-02")
        adult = 1955 <= person.birth_date.earliest.year <= 2000
        if whole and adult and person.id_number and person.coverage is CoverageCase.VALID_HERE:
            yield person


def card_of(person: InventedPerson) -> bytes:
    return payloads.cccd2021(
        id_number=person.id_number or "",
        full_name=person.full_name,
        birth_date=person.birth_date,
        gender=person.gender,
        address=person.address,
        issued_on=date(2022, 5, 4),
    ).encode()


def run(*, quick: bool) -> list[Row]:
    os.environ.update(
        SDL_VIDEODRIVER="offscreen",
        KIVY_WINDOW="sdl2",
        KIVY_NO_ARGS="1",
        KIVY_NO_FILELOG="1",
        KIVY_LOG_MODE="PYTHON",
    )
    from tiepdon.demo.patient import Patient
    from tiepdon.demo.scene import WALK_IN
    from tiepdon.demo.stage import Stage

    with (
        tempfile.TemporaryDirectory() as folder,
        PrinterOutside(Path(folder) / "paper") as printer,
        Stage(Path(folder), slide_s=0) as stage,
        stage.kiosk(printer=printer.spec) as staged,
    ):
        patient = Patient(staged.driver, staged.kiosk, shots=Path)
        patient.until("welcome")
        timings = [
            one_visit(stage, staged, patient, printer, person, WALK_IN)
            for person in islice(walk_ins(), 10 if quick else VISITS)
        ]
    totals = sorted(timing.total_ms for timing in timings[1:])
    rows = [
        Row(
            name="card in view to print proof, median",
            value=statistics.median(totals),
            unit="ms",
            goal=GOAL_MEDIAN_MS,
            note=f"{len(totals)} walk-ins",
        ),
        Row(
            name="card in view to print proof, p95",
            value=totals[max(0, round(0.95 * len(totals)) - 1)],
            unit="ms",
            goal=GOAL_P95_MS,
        ),
    ]
    for part in dict.fromkeys(part for timing in timings for part in timing.parts_ms):
        values = [timing.parts_ms[part] for timing in timings[1:] if part in timing.parts_ms]
        rows.append(Row(name=f"  {part}, median", value=statistics.median(values), unit="ms"))
    return rows


def one_visit(
    stage: Stage,
    staged: StagedKiosk,
    patient: Patient,
    printer: PrinterOutside,
    person: InventedPerson,
    answers: Mapping[str, str],
) -> Timing:
    """One patient; `parts_ms` has the machine's time on each screen until the next one is drawn."""
    driver, kiosk = staged.driver, staged.kiosk
    parts: dict[str, float] = {}
    papers = printer.count()
    patient.walk(answers, to="scan")
    driver.until(lambda: kiosk.latest_picture() is not None)
    stage.camera.show_card(card_of(person))
    started = time.perf_counter()
    # What a turn of the loop takes in it also draws: when `until` returns, it is on the glass.
    driver.until(lambda: kiosk.frame.screen != "scan" and not patient.is_busy())
    parts["scan"] = (time.perf_counter() - started) * 1000
    while kiosk.frame.screen != "done":
        here = kiosk.frame.screen
        finger = driver.put_finger_on(patient.choose(answers))
        started = time.perf_counter()
        finger.up()
        driver.frames()
        driver.until(
            lambda here=here: (  # type: ignore[misc]
                kiosk.frame.screen not in {here, "printing"} and not patient.is_busy()
            ),
            timeout_s=20,
        )
        parts[here] = (time.perf_counter() - started) * 1000
    if printer.count() != papers + 1:
        raise RuntimeError("not exactly one ticket came out of the printer")
    stage.camera.take_card_away()
    patient.walk({"done": "finish"}, to="welcome")
    return Timing(parts)
