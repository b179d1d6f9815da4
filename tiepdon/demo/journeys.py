"""Thirteen patients, one after the other: what each does, and what must come of it."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from backend.errors import BackendError
from his_adapter.demo import personas
from his_adapter.demo.faults import Faults
from his_adapter.errors import HisError
from kiosk_ui.presenters.views import Action, MessageView, TicketView
from tiepdon.demo.fees import advance_callback_lost, examination_fee, paid_twice
from tiepdon.demo.outage import all_away_then_back, another_fhir_server
from tiepdon.demo.patient import LostPatientError, Patient
from tiepdon.demo.report import JourneyResult
from tiepdon.demo.scene import (
    PROVISIONAL_WITHIN_MS,
    WALK_IN,
    Scene,
    check_in,
    require,
    show_card,
    take_number,
)
from tiepdon.demo.stage import Stage


def insured_walk_in(scene: Scene) -> None:
    check_in(scene, personas.INSURED, WALK_IN)


def booked_arrival(scene: Scene) -> None:
    answers = {**WALK_IN, "welcome": "start:booked", "appointment": "arrive"}
    check_in(scene, personas.BOOKED_ON_TIME, answers)
    require(scene.result.ticket is not None, "no number")


def paper_card(scene: Scene) -> None:
    check_in(scene, personas.BHYT_CARD, WALK_IN)


def aged_80(scene: Scene) -> None:
    check_in(scene, personas.AGED_80, WALK_IN)
    require((scene.result.ticket or "").startswith("U"), "no number of the priority lane")


def typed_number(scene: Scene) -> None:
    """The code cannot be read: the number is typed, then the birth date."""
    persona = personas.UNREADABLE_CARD
    with scene.kiosk() as (patient, staged):
        before = len(staged.printer.tickets)
        patient.walk(WALK_IN, to="scan")
        damaged = persona.payload.encode().replace(b"|", b"", 1)[:40]
        scene.stage.camera.show_card(damaged)
        patient.wait(lambda: bool(getattr(staged.kiosk.frame.view, "problem", None)))
        patient.look(again=True)
        scene.stage.camera.take_card_away()
        patient.tap(Action("type"))
        patient.until("typed_number")
        patient.type_digits(persona.typed)
        patient.until("typed_birth_date", timed="typed number")
        year, month, day = persona.birth_date.isoformat().split("-")
        patient.type_digits(day + month + year)
        patient.wait(lambda: patient.screen == "confirm_identity")
        take_number(scene, patient, WALK_IN)
        scene.keep_ticket(staged, before + 1)


def paper_out(scene: Scene) -> None:
    """The number stays on the screen; staff see why; a second kiosk prints the same ticket."""
    persona = personas.PRINTER_TROUBLE
    with scene.kiosk() as (patient, staged):
        staged.printer.steer(paper="end")
        try:
            patient.walk(WALK_IN, to="scan")
            show_card(scene, patient, persona, to="confirm_identity")
            take_number(scene, patient, WALK_IN)
            view = patient.view_of(TicketView)
            require(not view.printed and bool(view.qr), "paper is out, yet the ticket is printed")
            wait_for_staff_notice(scene, patient)
        finally:
            staged.printer.steer(paper="ok")
    first_number = scene.result.ticket
    with scene.kiosk(2) as (patient, staged):
        before = len(staged.printer.tickets)
        patient.walk(WALK_IN, to="scan")
        scene.stage.hold(persona)
        patient.wait(lambda: patient.screen != "scan")
        answers = {**WALK_IN, "existing_visit": "ticket", "my_ticket": "reprint"}
        patient.walk({**answers}, to="my_ticket")
        patient.tap(Action("reprint"))
        patient.until("done")
        require(patient.number() == first_number, "another number at the second kiosk")
        scene.keep_ticket(staged, before + 1)


def wait_for_staff_notice(scene: Scene, patient: Patient) -> None:
    """Until the staff page names the printer without paper."""

    def told() -> bool:
        return "hết giấy" in scene.stage.server.staff_page()

    patient.wait(told, what="staff to be told of the paper")


def server_killed(scene: Scene) -> None:
    """The server dies as the number is asked for: the same touch gets its one number later."""
    persona = personas.SERVER_TROUBLE
    with scene.kiosk() as (patient, staged):
        before = len(staged.printer.tickets)
        patient.walk(WALK_IN, to="scan")
        show_card(scene, patient, persona, to="confirm_identity")
        patient.walk(WALK_IN, to="summary")
        scene.stage.server.kill()
        started = patient.tap(Action("confirm"))
        patient.wait(lambda: staged.kiosk.frame.view.title.key == "busy.reconnecting")
        require(isinstance(staged.kiosk.frame.view, MessageView), "no sentence about the wait")
        patient.look()
        scene.stage.server.start()
        patient.until("done")
        patient.times_ms["number and paper"] = (time.perf_counter() - started) * 1000
        scene.note_number(patient)
        scene.keep_ticket(staged, before + 1)
    with scene.kiosk(2) as (patient, staged):
        patient.walk(WALK_IN, to="scan")
        scene.stage.hold(persona)
        patient.wait(lambda: patient.screen != "scan")
        patient.walk({**WALK_IN, "existing_visit": "ticket"}, to="my_ticket")
        numbers = scene.stage.server.numbers()
        require(len(numbers) == len(set(numbers)), "a number was issued twice")
        require(numbers.count(scene.result.ticket or "") == 1, "the number is not in the records")


def insurer_silent(scene: Scene) -> None:
    """No answer from the insurer: a provisional ticket, in time."""
    persona = personas.INSURER_SILENT
    with scene.kiosk() as (patient, staged):
        before = len(staged.printer.tickets)
        patient.walk(WALK_IN, to="scan")
        show_card(scene, patient, persona, to="confirm_identity")
        take_number(scene, patient, WALK_IN)
        view = patient.view_of(TicketView)
        require(any("kiểm tra thẻ" in note.text.lower() for note in view.notes), "not provisional")
        waited_ms = patient.times_ms["card to identity"] + patient.times_ms["number and paper"]
        patient.times_ms["machine time to provisional ticket"] = waited_ms
        scene.keep_ticket(staged, before + 1)
        require(waited_ms <= PROVISIONAL_WITHIN_MS, f"the ticket came after {waited_ms:.0f} ms")


@dataclass(frozen=True)
class Journey:
    number: int
    name: str
    play: Callable[[Scene], None]


@dataclass(frozen=True)
class JourneyApart:
    """One with a stage of its own, below the folder for what the journeys leave."""

    number: int
    name: str
    play: Callable[[Path, JourneyResult], None]


JOURNEYS = (
    Journey(1, "CCCD 2021, có bảo hiểm, đến khám không hẹn", insured_walk_in),
    Journey(2, "Thẻ căn cước mới, đã hẹn, đến đúng giờ", booked_arrival),
    Journey(3, "Thẻ bảo hiểm y tế giấy", paper_card),
    Journey(4, "Người bệnh trên 80 tuổi, được ưu tiên", aged_80),
    Journey(5, "Mã không đọc được, nhập số", typed_number),
    Journey(6, "Máy in hết giấy, in lại ở máy khác", paper_out),
    Journey(7, "Máy chủ bị tắt giữa chừng, không mất số", server_killed),
    Journey(8, "Cổng bảo hiểm im lặng, phiếu tạm", insurer_silent),
    JourneyApart(9, "HIS và cổng BHXH đều mất cả buổi khám, rồi trở lại", all_away_then_back),
    JourneyApart(10, "Cùng lượt khám với máy chủ FHIR của bên khác", another_fhir_server),
    Journey(11, "Trả tiền khám bằng mã QR ngân hàng", examination_fee),
    Journey(12, "Tạm ứng bằng ví, mất tin báo, hỏi lại thì thấy", advance_callback_lost),
    Journey(13, "Chuyển khoản hai lần, lần sau được hoàn lại", paid_twice),
)


FAILURES = (LostPatientError, LookupError, RuntimeError, OSError, HisError, BackendError)
"""What ends a journey, not the demonstration."""


def play(out: Path, wanted: list[int]) -> Iterator[JourneyResult]:
    """Plays the journeys, most of them on one stage, and yields each result as it ends."""
    for folder in ("stage", "stages", "screens", "tickets"):
        shutil.rmtree(out / folder, ignore_errors=True)
    out.mkdir(parents=True, exist_ok=True)
    chosen = [each for each in JOURNEYS if not wanted or each.number in wanted]
    shared = [each for each in chosen if isinstance(each, Journey)]
    if shared:
        with Stage(out / "stage", with_banks=True) as stage:
            for journey in shared:
                yield _play(journey, partial(_play_on, stage, journey, out))
    for apart in chosen:
        if isinstance(apart, JourneyApart):
            yield _play(apart, partial(apart.play, out))


def _play_on(stage: Stage, journey: Journey, out: Path, result: JourneyResult) -> None:
    stage.faults(Faults())
    journey.play(Scene(stage, out, result))


def _play(journey: Journey | JourneyApart, act: Callable[[JourneyResult], None]) -> JourneyResult:
    result = JourneyResult(journey=journey.number, name=journey.name)
    try:
        act(result)
    except FAILURES as error:
        result.problem = f"{type(error).__name__}: {error}"
    else:
        result.ok = True
    return result
