from __future__ import annotations

import re

import pytest
from flask.testing import FlaskClient

from backend.app import create_app
from backend.domain.roles import StaffRole
from backend.services import enrol_kiosk, recognise_caller
from backend.services.enrol_kiosk import invite_kiosk, revoke_kiosk
from backend.services.recognise_caller import Callers
from backend.services.resources import Resources
from backend.storage.database import Database
from tests.conftest import SettableClock
from tests.factories.accounts import Accounts, sign_in
from tests.factories.hospital import Hospital
from tests.unit.backend.web.conftest import ApiCaller

PUBLIC = {
    "/openapi.json",
    "/docs",
    "/docs/<path:name>",
    "/healthz",
    "/readyz",
    "/metrics",
    "/t/<token>",
    "/d/<key>",
    "/d/<key>/state",
    "/d/<key>/live",
    "/d/worker.js",
    "/d/<key>/speech/<call_id>.wav",
    "/d/<key>/notices/<notice_id>.wav",
    "/d/<key>/announcements/<announcement_id>.wav",
    "/t/<token>/live",
    "/t/<token>/<any('step-out', 'step-in'):deed>",
    "/payments/<provider>/",
    "/payments/<provider>/<path:rest>",
    "/assets/<name>",
    "/assets/fonts/<name>",
    "/api/v1/kiosks/enrol",
    "/staff/login",
    "/staff/logout",
    "/staff/setup/start",
    "/",
    "/staff/sso",
    "/staff/sso/callback",
    "/staff/language/<code>",
}


ALLOWED = """
GET  /api/v1/announcements content_editor
POST /api/v1/announcements content_editor
PUT  /api/v1/announcements/<announcement_id> content_editor
GET  /api/v1/calling-words content_editor head
PUT  /api/v1/calling-words content_editor head
POST /api/v1/cash kiosk
GET  /api/v1/departments/acts auditor head quality
GET  /api/v1/departments/overview head
GET  /api/v1/departments/waits head quality
GET  /api/v1/desk/rooms head reception
GET  /api/v1/displays head it
POST /api/v1/displays head it
POST /api/v1/displays/<display_id> head it
POST /api/v1/displays/<display_id>/revoke head it
GET  /api/v1/doctors kiosk staff
POST /api/v1/dues kiosk
POST /api/v1/help-calls kiosk
GET  /api/v1/help-calls head it kiosk reception room_caller
GET  /api/v1/help-calls/<help_call_id> head it kiosk reception room_caller
POST /api/v1/help-calls/<help_call_id>/acknowledge head it reception room_caller
POST /api/v1/help-calls/<help_call_id>/continue reception
GET  /api/v1/kiosk kiosk
POST /api/v1/kiosk/commands/<command_id>/result kiosk
GET  /api/v1/kiosk/release kiosk
POST /api/v1/kiosk/release kiosk
GET  /api/v1/kiosk/release/<version>/bundle kiosk
POST /api/v1/kiosks/device-events agent kiosk
POST /api/v1/kiosks/heartbeat agent kiosk
POST /api/v1/kiosks/offline-grant kiosk
POST /api/v1/kiosks/offline-numbers kiosk
GET  /api/v1/live accountant cashier head it reception room_caller
POST /api/v1/payments kiosk
GET  /api/v1/payments/<payment_id> kiosk
POST /api/v1/payments/<payment_id>/cancel kiosk
POST /api/v1/payments/<payment_id>/check kiosk
POST /api/v1/payments/<payment_id>/offer kiosk
POST /api/v1/payments/<payment_id>/print-state kiosk
POST /api/v1/people/describe reception
POST /api/v1/people/merge reception
GET  /api/v1/print-agents cashier reception
POST /api/v1/print-requests/<print_request_id>/state agent
POST /api/v1/print-requests/take agent
GET  /api/v1/rooms cashier head reception room_caller
GET  /api/v1/rooms/<room_id> cashier head reception room_caller
POST /api/v1/rooms/<room_id>/acts/<act_id>/undo cashier head reception room_caller
GET  /api/v1/rooms/<room_id>/destinations cashier head reception room_caller
POST /api/v1/rooms/<room_id>/move cashier head reception room_caller
POST /api/v1/rooms/<room_id>/next cashier head reception room_caller
POST /api/v1/rooms/<room_id>/offline-calls cashier head reception room_caller
POST /api/v1/rooms/<room_id>/state cashier head reception room_caller
POST /api/v1/rooms/<room_id>/steps/<step_id>/<act> cashier head reception room_caller
POST /api/v1/rooms/<room_id>/steps/<step_id>/send-on cashier head reception room_caller
POST /api/v1/rooms/<room_id>/steps/<step_id>/transfer cashier head reception room_caller
POST /api/v1/scans kiosk reception
GET  /api/v1/services kiosk staff
GET  /api/v1/slots kiosk staff
POST /api/v1/visits kiosk reception
GET  /api/v1/visits head reception
GET  /api/v1/visits/<visit_id> kiosk reception
POST /api/v1/visits/<visit_id>/cancel kiosk
POST /api/v1/visits/<visit_id>/change kiosk
POST /api/v1/visits/<visit_id>/category reception
POST /api/v1/visits/<visit_id>/coverage reception
GET  /api/v1/visits/<visit_id>/desk reception
GET  /api/v1/visits/<visit_id>/his reception
POST /api/v1/visits/<visit_id>/history reception
POST /api/v1/visits/<visit_id>/identity reception
POST /api/v1/visits/<visit_id>/name reception
POST /api/v1/visits/<visit_id>/person reception
POST /api/v1/visits/<visit_id>/print-requests cashier reception
POST /api/v1/visits/<visit_id>/print-requests/<print_request_id>/cancel cashier reception
POST /api/v1/visits/<visit_id>/print-state kiosk
POST /api/v1/visits/<visit_id>/priority reception
POST /api/v1/visits/<visit_id>/reprint kiosk
POST /api/v1/visits/<visit_id>/resume head reception
POST /api/v1/visits/<visit_id>/return kiosk
POST /api/v1/visits/search reception
GET  /partner/c06/v1/benhnhan partner
GET  /partner/c06/v1/bhyt partner
POST /partner/c06/v1/dangky-kcb partner
GET  /partner/c06/v1/dichvu partner
GET  /partner/c06/v1/dichvu-lichkham partner
GET  /partner/c06/v1/khoa partner
GET  /partner/c06/v1/khoa/dichvu-cotontai partner
GET  /partner/c06/v1/loai-kham partner
GET  /partner/c06/v1/yeu-cau partner
GET  /staff staff
GET  /staff/announcements content_editor
POST /staff/announcements content_editor
GET  /staff/announcements/<announcement_id> content_editor
POST /staff/announcements/<announcement_id> content_editor
POST /staff/announcements/<announcement_id>/<any(on,off):state> content_editor
GET  /staff/announcements/<announcement_id>/sound.wav content_editor
POST /staff/announcements/sound content_editor
GET  /staff/calling-words content_editor head
POST /staff/calling-words content_editor head
POST /staff/calling-words/preview content_editor head
POST /staff/calling-words/sound content_editor head
POST /staff/calling-words/undo content_editor head
GET  /staff/audit auditor it
POST /staff/audit auditor it
POST /staff/audit/acknowledge auditor
POST /staff/audit/check auditor it
POST /staff/audit/export.<any(csv,jsonl):form> auditor it
GET  /staff/checkins it reception
GET  /staff/checkins/<document_id> it reception
POST /staff/checkins/<document_id>/again it reception
POST /staff/checkins/<document_id>/judge it reception
POST /staff/checkins/<document_id>/read reception
GET  /staff/data-requests auditor quality
POST /staff/data-requests auditor quality
GET  /staff/data-requests/<request_id> auditor quality
POST /staff/data-requests/<request_id>/answer auditor quality
POST /staff/data-requests/<request_id>/end auditor quality
POST /staff/data-requests/export.csv auditor quality
GET  /staff/displays head it
POST /staff/displays head it
GET  /staff/displays/<display_id> head it
POST /staff/displays/<display_id> head it
POST /staff/displays/<display_id>/revoke head it
GET  /staff/fleet it reception
GET  /staff/fleet/<kiosk_id> it
POST /staff/fleet/<kiosk_id>/change it
GET  /staff/fleet/<kiosk_id>/live it
POST /staff/fleet/<kiosk_id>/orders it
POST /staff/fleet/<kiosk_id>/orders/<order_id>/cancel it
GET  /staff/fleet/<kiosk_id>/orders/<order_id>/file it
POST /staff/fleet/<kiosk_id>/pause it
POST /staff/fleet/<kiosk_id>/replace it
POST /staff/fleet/<kiosk_id>/resume it
POST /staff/fleet/<kiosk_id>/revoke it
GET  /staff/fleet/<kiosk_id>/ticket it
GET  /staff/fleet/live it reception
GET  /staff/fleet/new it
POST /staff/fleet/new it
POST /staff/fleet/new/end it
GET  /staff/head head
GET  /staff/help head it reception room_caller
POST /staff/help/calls/<help_call_id>/acknowledge head it reception room_caller
GET  /staff/help/live head it reception room_caller
GET  /staff/alerts it
GET  /staff/alerts/live it
GET  /staff/incidents auditor it
POST /staff/incidents auditor it
POST /staff/incidents/<incident_id>/close auditor it
POST /staff/incidents/<incident_id>/note auditor it
POST /staff/incidents/<incident_id>/pack.zip auditor it
POST /staff/incidents/<incident_id>/told auditor it
GET  /staff/incidents/<incident_id> auditor it
GET  /staff/outbox it reception
GET  /staff/outbox/<message_id> it reception
POST /staff/outbox/<message_id>/candidates reception
POST /staff/outbox/<message_id>/choose reception
POST /staff/outbox/<message_id>/discard it reception
POST /staff/outbox/<message_id>/replay it reception
GET  /staff/outbox/live it reception
GET  /staff/password staff
POST /staff/password staff
GET  /staff/payments accountant cashier
GET  /staff/payments/<payment_id> accountant cashier
GET  /staff/payments/days accountant cashier
GET  /staff/payments/days/<day> accountant cashier
POST /staff/payments/days/<day>/close accountant
GET  /staff/payments/days/<day>/figures.<any(csv,xlsx):form> accountant cashier
GET  /staff/payments/held accountant cashier
GET  /staff/payments/held/<item_id> accountant cashier
POST /staff/payments/held/<item_id>/bill cashier
POST /staff/payments/held/<item_id>/bills cashier
POST /staff/payments/held/<item_id>/find cashier
POST /staff/payments/held/<item_id>/hand-over cashier
POST /staff/payments/held/<item_id>/match cashier
POST /staff/payments/held/<item_id>/read accountant cashier
POST /staff/payments/held/<item_id>/refund cashier
GET  /staff/payments/held/live accountant cashier
GET  /staff/payments/list accountant cashier
POST /staff/payments/list accountant cashier
GET  /staff/payments/live accountant cashier
GET  /staff/payments/reconcile accountant cashier
POST /staff/payments/reconcile accountant
GET  /staff/payments/reconcile/<reconciliation_id> accountant cashier
GET  /staff/payments/reconcile/<reconciliation_id>/report.<any(csv,xlsx):form> accountant cashier
POST /staff/payments/reconcile/<reconciliation_id>/sign accountant
POST /staff/payments/reconcile/ask accountant
GET  /staff/payments/refunds accountant cashier
POST /staff/payments/refunds/<refund_id>/approve accountant
POST /staff/payments/refunds/<refund_id>/paid-out cashier
POST /staff/payments/refunds/<refund_id>/reject accountant cashier
GET  /staff/payments/shifts/<shift_id> accountant cashier
POST /staff/payments/shifts/<shift_id>/close cashier
GET  /staff/payments/shifts/<shift_id>/figures.<any(csv,xlsx):form> accountant cashier
POST /staff/payments/shifts/open cashier
GET  /staff/reception reception
GET  /staff/reception/visits/<visit_id>/evidence reception
GET  /staff/reports head it quality
GET  /staff/reports/<any(day,week,month,quarter,year):span>/<day> head it quality
GET  /staff/reports/<any(day,week,month,quarter,year):span>/<day>/figures.<any(csv,xlsx):form> head it quality
POST /staff/reports/<any(day,week,month,quarter,year):span>/<day>/sign head quality
GET  /staff/rooms cashier head reception room_caller
GET  /staff/rooms/<room_id> cashier head reception room_caller
GET  /staff/rooms/<room_id>/list cashier head reception room_caller
GET  /staff/rooms/<room_id>/shell cashier head reception room_caller
GET  /staff/rooms/worker.js cashier head reception room_caller
GET  /staff/second-factor staff
POST /staff/second-factor staff
POST /staff/second-factor/enrol staff
POST /staff/second-factor/remove staff
GET  /staff/session staff
GET  /staff/settings it
GET  /staff/settings/<key> it
POST /staff/settings/<key> it
POST /staff/settings/<key>/edit it
POST /staff/settings/<key>/preview it
GET  /staff/settings/import it
POST /staff/settings/import it
POST /staff/settings/import/preview it
GET  /staff/settings/settings.json it
GET  /staff/settings/versions it
POST /staff/settings/versions/<number>/undo it
GET  /staff/setup it
GET  /staff/setup/<name> it
POST /staff/setup/<name> it
GET  /staff/setup/end it
POST /staff/setup/end it
"""
"""Method, address, who: a kiosk, an agent, any member of staff, or these roles of theirs; or a
partner, who signs requests instead of sending a credential (test_partner_kiosk.py)."""


def test_every_route_says_who_may_call(resources: Resources) -> None:
    app = create_app(resources)
    for rule in app.url_map.iter_rules():
        view = app.view_functions[rule.endpoint]
        if getattr(view, "public", False):
            assert rule.rule in PUBLIC, rule.rule
        elif rule.rule.startswith("/staff"):
            assert getattr(view, "page_roles", None), rule.rule
        else:
            assert getattr(view, "allowed_roles", None), rule.rule


def test_nobody_may_more_than_stands_here(resources: Resources) -> None:
    app = create_app(resources)
    found = {}
    for rule in app.url_map.iter_rules():
        view = app.view_functions[rule.endpoint]
        roles = getattr(view, "page_roles", None) or getattr(view, "allowed_roles", frozenset())
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"} if roles else ():
            everybody = roles == frozenset(StaffRole)
            found[method, rule.rule] = {"staff"} if everybody else set(map(str, roles))
    lines = [line.split() for line in ALLOWED.split("\n") if line]
    assert found == {(method, rule): set(roles) for method, rule, *roles in lines}


@pytest.mark.parametrize("role", StaffRole)
def test_other_roles_get_nowhere(
    client: FlaskClient, browser: FlaskClient, accounts: Accounts, role: StaffRole
) -> None:
    """Whatever is sent: who may not is told so before anything is read or looked up."""
    accounts.add("ai", role)
    headers = {"Authorization": f"Bearer {accounts.token('ai')}"}
    csrf = {"X-CSRFToken": "" if role is StaffRole.IT else sign_in(browser, "ai")}
    for method, rule, *roles in (line.split() for line in ALLOWED.split("\n") if line):
        if {"staff", "partner", str(role)} & set(roles):
            continue
        path = re.sub(r"<any\((\w+),.*?>", r"\1", rule)
        path = re.sub(r"<\w+>", "x", path)
        if not rule.startswith("/staff"):
            reply = client.open(path, method=method, headers=headers, data=b"{broken")
            assert reply.status_code == 403, (method, rule)
        elif role is not StaffRole.IT:  # their sign-in takes a second factor first
            reply = browser.open(path, method=method, headers=csrf, data={})
            assert reply.status_code == 403, (method, rule)


def test_unknown_callers_learn_nothing(resources: Resources, client: FlaskClient) -> None:
    """The same 401 for routes that exist and for those that do not, whatever is sent."""
    answers = set()
    for rule in create_app(resources).url_map.iter_rules():
        if rule.rule in PUBLIC or rule.rule.startswith(("/staff", "/partner")):
            continue
        path = rule.rule
        for argument in rule.arguments:
            path = path.replace(f"<{argument}>", "x")
        for method in (rule.methods or set()) & {"GET", "POST"}:
            for headers in ({}, {"Authorization": "Bearer nonsense"}, {"Authorization": "Basic x"}):
                reply = client.open(path, method=method, headers=headers, data=b"{broken")
                answers.add((reply.status_code, reply.get_data()))
    reply = client.get("/api/v1/nothing-here")
    answers.add((reply.status_code, reply.get_data()))
    assert len(answers) == 1
    assert answers.pop()[0] == 401


def test_nobody_without_a_signature_is_a_partner(
    client: FlaskClient, kiosk: ApiCaller, staff: ApiCaller
) -> None:
    """The same 401 for every address of partners, whatever else is sent."""
    answers = set()
    for method, rule, *roles in (line.split() for line in ALLOWED.split("\n") if line):
        for headers in ({}, kiosk.headers, staff.headers) if roles == ["partner"] else ():
            reply = client.open(rule, method=method, headers=headers, data=b"{broken")
            answers.add((reply.status_code, reply.get_data()))
    assert {status for status, _ in answers} == {401}
    assert len(answers) == 1


def test_a_kiosk_may_not_do_what_staff_do_nor_the_other_way(
    kiosk: ApiCaller, staff: ApiCaller
) -> None:
    assert kiosk.post("/help-calls/x/acknowledge").status_code == 403
    assert staff.get("/kiosk").status_code == 403
    assert staff.post("/visits/x/cancel", {"scan_id": "x"}).status_code == 403


def enrol(client: FlaskClient, code: str, name: str = "K7") -> tuple[int, dict[str, str]]:
    reply = client.post("/api/v1/kiosks/enrol", json={"code": code, "name": name})
    assert reply.json is not None
    return reply.status_code, reply.json


def test_a_code_enrols_one_kiosk_once(client: FlaskClient, database: Database) -> None:
    code = invite_kiosk(database, name="Sảnh A")
    status, body = enrol(client, code.lower().replace("-", " "))
    assert status == 201
    caller = ApiCaller(client, body["token"])
    assert caller.get("/help-calls").status_code == 200
    assert enrol(client, code)[0] == 403
    assert enrol(client, code)[1]["code"] == enrol(client, "NEVER-GIVEN")[1]["code"]


@pytest.mark.usefixtures("hospital")
def test_the_invited_name_wins(client: FlaskClient, database: Database) -> None:
    _, body = enrol(client, invite_kiosk(database, name="Sảnh A"), name="whatever")
    assert ApiCaller(client, body["token"]).get("/kiosk").get_json()["name"] == "Sảnh A"


@pytest.mark.usefixtures("hospital")
def test_a_code_dies_after_a_day(
    client: FlaskClient, database: Database, clock: SettableClock
) -> None:
    code = invite_kiosk(database, name="K7")
    clock.advance(hours=24, seconds=1)
    assert enrol(client, code)[0] == 403


@pytest.mark.usefixtures("hospital")
def test_demo_codes_work_in_a_demo_only(client: FlaskClient, database: Database) -> None:
    assert enrol(client, enrol_kiosk.DEMO_CODE)[0] == 403
    kiosk = enrol_kiosk.enrol_kiosk(database, untrusted_code="DEMO-KIOSK", name="K1", demo=True)
    again = enrol_kiosk.enrol_kiosk(database, untrusted_code="DEMO-KIOSK", name="K1", demo=True)
    assert kiosk.credential != again.credential
    enrol_kiosk.shut_out_demo_kiosks(database, demo=True)
    assert Callers(database).find(kiosk.credential) is not None
    enrol_kiosk.shut_out_demo_kiosks(database, demo=False)
    assert Callers(database).find(kiosk.credential) is None


def test_a_kiosk_that_was_invited_stays_when_a_demo_ends(
    client: FlaskClient, database: Database, hospital: Hospital
) -> None:
    code = enrol_kiosk.invite_kiosk(database, name="K8")
    kiosk = enrol_kiosk.enrol_kiosk(database, untrusted_code=code, name="K8", demo=False)
    enrol_kiosk.shut_out_demo_kiosks(database, demo=False)
    assert ApiCaller(client, kiosk.credential).get("/kiosk").status_code == 200


def test_codes_are_not_guessed_for_long(client: FlaskClient, hospital: Hospital) -> None:
    codes = [enrol(client, f"GUESS-{number:04d}")[0] for number in range(105)]
    assert codes == [403] * 100 + [429] * 5


def test_a_revoked_kiosk_is_out_within_the_minute(hospital: Hospital, database: Database) -> None:
    now_s = 0.0
    workers = [Callers(database, ticks=lambda: now_s) for _ in range(2)]
    _, credential = hospital.add_kiosk("K9")
    assert all(worker.find(credential) for worker in workers)
    assert revoke_kiosk(database, name="K9") == 1
    now_s = recognise_caller.CACHED_FOR_S
    assert [worker.find(credential) for worker in workers] == [None, None]
    assert recognise_caller.CACHED_FOR_S < 60


def test_revoking_ends_open_invitations_too(client: FlaskClient, database: Database) -> None:
    code = invite_kiosk(database, name="K7")
    assert revoke_kiosk(database, name="K7") == 1
    assert enrol(client, code)[0] == 403


def test_only_hashes_of_credentials_are_stored(hospital: Hospital, database: Database) -> None:
    code = invite_kiosk(database, name="K7")
    enrolled = enrol_kiosk.enrol_kiosk(database, untrusted_code=code, name="K7", demo=False)
    with database.read() as connection:
        for table in ("kiosk", "enrolment_code", "audit_event"):
            rows = connection.exec_driver_sql(f"SELECT * FROM {table}").all()
            assert rows
            assert code not in str(rows)
            assert enrolled.credential not in str(rows)


def test_the_scheme_may_be_in_any_case(kiosk: ApiCaller) -> None:
    kiosk.headers = {"Authorization": kiosk.headers["Authorization"].replace("Bearer", "bearer")}
    assert kiosk.get("/kiosk").status_code == 200
