"""The ways through that go well."""

from __future__ import annotations

import pytest

from kiosk_ui.flow import Screen
from kiosk_ui.gateway import fake, models
from kiosk_ui.gateway.models import Question
from kiosk_ui.presenters.views import ChoiceView, KeypadView, TicketView
from tests.flows.stand_ins import Bench
from tests.flows.steps import TO_DEPARTMENT, TO_SCAN, TO_SUMMARY, Step, shows, texts_of, touch, walk


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_walk_in_with_a_card(bench: Bench) -> None:
    walk(bench, [*TO_SUMMARY, (Screen.SUMMARY, "confirm")])
    shows(bench, Screen.DONE)
    view = bench.kiosk.frame.view
    assert isinstance(view, TicketView)
    assert (view.number, view.printed, view.problem) == ("A001", True, None)
    assert len(bench.printer.jobs) == 1
    assert [report.state for report in bench.reports.requests] == ["printed"]
    assert bench.reports.requests[0].job_id == bench.printer.jobs[0]
    touch(bench, "finish")
    shows(bench, Screen.WELCOME)


def test_the_request_carries_what_was_chosen(bench: Bench) -> None:
    walk(
        bench,
        [
            *TO_DEPARTMENT,
            (Screen.DEPARTMENT, "department", "internal"),
            (Screen.SERVICE, "service", "internal-2"),
            (Screen.DOCTOR, "doctor", "doctor-1"),
            (Screen.HOUR, "hour", "slot-2"),
            (Screen.PRIORITY, "group", "pregnant"),
            (Screen.SUMMARY, "confirm"),
        ],
    )
    request = bench.gateway.visit_requests[0]
    assert isinstance(request, models.VisitRequest)
    assert (request.scan_id, request.visit_kind) == ("scan-1", "new")
    assert (request.service_id, request.doctor_id) == ("internal-2", "doctor-1")
    assert (request.slot_id, request.priority_group) == ("slot-2", "pregnant")
    assert request.use_insurance


def test_the_notice_accepted_goes_with_the_scan(bench: Bench) -> None:
    walk(bench, [*TO_SCAN, (Screen.SCAN, "scan")])
    notice = bench.gateway.scans[0].notice
    assert notice is not None
    assert (notice.version, notice.language) == ("1", "vi")
    assert notice.accepted_at == bench.time.now()


def test_booked_patient_arrives(bench: Bench) -> None:
    bench.gateway.scan_reply = bench.gateway.reply(
        appointments=[bench.gateway.appointment()],
        ask=[Question.CONFIRM, Question.COVERAGE, Question.APPOINTMENT, Question.SUMMARY],
    )
    walk(
        bench,
        [
            (Screen.WELCOME, "start", "booked"),
            (Screen.NOTICE, "yes"),
            (Screen.SCAN, "scan"),
            (Screen.CONFIRM_IDENTITY, "yes"),
            (Screen.INSURANCE, "next"),
            (Screen.APPOINTMENT, "arrive", "booking-1"),
            (Screen.SUMMARY, "confirm"),
        ],
    )
    shows(bench, Screen.DONE)
    request = bench.gateway.visit_requests[0]
    assert isinstance(request, models.VisitRequest)
    assert (request.appointment_id, request.service_id) == ("booking-1", "eyes-1")


@pytest.mark.parametrize("state", [s for s in models.AppointmentState if s != "on_time"])
def test_booking_that_cannot_be_used_leads_on(bench: Bench, state: models.AppointmentState) -> None:
    facility = models.Label(vi="Trạm Y tế Thử", en="Trial station")
    booking = bench.gateway.appointment(state=state, can_arrive=False, facility=facility)
    bench.gateway.scan_reply = bench.gateway.reply(
        appointments=[booking],
        ask=[Question.CONFIRM, Question.APPOINTMENT, Question.SUMMARY],
    )
    walk(bench, [*TO_SCAN, (Screen.SCAN, "scan"), (Screen.CONFIRM_IDENTITY, "yes")])
    shows(bench, Screen.APPOINTMENT)
    view = bench.kiosk.frame.view
    assert isinstance(view, ChoiceView)
    bench.kiosk.act(view.choices[0].action)
    shows(bench, Screen.APPOINTMENT)  # a greyed booking does nothing
    walk(
        bench,
        [
            (Screen.APPOINTMENT, "walk_in"),
            (Screen.VISIT_KIND, "kind", "new"),
            (Screen.DEPARTMENT, "department", "eyes"),
            (Screen.SUMMARY, "confirm"),
        ],
    )
    request = bench.gateway.visit_requests[0]
    assert isinstance(request, models.VisitRequest)
    assert (request.appointment_id, request.service_id) == (None, "eyes-1")


def test_two_bookings_are_both_offered(bench: Bench) -> None:
    second = bench.gateway.appointment(id="booking-2", service_id="internal-1")
    bench.gateway.scan_reply = bench.gateway.reply(
        appointments=[bench.gateway.appointment(), second],
        ask=[Question.CONFIRM, Question.APPOINTMENT, Question.SUMMARY],
    )
    walk(
        bench,
        [
            *TO_SCAN,
            (Screen.SCAN, "scan"),
            (Screen.CONFIRM_IDENTITY, "yes"),
            (Screen.APPOINTMENT, "arrive", "booking-2"),
            (Screen.SUMMARY, "confirm"),
        ],
    )
    request = bench.gateway.visit_requests[0]
    assert isinstance(request, models.VisitRequest)
    assert request.service_id == "internal-1"


def test_typed_number_then_birth_date(bench: Bench) -> None:
    walk(
        bench,
        [
            *TO_SCAN,
            (Screen.SCAN, "type"),
            (Screen.TYPED_NUMBER, "digits", "079085000000"),
            (Screen.TYPED_BIRTH_DATE, "digits", "12041985"),
        ],
    )
    shows(bench, Screen.CONFIRM_IDENTITY)
    first, second = (scan.typed for scan in bench.gateway.scans)
    assert first is not None
    assert second is not None
    assert (first.number, first.birth_date) == ("079085000000", None)
    assert (second.number, second.birth_date) == ("079085000000", "1985-04-12")


def test_only_the_birth_year_is_known(bench: Bench) -> None:
    walk(
        bench,
        [
            *TO_SCAN,
            (Screen.SCAN, "type"),
            (Screen.TYPED_NUMBER, "digits", "079085000000"),
            (Screen.TYPED_BIRTH_DATE, "switch"),
            (Screen.TYPED_BIRTH_DATE, "digits", "1950"),
        ],
    )
    typed = bench.gateway.scans[-1].typed
    assert typed is not None
    assert typed.birth_date == "1950"


def test_for_somebody_else(bench: Bench) -> None:
    walk(
        bench,
        [
            *TO_SCAN,
            (Screen.SCAN, "other"),
            (Screen.ON_BEHALF, "relation", "parent"),
            (Screen.ON_BEHALF_PHONE, "digits", "0900000000"),
            (Screen.SCAN, "scan"),
        ],
    )
    shows(bench, Screen.CONFIRM_IDENTITY)
    assert bench.gateway.scans[0].on_behalf == models.OnBehalf(
        relation="parent", phone="0900000000"
    )
    walk(
        bench,
        [
            (Screen.CONFIRM_IDENTITY, "yes"),
            (Screen.INSURANCE, "next"),
            (Screen.VISIT_KIND, "kind", "new"),
            (Screen.DEPARTMENT, "department", "eyes"),
            (Screen.PRIORITY, "group", ""),
        ],
    )
    shows(bench, Screen.SUMMARY)
    assert not [text for text in texts_of(bench.kiosk.frame) if "0900000000" in text]


def test_two_services_at_once(bench: Bench) -> None:
    walk(
        bench,
        [
            *TO_SUMMARY,
            (Screen.SUMMARY, "add"),
            (Screen.DEPARTMENT, "department", "internal"),
            (Screen.SERVICE, "service", "internal-1"),
            (Screen.SUMMARY, "confirm"),
        ],
    )
    request = bench.gateway.visit_requests[0]
    assert isinstance(request, models.VisitRequest)
    assert (request.service_id, request.also_service_id) == ("eyes-1", "internal-1")


def test_not_sure_goes_where_staff_choose(bench: Bench) -> None:
    """The only service for that kind chooses itself."""
    walk(bench, [*TO_DEPARTMENT[:-1], (Screen.VISIT_KIND, "kind", "unsure")])
    shows(bench, Screen.PRIORITY)


ASKED_FOR_PAPERS = [Question.CONFIRM, Question.SERVICE, Question.PAPERS, Question.SUMMARY]
TO_PAPERS: tuple[Step, ...] = (
    *TO_SCAN,
    (Screen.SCAN, "scan"),
    (Screen.CONFIRM_IDENTITY, "yes"),
    (Screen.DEPARTMENT, "department", "eyes"),
)


def sent_papers(bench: Bench) -> models.Papers:
    request = bench.gateway.visit_requests[0]
    assert isinstance(request, models.VisitRequest)
    return request.papers


@pytest.mark.parametrize(
    ("brought", "slips"),
    [
        ("transfer", (True, False)),
        ("revisit", (False, True)),
        ("both", (True, True)),
        ("none", (False, False)),
    ],
)
def test_papers_are_asked_when_the_server_says_so(
    bench: Bench, brought: str, slips: tuple[bool, bool]
) -> None:
    """One touch passes by the numbers, even of two papers."""
    bench.gateway.scan_reply = bench.gateway.reply(ask=ASKED_FOR_PAPERS)
    walk(bench, [*TO_PAPERS, (Screen.PAPERS, "papers", brought)])
    if brought != "none":
        view = bench.kiosk.frame.view
        assert isinstance(view, KeypadView)
        assert view.submit.action.name == "skip"
        touch(bench, "skip")
    walk(bench, [(Screen.SUMMARY, "confirm")])
    papers = sent_papers(bench)
    assert (papers.transfer_slip, papers.revisit_slip) == slips
    assert (papers.transfer_number, papers.revisit_number) == (None, None)


def test_numbers_of_papers_can_be_typed(bench: Bench) -> None:
    bench.gateway.scan_reply = bench.gateway.reply(ask=ASKED_FOR_PAPERS)
    walk(bench, [*TO_PAPERS, (Screen.PAPERS, "papers", "both")])
    for key in ("GCT", "/"):
        touch(bench, "key", key)
    touch(bench, "submit")
    shows(bench, Screen.TRANSFER_NUMBER)
    assert any("chưa đúng" in text for text in texts_of(bench.kiosk.frame))
    touch(bench, "erase")
    touch(bench, "erase")
    for key in (*"99002/", "GCT", *"/26-0003"):
        touch(bench, "key", key)
    touch(bench, "submit")
    for key in (*"99001/", "GHKL", *"/26-0017"):
        touch(bench, "key", key)
    walk(bench, [(Screen.REVISIT_NUMBER, "submit"), (Screen.SUMMARY, "confirm")])
    papers = sent_papers(bench)
    assert papers.transfer_number == "99002/GCT/26-0003"
    assert papers.revisit_number == "99001/GHKL/26-0017"


def test_another_answer_forgets_the_number_that_was_typed(bench: Bench) -> None:
    bench.gateway.scan_reply = bench.gateway.reply(ask=ASKED_FOR_PAPERS)
    walk(bench, [*TO_PAPERS, (Screen.PAPERS, "papers", "transfer")])
    touch(bench, "key", "7")
    touch(bench, "submit")
    touch(bench, "back")
    touch(bench, "back")
    walk(bench, [(Screen.PAPERS, "papers", "none"), (Screen.SUMMARY, "confirm")])
    assert sent_papers(bench).transfer_number is None


def test_a_call_for_help_carries_no_number_of_a_paper(bench: Bench) -> None:
    bench.gateway.scan_reply = bench.gateway.reply(ask=ASKED_FOR_PAPERS)
    walk(bench, [*TO_PAPERS, (Screen.PAPERS, "papers", "transfer")])
    touch(bench, "key", "7")
    touch(bench, "submit")
    touch(bench, "help")
    bench.settle()
    chosen = bench.gateway.help_requests[-1].chosen
    assert chosen is not None
    assert chosen.papers == models.Papers(transfer_slip=True, revisit_slip=False)


def test_a_booking_speaks_for_its_re_visit_slip(bench: Bench) -> None:
    gateway = bench.gateway
    gateway.scan_reply = gateway.reply(
        ask=[Question.CONFIRM, Question.APPOINTMENT, Question.PAPERS, Question.SUMMARY],
        appointments=[gateway.appointment()],
    )
    walk(bench, [*TO_SCAN, (Screen.SCAN, "scan"), (Screen.CONFIRM_IDENTITY, "yes")])
    touch(bench, "arrive", "booking-1")
    walk(bench, [(Screen.PAPERS, "papers", "revisit"), (Screen.SUMMARY, "confirm")])


def test_no_question_left_takes_the_number_at_once(bench: Bench) -> None:
    bench.gateway.scan_reply = bench.gateway.reply(ask=[Question.SERVICE])
    walk(
        bench,
        [*TO_SCAN, (Screen.SCAN, "scan"), (Screen.DEPARTMENT, "department", "eyes")],
    )
    shows(bench, Screen.DONE)


def test_language_keeps_the_place_and_reaches_the_ticket(bench: Bench) -> None:
    walk(bench, [*TO_SUMMARY, (Screen.SUMMARY, "language", "en"), (Screen.SUMMARY, "confirm")])
    view = bench.kiosk.frame.view
    assert isinstance(view, TicketView)
    assert (view.place.text, view.title.text) == ("Room 101", "Done! Your number")
    touch(bench, "language", "vi")
    view = bench.kiosk.frame.view
    assert isinstance(view, TicketView)
    assert view.place.text == "Phòng 101"


def test_an_hour_of_several_doctors_is_offered_once(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    [first, *_] = bench.gateway.list_slots("internal-2").items
    slots = [
        first.model_copy(update={"id": f"slot-{n}", "doctor_id": f"doctor-{n}", "free": n})
        for n in (0, 2, 1)
    ]
    monkeypatch.setattr(
        bench.gateway,
        "list_slots",
        lambda _service, _doctor: models.SlotList(items=slots, complete=True),
    )
    walk(
        bench,
        [
            *TO_DEPARTMENT,
            (Screen.DEPARTMENT, "department", "internal"),
            (Screen.SERVICE, "service", "internal-2"),
            (Screen.DOCTOR, "doctor", ""),
        ],
    )
    view = bench.kiosk.frame.view
    assert isinstance(view, ChoiceView)
    assert [choice.action.value for choice in view.choices] == ["", "slot-2"]


@pytest.mark.parametrize(
    ("range_min", "shown"),
    [
        ((20, 30), "Chờ khoảng 20–30 phút"),
        ((0, 5), "Chờ không quá 5 phút"),
        ((0, 0), "Không phải chờ lâu"),
        (None, None),
    ],
)
def test_a_wait_is_said_as_it_is_known(
    bench: Bench, range_min: tuple[int, int] | None, shown: str | None
) -> None:
    held = bench.gateway.visit()
    ticket = held.ticket.model_copy(update={"wait_min": range_min})
    bench.gateway.existing = held.model_copy(update={"ticket": ticket})
    walk(bench, [*TO_SUMMARY, (Screen.SUMMARY, "confirm")])
    view = bench.kiosk.frame.view
    assert isinstance(view, TicketView)
    assert (view.wait.text if view.wait else None) == shown


def test_information_needs_no_card(bench: Bench) -> None:
    walk(bench, [(Screen.WELCOME, "info"), (Screen.INFO, "prices")])
    view = bench.kiosk.frame.view
    assert isinstance(view, ChoiceView)
    detail = view.choices[0].detail
    assert detail is not None
    assert "45.000\u00a0đ" in detail.text
    walk(
        bench,
        [
            (Screen.INFO_PRICES, "back"),
            (Screen.INFO, "map"),
            (Screen.INFO_MAP, "back"),
            (Screen.INFO, "how"),
            (Screen.INFO_HOW, "back"),
            (Screen.INFO, "back"),
        ],
    )
    shows(bench, Screen.WELCOME)


def test_long_lists_turn_by_sixes(bench: Bench) -> None:
    from kiosk_ui.gateway.fake import service

    bench.gateway.services = [
        service(
            "eyes-1",
            models.Label(vi=f"Khám {n}", en=f"Exam {n}"),
            models.DepartmentReply(id=f"d{n}", name=models.Label(vi=f"Khoa {n}", en=f"Dep {n}")),
        )
        for n in range(14)
    ]
    walk(bench, TO_DEPARTMENT)
    view = bench.kiosk.frame.view
    assert isinstance(view, ChoiceView)
    assert (len(view.choices), view.page) == (6, (1, 3))
    touch(bench, "page", "1")
    touch(bench, "page", "2")
    view = bench.kiosk.frame.view
    assert isinstance(view, ChoiceView)
    assert (len(view.choices), view.next_page) == (2, None)


def test_back_with_results_is_not_asked_again_what_for(bench: Bench) -> None:
    walk(
        bench,
        [
            (Screen.WELCOME, "start", "results"),
            (Screen.NOTICE, "yes"),
            (Screen.SCAN, "scan"),
            (Screen.CONFIRM_IDENTITY, "yes"),
            (Screen.INSURANCE, "next"),
            (Screen.DEPARTMENT, "department", "eyes"),
            (Screen.PRIORITY, "group", ""),
            (Screen.SUMMARY, "confirm"),
        ],
    )
    request = bench.gateway.visit_requests[0]
    assert isinstance(request, models.VisitRequest)
    assert request.visit_kind == "results"


def test_who_said_booked_hears_that_there_is_no_booking(bench: Bench) -> None:
    walk(
        bench,
        [
            (Screen.WELCOME, "start", "booked"),
            (Screen.NOTICE, "yes"),
            (Screen.SCAN, "scan"),
            (Screen.CONFIRM_IDENTITY, "yes"),
            (Screen.INSURANCE, "next"),
        ],
    )
    shows(bench, Screen.APPOINTMENT)
    assert bench.kiosk.frame.view.title.key == "booking.title_none"
    walk(bench, [(Screen.APPOINTMENT, "walk_in"), (Screen.VISIT_KIND, "kind", "new")])
    shows(bench, Screen.DEPARTMENT)


def test_who_said_booked_is_sent_to_the_desk_where_bookings_cannot_be_seen(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings = fake.SETTINGS.model_copy(update={"sees_bookings": False})
    monkeypatch.setattr(fake, "SETTINGS", settings)
    bench = Bench()
    walk(
        bench,
        [
            (Screen.WELCOME, "start", "booked"),
            (Screen.NOTICE, "yes"),
            (Screen.SCAN, "scan"),
            (Screen.CONFIRM_IDENTITY, "yes"),
            (Screen.INSURANCE, "next"),
        ],
    )
    shows(bench, Screen.APPOINTMENT)
    assert bench.kiosk.frame.view.title.key == "booking.title_unseen"


def test_a_second_service_given_up_leaves_the_first(bench: Bench) -> None:
    walk(
        bench,
        [
            *TO_SUMMARY,
            (Screen.SUMMARY, "add"),
            (Screen.DEPARTMENT, "back"),
            (Screen.SUMMARY, "add"),
            (Screen.DEPARTMENT, "department", "internal"),
            (Screen.SERVICE, "service", "internal-1"),
            (Screen.SUMMARY, "back"),
        ],
    )
    shows(bench, Screen.PRIORITY)
    walk(bench, [(Screen.PRIORITY, "group", ""), (Screen.SUMMARY, "confirm")])
    request = bench.gateway.visit_requests[0]
    assert isinstance(request, models.VisitRequest)
    assert (request.service_id, request.also_service_id) == ("eyes-1", "internal-1")


def test_a_quick_printer_shows_no_screen_of_its_own() -> None:
    """What would flash by for a blink is not shown: the summary stays, then the number."""
    bench = Bench()
    walk(bench, TO_SUMMARY)
    bench.worker.held = True
    touch(bench, "confirm")
    assert bench.kiosk.frame.screen == Screen.SUMMARY
    touch(bench, "confirm")
    bench.wait(0.3)
    assert bench.kiosk.frame.screen == Screen.PRINTING
    bench.worker.held = False
    bench.wait(0.3)
    assert bench.kiosk.frame.screen == Screen.DONE
    assert isinstance(bench.kiosk.frame.view, TicketView)
