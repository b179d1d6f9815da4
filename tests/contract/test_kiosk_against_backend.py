"""The real kiosk, window aside, against the real server over HTTP; and shape against shape."""

from __future__ import annotations

import gzip
import logging
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import cast, get_args

import pytest
from pydantic import BaseModel
from sqlalchemy import select
from werkzeug.serving import make_server

from backend.app import create_app
from backend.bootstrap import assemble
from backend.domain.kiosk_health import BEAT_EVERY
from backend.domain.settings import Words
from backend.errors import NobodyWaiting
from backend.services import recognise_caller
from backend.services.act_on_step import StepAct, StepReason
from backend.services.change_kiosk import pause_kiosk, resume_kiosk, set_profile
from backend.services.enrol_kiosk import invite_kiosk, revoke_kiosk
from backend.services.order_kiosk import order_kiosk
from backend.services.remote_party import RemoteParty
from backend.services.resources import Resources
from backend.storage.catalogue import CatalogueSource
from backend.storage.database import Database
from backend.storage.fleet_tables import KioskCommand
from backend.storage.kiosk_tables import Heartbeat
from backend.web import (
    catalogue_schemas,
    fleet_schemas,
    help_schemas,
    kiosk_schemas,
    offline_schemas,
    problems,
    scan_schemas,
    visit_schemas,
)
from backend.web.page_texts import LANGUAGES, Language, texts
from backend.web.wire import Request
from devices.models import PrintReason
from his_adapter.ports import HisGateway
from kiosk_ui.errors import CredentialRefused, ServerAway, ServerRefused
from kiosk_ui.flow import Screen
from kiosk_ui.gateway import fleet_models, models
from kiosk_ui.gateway.credential import CredentialFile
from kiosk_ui.gateway.http import HttpGateway
from kiosk_ui.gateway.print_reports import PrintReportJournal
from kiosk_ui.picture import encode_png
from kiosk_ui.presenters.views import Action, ChoiceView, TicketView
from kiosk_ui.presenters.watch import BEAT_EVERY_S
from tests.factories.his import ScriptedHis
from tests.factories.hospital import Hospital, make_config
from tests.factories.identity_payloads import cccd2021
from tests.factories.rooms import Console
from tests.flows.stand_ins import Bench
from tests.flows.steps import TO_SCAN, hold_up, offered, shows, texts_of, touch, type_in, walk

CARD = cccd2021()
CACHED_SETTINGS_S = 61.0
"""A revoked kiosk notices within a minute, even when nobody uses it."""

# --- shapes --------------------------------------------------------------------------------------------

SHAPES = [
    name
    for name, kept in vars(models).items()
    if isinstance(kept, type)
    and issubclass(kept, models.Wire)
    and kept not in {models.Wire, models.LongLabel}
]

THEIRS = {
    name: kept
    for module in (
        kiosk_schemas,
        scan_schemas,
        visit_schemas,
        catalogue_schemas,
        help_schemas,
        offline_schemas,
        problems,
    )
    for name, kept in vars(module).items()
}
"""As the server calls what it sends to kiosks and takes from them."""

FLEET_SHAPES = [
    name
    for name, kept in vars(fleet_models).items()
    if isinstance(kept, type)
    and issubclass(kept, models.Wire)
    and kept.__module__.endswith("fleet_models")
]


@pytest.mark.parametrize("name", FLEET_SHAPES)
def test_what_a_kiosk_says_of_itself_and_is_ordered_has_the_server_s_shape(name: str) -> None:
    ours: type[BaseModel] = getattr(fleet_models, name)
    theirs: type[BaseModel] = getattr(fleet_schemas, name)
    assert set(ours.model_fields) <= set(theirs.model_fields)
    if issubclass(theirs, Request):
        needed = {field for field, info in theirs.model_fields.items() if info.is_required()}
        assert needed <= set(ours.model_fields)


def test_what_can_be_ordered_and_where_a_kiosk_may_stand_is_the_same() -> None:
    assert get_args(fleet_models.Profile) == get_args(fleet_schemas.Profile)
    assert get_args(fleet_models.CommandKind) == get_args(fleet_schemas.CommandKind)


def test_a_kiosk_beats_as_often_as_the_server_expects() -> None:
    """What staff change reaches it with a beat: within half a minute, as they are told."""
    assert BEAT_EVERY_S == BEAT_EVERY.total_seconds() == 30


@pytest.mark.parametrize("language", LANGUAGES)
def test_staff_read_every_reason_a_kiosk_gives_in_words(language: Language) -> None:
    of_orders = {"visit_open", "not_known", "too_large", "disk", "broken"}
    assert set(texts(language, "fleet")["order_reasons"]) == of_orders | set(PrintReason)


@pytest.mark.parametrize("name", SHAPES)
def test_every_field_the_kiosk_knows_is_one_of_the_server(name: str) -> None:
    ours: type[BaseModel] = getattr(models, name)
    theirs: type[BaseModel] = THEIRS[name]
    assert set(ours.model_fields) <= set(theirs.model_fields)
    if issubclass(theirs, Request):
        needed = {field for field, info in theirs.model_fields.items() if info.is_required()}
        assert needed <= set(ours.model_fields)


@pytest.mark.parametrize(
    "name",
    [
        "ScanOutcome",
        "CoverageOutcome",
        "AppointmentState",
        "StepState",
        "Question",
        "Availability",
    ],
)
def test_closed_lists_are_the_same(name: str) -> None:
    ours, theirs = getattr(models, name), THEIRS[name]
    assert {member.value for member in ours} == {member.value for member in theirs}


# --- the two together -----------------------------------------------------------------------------------


@pytest.fixture
def hospital(database: Database) -> Hospital:
    hospital = Hospital(database).set_up()
    for code in ("101", "102"):
        hospital.add_room(code)
    hospital.add_service("NOI", "101")
    hospital.add_service("MAT", "102")
    return hospital


@pytest.fixture
def his() -> Iterator[ScriptedHis]:
    his = ScriptedHis()
    his.add_patient()
    yield his
    his.speak()


@pytest.fixture
def url(hospital: Hospital, his: ScriptedHis, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setattr(recognise_caller, "CACHED_FOR_S", 0.0)
    config = make_config(coverage_patient_wait_s=0.3, coverage_timeout_s=1.0)
    resources = assemble(
        replace(config, demo=False),
        database=hospital.database,
        keys=hospital.keys,
        his=cast("HisGateway", his),
    )
    server = make_server("127.0.0.1", 0, create_app(resources), threaded=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()
    resources.close()


@pytest.fixture
def gateway(url: str, database: Database, tmp_path: Path) -> Iterator[HttpGateway]:
    code = invite_kiosk(database, name="K1")
    gateway = HttpGateway(
        url, credential=CredentialFile(tmp_path / "c", url), enrol_code=code, name="K1"
    )
    yield gateway
    gateway.close()


@pytest.fixture
def bench(gateway: HttpGateway) -> Bench:
    bench = Bench(server=gateway)
    shows(bench, Screen.WELCOME)
    return bench


def to_summary(bench: Bench) -> None:
    """The first department and service, no papers, no priority."""
    first, last = {Screen.DEPARTMENT, Screen.SERVICE}, {Screen.PAPERS, Screen.PRIORITY}
    walk(bench, TO_SCAN)
    hold_up(bench, CARD)
    walk(
        bench,
        [
            (Screen.CONFIRM_IDENTITY, "yes"),
            (Screen.INSURANCE, "next"),
            (Screen.VISIT_KIND, "kind", "new"),
        ],
    )
    while bench.kiosk.frame.screen in {*first, *last}:
        view = bench.kiosk.frame.view
        assert isinstance(view, ChoiceView)
        action = view.choices[-1 if bench.kiosk.frame.screen in last else 0].action
        touch(bench, action.name, action.value)
    shows(bench, Screen.SUMMARY)


def shown_number(bench: Bench) -> str:
    view = bench.kiosk.frame.view
    assert isinstance(view, TicketView)
    return view.number


def test_from_card_to_number_and_back_to_the_same_ticket(bench: Bench) -> None:
    to_summary(bench)
    touch(bench, "confirm")
    shows(bench, Screen.DONE)
    number = shown_number(bench)
    touch(bench, "finish")

    walk(bench, TO_SCAN)
    hold_up(bench, CARD)
    touch(bench, "yes")
    shows(bench, Screen.EXISTING_VISIT)
    view = bench.kiosk.frame.view
    assert isinstance(view, ChoiceView)
    touch(bench, "ticket", view.choices[0].action.value)
    touch(bench, "reprint")
    shows(bench, Screen.DONE)
    assert shown_number(bench) == number
    assert [ticket.number for ticket in bench.printer.tickets] == [number, number]


def test_the_printed_code_opens_the_ticket_to_change_and_cancel_it(bench: Bench) -> None:
    to_summary(bench)
    touch(bench, "confirm")
    code = bench.printer.tickets[0].qr.encode()
    touch(bench, "finish")

    walk(bench, [(Screen.WELCOME, "start", "ticket"), (Screen.NOTICE, "yes")])
    hold_up(bench, code)
    shows(bench, Screen.MY_TICKET)
    touch(bench, "change")
    if bench.kiosk.frame.screen == Screen.DEPARTMENT:
        view = bench.kiosk.frame.view
        assert isinstance(view, ChoiceView)
        touch(bench, view.choices[0].action.name, view.choices[0].action.value)
    if bench.kiosk.frame.screen == Screen.SERVICE:
        view = bench.kiosk.frame.view
        assert isinstance(view, ChoiceView)
        touch(bench, view.choices[-1].action.name, view.choices[-1].action.value)
    touch(bench, "confirm")
    shows(bench, Screen.DONE)
    code = bench.printer.tickets[-1].qr.encode()
    touch(bench, "finish")

    walk(bench, [(Screen.WELCOME, "start", "ticket"), (Screen.NOTICE, "yes")])
    hold_up(bench, code)
    shows(bench, Screen.MY_TICKET)
    assert Action("change") not in [choice.action for choice in offered(bench.kiosk.frame)]
    walk(bench, [(Screen.MY_TICKET, "cancel"), (Screen.CANCEL_VISIT, "give_back")])
    shows(bench, Screen.CANCELLED)


def test_a_missed_turn_comes_back_at_the_kiosk(
    bench: Bench, hospital: Hospital, database: Database
) -> None:
    to_summary(bench)
    touch(bench, "confirm")
    code = bench.printer.tickets[0].qr.encode()
    touch(bench, "finish")

    def show_ticket() -> None:
        walk(bench, [(Screen.WELCOME, "start", "ticket"), (Screen.NOTICE, "yes")])
        hold_up(bench, code)
        shows(bench, Screen.MY_TICKET)

    staff = make_consoles(database, hospital)
    for _ in range(2):
        miss_turn(staff)
        show_ticket()
        touch(bench, "return")
        shows(bench, Screen.RETURNED)
        touch(bench, "finish")
    miss_turn(staff)
    show_ticket()
    actions = [choice.action for choice in offered(bench.kiosk.frame)]
    assert Action("return") not in actions
    assert Action("help") in actions


def make_consoles(database: Database, hospital: Hospital) -> list[Console]:
    resources = Resources(
        config=make_config(),
        database=database,
        keys=hospital.keys,
        catalogue=CatalogueSource(database),
        his=cast("HisGateway", None),
        his_party=cast("RemoteParty", None),
        insurer_party=cast("RemoteParty", None),
    )
    return [Console(resources, hospital, code) for code in ("101", "102")]


def miss_turn(staff: list[Console]) -> None:
    """Whichever room the one patient waits for calls, and nobody comes."""
    for room in staff:
        room.seen = None
        try:
            (step,) = room.next().current
        except NobodyWaiting:
            continue
        room.act(step, StepAct.MISS, StepReason.NO_ANSWER)
        return
    raise AssertionError("nobody waits")


def test_a_typed_number_needs_the_birth_date(bench: Bench) -> None:
    walk(
        bench,
        [
            *TO_SCAN,
            (Screen.SCAN, "type"),
            (Screen.TYPED_NUMBER, "digits", "079085000000"),
            (Screen.TYPED_BIRTH_DATE, "digits", "05091985"),
        ],
    )
    shows(bench, Screen.CONFIRM_IDENTITY)


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"https://evil.example/",
        b"\xff\xfe\x00",
        b"079085000000|",
        CARD + CARD,
        CARD[:20],
        b"A" * 4_096,
        b"[b]x[/b]\r\n\x00",
        "é".encode() * 1_000,
    ],
)
def test_no_code_stops_the_kiosk(bench: Bench, payload: bytes) -> None:
    walk(bench, TO_SCAN)
    hold_up(bench, payload)
    assert bench.kiosk.frame.screen in {Screen.SCAN, Screen.TROUBLE}
    touch(bench, "help")
    shows(bench, Screen.HELP)


def test_silent_insurance_does_not_keep_anybody(bench: Bench, his: ScriptedHis) -> None:
    his.silence()
    to_summary(bench)
    touch(bench, "confirm")
    shows(bench, Screen.DONE)


def test_a_lost_answer_is_asked_for_again_and_stays_one_number(
    gateway: HttpGateway, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    to_summary(bench)
    start_visit, answers = gateway.start_visit, []

    def lose_the_first(request: models.VisitRequest, *, key: str) -> models.VisitReply:
        answers.append(start_visit(request, key=key))
        if len(answers) == 1:
            raise ServerAway
        return answers[-1]

    monkeypatch.setattr(gateway, "start_visit", lose_the_first)
    touch(bench, "confirm")
    shows(bench, Screen.PRINTING)
    bench.wait(1.5)
    shows(bench, Screen.DONE)
    first, second = answers
    assert (first.id, first.number) == (second.id, second.number)
    assert not second.existing


def test_a_scan_that_is_not_ours_is_refused(gateway: HttpGateway) -> None:
    request = models.VisitRequest(scan_id="unknown", service_id="unknown")
    with pytest.raises(ServerRefused) as caught:
        gateway.start_visit(request, key="0123456789")
    assert caught.value.problem_code == "scan_expired"


def test_print_states_help_and_devices_are_taken(
    gateway: HttpGateway, bench: Bench, tmp_path: Path
) -> None:
    to_summary(bench)
    touch(bench, "confirm")
    [request] = bench.reports.requests
    services = gateway.list_services()
    assert services.items
    gateway.list_doctors(services.items[0].id)
    gateway.list_slots(services.items[0].id)
    gateway.report_device(models.DeviceEventRequest(device="printer", state="paper_end"))
    gateway.beat()
    bench.wait(31)
    assert not bench.gateway.kiosk_reports, "they went to the real server"
    gateway.check()
    call = gateway.call_for_help(
        models.HelpCallRequest(kind="emergency", screen="done"), key="0123456789"
    )
    assert gateway.get_help_call(call.id).state == "waiting"
    visit_id = bench.reports.visit_ids[0]
    journal = PrintReportJournal(tmp_path / "reports", gateway)
    journal.report(visit_id, request)
    journal.report(visit_id, request)
    assert (tmp_path / "reports").read_text() == ""


def test_a_revoked_kiosk_is_out_of_service(
    gateway: HttpGateway, bench: Bench, database: Database
) -> None:
    bench.wait(CACHED_SETTINGS_S)
    shows(bench, Screen.WELCOME)
    revoke_kiosk(database, name="K1")
    with pytest.raises(CredentialRefused):
        gateway.get_settings()
    bench.wait(CACHED_SETTINGS_S)
    shows(bench, Screen.OUT_OF_SERVICE)


def test_logs_of_both_sides_name_nobody(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        to_summary(bench)
        touch(bench, "confirm")
        touch(bench, "finish")
        walk(bench, [*TO_SCAN, (Screen.SCAN, "type")])
        type_in(bench, "079085000000")
        type_in(bench, "05091985")
        shows(bench, Screen.CONFIRM_IDENTITY)
    logged = caplog.text.lower()
    assert "/api/v1/visits" in logged
    for secret in ("thử", "079085000000", "05091985", "1985-09-05", CARD.decode().lower()):
        assert secret not in logged


# --- what staff order -----------------------------------------------------------------------------------

SHUT = Words(vi="Máy đang thay giấy.", en="We are changing the paper.")


@pytest.fixture
def kiosk_id(bench: Bench, gateway: HttpGateway) -> str:
    return gateway.get_settings().kiosk_id


def states_of(database: Database) -> dict[str, tuple[str, str | None]]:
    with database.read() as connection:
        rows = connection.execute(
            select(KioskCommand.kind, KioskCommand.state, KioskCommand.reason)
        ).all()
    return {row.kind: (row.state, row.reason) for row in rows}


def test_staff_take_a_kiosk_out_of_service_and_put_it_back(
    bench: Bench, database: Database, kiosk_id: str
) -> None:
    pause_kiosk(database, kiosk_id, SHUT, actor="staff")
    bench.wait(31)
    shows(bench, Screen.OUT_OF_SERVICE)
    assert SHUT.vi in texts_of(bench.kiosk.frame)
    resume_kiosk(database, kiosk_id, actor="staff")
    bench.wait(31)
    shows(bench, Screen.WELCOME)


def test_staff_say_where_it_stands(bench: Bench, database: Database, kiosk_id: str) -> None:
    set_profile(database, kiosk_id, "laboratory", actor="staff")
    bench.wait(31)
    view = bench.kiosk.frame.view
    assert isinstance(view, ChoiceView)
    assert view.choices[0].action == Action("start", "ticket")


def test_every_order_is_answered_once(bench: Bench, database: Database, kiosk_id: str) -> None:
    for kind in ("test_print", "take_picture", "send_logs", "restart"):
        order_kiosk(database, kiosk_id, kind, actor="staff")
    bench.log.content = gzip.compress(b"a log")
    bench.wait(31)
    assert bench.kiosk.wants_picture
    bench.kiosk.take_picture(lambda: encode_png(bytes(16 * 16 * 4), (16, 16)))
    bench.wait(1)
    assert bench.kiosk.wants_restart
    # The process ends here; the next one finds the journal.
    anew = Bench(server=bench.kiosk._ctx.gateway, journal=bench.journal)
    anew.wait(22)
    assert states_of(database) == {
        "test_print": ("done", None),
        "take_picture": ("done", None),
        "send_logs": ("done", None),
        "restart": ("done", None),
    }
    assert len(bench.printer.test_pages) == 1
    assert not anew.kiosk.wants_restart


def test_an_order_that_cannot_be_obeyed_says_why(
    bench: Bench, database: Database, kiosk_id: str
) -> None:
    walk(bench, TO_SCAN)
    order_kiosk(database, kiosk_id, "take_picture", actor="staff")
    bench.wait(31)
    assert states_of(database) == {"take_picture": ("refused", "visit_open")}


def test_the_server_keeps_what_a_kiosk_says_of_itself(
    bench: Bench, database: Database, kiosk_id: str
) -> None:
    to_summary(bench)
    touch(bench, "confirm")
    bench.wait(31)
    with database.read() as connection:
        report = connection.execute(
            select(Heartbeat.report).where(Heartbeat.kiosk_id == kiosk_id)
        ).scalar_one()
    assert (report["version"], report["visits"], report["errors"]) == ("1.2.3", 1, 0)
    assert {step["step"] for step in report["steps"]} >= {"scan", "check_in", "print"}
