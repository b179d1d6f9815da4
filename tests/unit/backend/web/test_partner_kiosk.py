"""A bank's kiosk: the same numbers, the same HIS, and nothing told that it did not say itself."""

from __future__ import annotations

import json
import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from backend.errors import PartnerExists
from backend.services import recognise_caller
from backend.services.manage_partners import list_partners, revoke_partner
from backend.services.recognise_partner import Partners
from backend.services.resources import Resources
from backend.storage.audit_tables import AuditEvent
from backend.storage.database import Database
from backend.storage.kiosk_tables import Kiosk
from backend.storage.number_tables import Number
from backend.storage.outbox_tables import OutboxMessage
from backend.storage.partner_tables import Partner
from backend.storage.queue_tables import StepChange
from backend.storage.visit_tables import NoticeAcceptance, Visit
from backend.web.partner_auth import MAX_BODY_BYTES
from his_adapter.json_kiosk.contract import TIMESTAMP_TOLERANCE_S, Call
from his_adapter.models import CoverageOutcome
from tests.conftest import SettableClock
from tests.factories.his import ScriptedHis
from tests.factories.hospital import Hospital, make_person, make_scan
from tests.factories.partner import PREFIX, PartnerKiosk, let_in, read, wish
from tests.unit.backend.web.conftest import ApiCaller

CARD = {"SO_GTTT": "079085000000", "LOAI_GTTT": "CCCD"}
INSURED = CARD | {"HO_TEN": "Nguyễn Văn Thử", "NGAY_SINH": "1985-09-05", "GIOI_TINH": 1}


@pytest.fixture
def bank(client: FlaskClient, hospital: Hospital, clock: SettableClock) -> PartnerKiosk:
    return PartnerKiosk(client, let_in(hospital.database, hospital.keys), clock)


@pytest.fixture
def service(hospital: Hospital) -> str:
    return hospital.services["NOI"]


def rows(database: Database, table: Any) -> list[Any]:
    with database.read() as connection:
        return list(connection.execute(select(table.__table__)).all())


# --- catalogue ----------------------------------------------------------------------------------


def test_what_can_be_chosen(bank: PartnerKiosk, service: str) -> None:
    types = bank.ask(Call.EXAM_TYPES)
    assert (types["code"], types["page"], types["count"]) == ("000", 1, 1)
    assert "new.bhyt" in {each["ID_LOAI_KHAM"] for each in types["data"]}
    (department,) = bank.ask(Call.DEPARTMENTS)["data"]
    assert department["MA_KHOA"] == "KKB"
    (offered,) = bank.ask(Call.SERVICES, MA_KHOA="KKB")["data"]
    assert (offered["ID_DICH_VU"], offered["DON_GIA_DICH_VU"]) == (service, 36_500)
    assert bank.ask(Call.SERVICES, MA_KHOA="XYZ")["data"] == []
    (free,) = bank.ask(
        Call.AVAILABILITY,
        MA_KHOA="KKB",
        THOI_GIAN_BAT_DAU="2026-11-23 00:00:00",
        THOI_GIAN_KET_THUC="2026-11-24 00:00:00",
    )["data"]
    assert free == {"ID_DICH_VU": service, "CO_TON_TAI": True}


def test_hours_of_today(bank: PartnerKiosk, hospital: Hospital, service: str) -> None:
    slot = hospital.add_slot("NOI", starts_in_min=60, capacity=3)
    data = bank.ask(
        Call.WINDOWS,
        MA_DICH_VU="NOI",
        THOI_GIAN_BAT_DAU="2026-11-23 00:00:00",
        THOI_GIAN_KET_THUC="2026-11-24 00:00:00",
    )["data"]
    (window,) = data["KHUNG_THOI_GIAN"]
    assert (window["ID"], window["SL_TOI_DA"], window["THOI_GIAN_TU"]) == (slot, 3, "09:00")
    body = wish(service, service={"ID_KHUNG_THOI_GIAN": slot})
    assert bank.register(body)["code"] == "000"
    assert bank.ask(Call.WINDOWS, MA_DICH_VU="nothing")["code"] == "404"


# --- who ----------------------------------------------------------------------------------------


def test_a_known_person_is_shown_masked(bank: PartnerKiosk, his: ScriptedHis) -> None:
    his.add_patient(address="12 Đường Ví Dụ", phone="0900000045")
    reply = bank.get(Call.PATIENT, **CARD)
    data = read(reply)["data"]
    assert data["HO_TEN"] == "N.V. THỬ"
    assert data["NGAY_SINH"] == "1985"
    assert data["DIEN_THOAI"] == "••• ••• •45"
    text = reply.get_data(as_text=True)
    assert not [
        word for word in ("Đường", "BN000001", "0900000045", "Nguyễn", "BN-1") if word in text
    ]


def test_somebody_unknown_and_a_silent_his_look_the_same(
    bank: PartnerKiosk, his: ScriptedHis
) -> None:
    unknown = bank.ask(Call.PATIENT, **CARD)
    his.down = True
    assert unknown["code"] == "404"
    assert bank.ask(Call.PATIENT, **CARD) == unknown


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"SO_GTTT": "079085000000"},
        CARD | {"LOAI_GTTT": "MA_BN"},
        CARD | {"SO_GTTT": "' OR 1=1"},
        CARD | {"SO_GTTT": "٠٧٩٠٨٥٠٠٠٠٠٠"},
    ],
)
def test_numbers_that_are_none(bank: PartnerKiosk, asked: dict[str, str]) -> None:
    reply = bank.ask(Call.PATIENT, **asked)
    assert (reply["code"], reply["LOI"]["LOAI"]) == ("999", "invalid")


def test_one_number_is_not_asked_for_ever(bank: PartnerKiosk) -> None:
    codes = [bank.get(Call.PATIENT, **CARD).status_code for _ in range(22)]
    assert codes == [200] * 20 + [429] * 2


# --- insurance ----------------------------------------------------------------------------------


def test_a_valid_card(bank: PartnerKiosk) -> None:
    data = bank.ask(Call.COVERAGE, **INSURED)["data"]
    assert (data["MA_KQ"], data["TIEP_NHAN_BHYT"], data["PHAN_TUYEN"]) == ("000", 1, 1)
    assert (data["HO_TEN"], data["GIOI_TINH"], data["GT_THE_DEN"]) == (
        INSURED["HO_TEN"], 1, "2026-12-31",
    )  # fmt: skip
    female = bank.ask(Call.COVERAGE, **INSURED | {"GIOI_TINH": 2})["data"]
    assert female["GIOI_TINH"] == 0  # as the contract codes this reply


def test_no_card(bank: PartnerKiosk, his: ScriptedHis) -> None:
    his.outcome = CoverageOutcome.NONE
    assert bank.ask(Call.COVERAGE, **INSURED)["data"]["TIEP_NHAN_BHYT"] == 0


def test_a_silent_insurer_refuses_nobody(
    bank: PartnerKiosk, his: ScriptedHis, service: str, resources: Resources
) -> None:
    his.silence()
    data = bank.ask(Call.COVERAGE, **INSURED)["data"]
    assert (data["MA_KQ"], data["TIEP_NHAN_BHYT"]) == ("999", 1)
    reply = bank.register(wish(service))
    taken = reply["data"]["THONG_TIN_TIEP_NHAN"]
    assert taken["TAM_THOI"] == 1
    assert "Cần kiểm tra thẻ bảo hiểm y tế tại quầy" in taken["GHI_CHU"]
    his.speak()
    resources.insurer_party._pool.shutdown(wait=True)  # its late answer is written down


# --- registration -------------------------------------------------------------------------------


def test_a_number_from_our_series(
    bank: PartnerKiosk, kiosk: ApiCaller, hospital: Hospital, service: str, database: Database
) -> None:
    reply = bank.register(wish(service, 1))
    taken = reply["data"]["THONG_TIN_TIEP_NHAN"]
    assert (taken["SO_HIEN_THI"], taken["STT_LK"], taken["TIEN_TO_STT"]) == ("A001", 1, "A")
    assert taken["PHONG"] == "Phòng khám 101"
    assert reply["data"]["THONG_TIN_DANG_KY"]["DON_GIA_DANG_KY"] == 36_500
    with database.read() as connection:
        caller_id = connection.scalar(select(Kiosk.id))
    from backend.services.recognise_caller import Caller

    ours = Caller(role="kiosk", id=caller_id or "", name="K1")
    scan = hospital.add_scan(ours, make_scan(make_person(2)))
    visit = kiosk.post("/visits", {"scan_id": scan, "service_id": service}).get_json()
    assert visit["number"] == "A002"


def test_the_his_hears_of_it_and_the_audit_names_the_partner(
    bank: PartnerKiosk, service: str, database: Database
) -> None:
    bank.register(wish(service, 1))
    (message,) = rows(database, OutboxMessage)
    (visit,) = rows(database, Visit)
    (step,) = rows(database, StepChange)
    assert (message.kind, message.visit_id, step.source) == ("his.check_in", visit.id, "partner")
    assert (visit.verified, visit.kiosk_id) == (True, None)
    started = [each for each in rows(database, AuditEvent) if each.event == "visit_started"]
    assert [each.actor.split(":")[0] for each in started] == ["partner"]
    accepted = rows(database, NoticeAcceptance)
    assert len(accepted) == 1


def test_the_same_registration_twice_gives_the_same_number(
    bank: PartnerKiosk, service: str, his: ScriptedHis, database: Database
) -> None:
    first = bank.register(wish(service, key="DK-0001"))
    asked = his.coverage_questions
    second = bank.register(wish(service, key="DK-0001", person={"NGAY_VAO": "2026-11-23 08:05:00"}))
    assert first == second
    assert his.coverage_questions == asked
    assert len(rows(database, Number)) == 1
    other = bank.register(wish(service, 5, key="DK-0001"))
    assert (other["code"], other["LOI"]["LOAI"]) == ("999", "key-reused")
    found = bank.ask(Call.FIND_BY_KEY, MA_YEU_CAU="DK-0001")["data"]["BAN_GHI"]
    assert found == first["data"]
    assert bank.ask(Call.FIND_BY_KEY, MA_YEU_CAU="DK-0002")["code"] == "404"


def test_without_a_key_the_open_visit_is_found(bank: PartnerKiosk, service: str) -> None:
    numbers = {
        bank.register(wish(service))["data"]["THONG_TIN_TIEP_NHAN"]["SO_HIEN_THI"] for _ in range(3)
    }
    assert numbers == {"A001"}


def test_keys_of_two_partners_are_apart(
    bank: PartnerKiosk, hospital: Hospital, service: str, clock: SettableClock
) -> None:
    partner = let_in(hospital.database, hospital.keys, name="Ngân hàng khác")
    other = PartnerKiosk(bank.client, partner, clock)
    bank.register(wish(service, 1, key="DK-0001"))
    taken = other.register(wish(service, 2, key="DK-0001"))["data"]["THONG_TIN_TIEP_NHAN"]
    assert taken["SO_HIEN_THI"] == "A002"
    assert (
        bank.ask(Call.FIND_BY_KEY, MA_YEU_CAU="DK-0001")["data"]["BAN_GHI"]["THONG_TIN_BN"]
        != (other.ask(Call.FIND_BY_KEY, MA_YEU_CAU="DK-0001")["data"]["BAN_GHI"]["THONG_TIN_BN"])
    )


def test_a_number_under_another_name_is_for_staff(
    bank: PartnerKiosk, his: ScriptedHis, service: str
) -> None:
    his.add_patient()
    body = wish(service, person={"SO_GTTT": "079085000000", "HO_TEN": "Trần Thị Khác"})
    reply = bank.register(body)
    assert (reply["code"], reply["message"]) == ("999", "Mời đến quầy tiếp đón để được giúp.")


def test_a_partner_that_reads_no_chip_vouches_for_nobody(
    client: FlaskClient, hospital: Hospital, clock: SettableClock, service: str
) -> None:
    partner = let_in(hospital.database, hospital.keys, reads_cards=False)
    reply = PartnerKiosk(client, partner, clock).register(wish(service))
    assert (
        "Mời xuất trình giấy tờ tùy thân tại quầy"
        in reply["data"]["THONG_TIN_TIEP_NHAN"]["GHI_CHU"]
    )


@pytest.mark.parametrize("version", [None, "of-long-ago"])
def test_no_notice_no_person(
    client: FlaskClient,
    hospital: Hospital,
    clock: SettableClock,
    service: str,
    his: ScriptedHis,
    version: str | None,
) -> None:
    partner = let_in(hospital.database, hospital.keys, notice_version=version)
    bank = PartnerKiosk(client, partner, clock)
    for reply in (
        bank.register(wish(service)),
        bank.ask(Call.PATIENT, **CARD),
        bank.ask(Call.COVERAGE, **INSURED),
    ):
        assert reply["message"] == "Người bệnh chưa được xem thông báo về dữ liệu cá nhân."
    assert his.coverage_questions == 0


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{broken",
        b"[]",
        b"[" * 50_000,
        b"{}",
        b'{"THONG_TIN_BN": {}, "THONG_TIN_DICH_VU": []}',
        b"\xff\xfe",
    ],
)
def test_bodies_that_cannot_be_used(bank: PartnerKiosk, body: bytes, database: Database) -> None:
    reply = bank.register(body)
    assert (reply["code"], reply["LOI"]["LOAI"]) == ("999", "invalid")
    assert rows(database, Visit) == []


@pytest.mark.parametrize(
    ("person", "field"),
    [
        ({"HO_TEN": None, "HO_BN": None, "TEN_BN": None}, "HO_TEN"),
        ({"HO_TEN": "1234"}, "HO_TEN"),
        ({"HO_TEN": "A" * 5000}, "HO_TEN"),
        ({"HO_TEN": "Nguyễn\x00An"}, "HO_TEN"),
        ({"HO_TEN": {"a": 1}}, "HO_TEN"),
        ({"NGAY_SINH": "15/06/1985"}, "NGAY_SINH"),
        ({"NGAY_SINH": "1985-02-30"}, "NGAY_SINH"),
        ({"SO_GTTT": "12"}, "SO_GTTT"),
        ({"SO_GTTT": "07918500000A "}, "SO_GTTT"),
        ({"DIA_CHI": "\u202eabc\x07"}, "DIA_CHI"),
    ],
)
def test_people_that_cannot_be(
    bank: PartnerKiosk, service: str, person: dict[str, Any], field: str
) -> None:
    reply = bank.register(wish(service, person=person))
    assert (reply["code"], reply["LOI"]["TRUONG"]) == ("999", field)
    told = json.dumps(reply, ensure_ascii=False)
    assert not [v for v in person.values() if isinstance(v, str) and len(v) > 3 and v in told]


@pytest.mark.parametrize(
    "person",
    [
        {"HO_TEN": "NGUYE\u0302\u0303N VA\u0306N AN", "DIA_CHI": "Tổ 1 &^~\\| \"'<>"},
        {"HO_TEN": "Nguyễn Phước Quý Công Tằng Tôn Nữ Thị Ngọc Diệp Hoàng Lan Anh"},
        {"NGAY_SINH": "1950"},
        {"SO_GTTT": "C1234567"},
        {"SO_GTTT": None, "MA_THE_BHYT": "9900123456"},
        {"GIOI_TINH": 3, "DIEN_THOAI": "call me"},
        {"ANH_BN_CCCD": "A" * 500_000},
    ],
)
def test_people_there_are(bank: PartnerKiosk, service: str, person: dict[str, Any]) -> None:
    assert bank.register(wish(service, person=person))["code"] == "000"


def test_an_unknown_service(bank: PartnerKiosk) -> None:
    assert bank.register(wish("nothing"))["code"] == "404"


# --- signatures ---------------------------------------------------------------------------------


def test_a_wrong_signature_is_refused_before_anything_is_read(
    bank: PartnerKiosk, service: str, database: Database
) -> None:
    content = json.dumps(wish(service)).encode()
    headers = bank.headers(Call.REGISTER, {}, content)
    answers = set()
    for change in (
        {"x-sign": "0" * 64},
        {"x-sign": ""},
        {"x-sign": "é"},
        {"x-merchant-id": "TD-unknown"},
        {"x-merchant-id": "x" * 5000},
        {"x-timestamp": "1"},
        {"x-timestamp": "later"},
        {"x-timestamp": "9" * 100},
    ):
        reply = bank.client.post(f"{PREFIX}/dangky-kcb", data=content, headers=headers | change)
        answers.add((reply.status_code, reply.get_data()))
    reply = bank.client.post(f"{PREFIX}/dangky-kcb", data=content + b" ", headers=headers)
    answers.add((reply.status_code, reply.get_data()))
    reply = bank.client.post(f"{PREFIX}/dangky-kcb", data=b"{broken")
    answers.add((reply.status_code, reply.get_data()))
    assert len(answers) == 1
    assert answers.pop()[0] == 401
    assert rows(database, Visit) == []


@pytest.mark.parametrize("late_s", [TIMESTAMP_TOLERANCE_S + 1, -TIMESTAMP_TOLERANCE_S - 1])
def test_too_old_or_too_young(bank: PartnerKiosk, service: str, late_s: int) -> None:
    bank.late_ms = late_s * 1000
    assert bank.register(wish(service))["LOI"]["LOAI"] == "login"
    assert bank.get(Call.DEPARTMENTS).status_code == 401
    bank.late_ms = 0
    assert bank.register(wish(service))["code"] == "000"


def test_what_was_heard_cannot_be_sent_again(
    bank: PartnerKiosk, service: str, database: Database
) -> None:
    content = json.dumps(wish(service)).encode()
    headers = bank.headers(Call.REGISTER, {}, content)
    replies = [
        bank.client.post(f"{PREFIX}/dangky-kcb", data=content, headers=headers).status_code
        for _ in range(3)
    ]
    assert replies == [200, 401, 401]
    upper = headers | {"x-sign": headers["x-sign"].upper()}
    assert bank.client.post(f"{PREFIX}/dangky-kcb", data=content, headers=upper).status_code == 401


def test_a_signature_is_for_one_address_of_people(bank: PartnerKiosk) -> None:
    headers = bank.headers(Call.PATIENT, CARD, b"")
    other = f"{PREFIX}/benhnhan?SO_GTTT=079085000001&LOAI_GTTT=CCCD"
    assert bank.client.get(other, headers=headers).status_code == 401


def test_a_body_has_an_end(bank: PartnerKiosk) -> None:
    content = b"x" * (MAX_BODY_BYTES + 1)
    headers = bank.headers(Call.REGISTER, {}, content)
    reply = bank.client.post(f"{PREFIX}/dangky-kcb", data=content, headers=headers)
    assert (reply.status_code, read(reply)["code"]) == (413, "999")


def test_a_partner_gets_nowhere_else(bank: PartnerKiosk) -> None:
    headers = bank.headers(Call.DEPARTMENTS, {}, b"")
    assert bank.client.get("/api/v1/services", headers=headers).status_code == 401
    assert bank.client.get(f"{PREFIX}/nothing", headers=headers).status_code == 404


def test_a_revoked_partner_is_out_within_the_minute(
    resources: Resources, hospital: Hospital, database: Database
) -> None:
    now_s = 0.0
    partner = let_in(database, hospital.keys)
    worker = Partners(resources, ticks=lambda: now_s)
    assert worker.find(partner.merchant_id) is not None
    assert revoke_partner(database, name="Ngân hàng Mẫu") == 1
    now_s = recognise_caller.CACHED_FOR_S
    assert worker.find(partner.merchant_id) is None
    assert revoke_partner(database, name="Ngân hàng Mẫu") == 0


def test_secrets_are_sealed_and_told_once(hospital: Hospital, database: Database) -> None:
    partner = let_in(database, hospital.keys)
    with pytest.raises(PartnerExists):
        let_in(database, hospital.keys)
    assert partner.secret not in repr(partner)
    (known,) = list_partners(database)
    assert (known.name, known.merchant_id, known.revoked_at) == (
        "Ngân hàng Mẫu", partner.merchant_id, None,
    )  # fmt: skip
    for table in (Partner, AuditEvent):
        assert partner.secret not in str(rows(database, table))
    revoke_partner(database, name="Ngân hàng Mẫu")
    assert let_in(database, hospital.keys).merchant_id != partner.merchant_id


# --- silence and storms -------------------------------------------------------------------------


def test_nothing_of_a_person_is_logged(
    bank: PartnerKiosk, service: str, his: ScriptedHis, caplog: pytest.LogCaptureFixture
) -> None:
    his.down = True
    with caplog.at_level(logging.DEBUG):
        bank.ask(Call.PATIENT, **CARD)
        bank.ask(Call.COVERAGE, **INSURED)
        bank.register(wish(service))
        bank.register(wish(service, person={"HO_TEN": "1234"}))
    for secret in ("079085000000", "079185000000", "Nguyễn", "Thử", "0900000001"):
        assert secret not in caplog.text


def test_a_storm_of_both_kinds_gives_no_number_twice(
    bank: PartnerKiosk, kiosk: ApiCaller, hospital: Hospital, service: str, database: Database
) -> None:
    """Sixteen threads: half our kiosk, half the bank's, every registration of the bank's twice."""
    from backend.services.recognise_caller import Caller

    with database.read() as connection:
        caller_id = connection.scalar(select(Kiosk.id))
    ours = Caller(role="kiosk", id=caller_id or "", name="K1")
    scans = hospital.add_scans(ours, [make_scan(make_person(serial)) for serial in range(40)])
    lock, numbers = threading.Lock(), list[str]()
    signing = threading.Lock()

    def press(serial: int) -> None:
        client = bank.client.application.test_client()
        if serial < 40:
            body = {"scan_id": scans[serial], "service_id": service}
            reply = ApiCaller(client, "credential-of-K1").post("/visits", body)
            got = [reply.get_json()["number"]]
        else:
            body = wish(service, serial, key=f"DK-{serial}")
            content = json.dumps(body).encode()
            got = []
            for _ in range(2):
                with signing:
                    headers = bank.headers(Call.REGISTER, {}, content)
                reply = client.post(f"{PREFIX}/dangky-kcb", data=content, headers=headers)
                got.append(read(reply)["data"]["THONG_TIN_TIEP_NHAN"]["SO_HIEN_THI"])
            assert got[0] == got[1]
        with lock:
            numbers.append(got[0])

    with ThreadPoolExecutor(16) as pool:
        list(
            pool.map(
                press, [n for pair in zip(range(40), range(40, 80), strict=True) for n in pair]
            )
        )
    assert sorted(numbers) == [f"A{n:03d}" for n in range(1, 81)]
    assert len(rows(database, OutboxMessage)) == 80
