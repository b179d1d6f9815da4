"""C01, C09, C31, C32: what the HIS says of itself, its lists and its changes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from his_adapter.conformance.case import NotPrepared, case, expect
from his_adapter.conformance.lab import Lab, code_of
from his_adapter.errors import HisError
from his_adapter.models import (
    AppointmentAction,
    CheckIn,
    ConsentRecord,
    CoverageQuery,
    Feature,
    HistoryAnswers,
    Page,
    PatientChanges,
    PaymentMethod,
    PaymentPosting,
    Ref,
    Slot,
)

LEAST = frozenset(
    {
        Feature.FIND_PATIENTS,
        Feature.READ_PATIENT,
        Feature.CREATE_PATIENT,
        Feature.LIST_SERVICES,
        Feature.CHECK_IN,
        Feature.FIND_BY_KEY,
    }
)
"""What a kiosk cannot do without."""

NOBODY = Ref("khong-co-999999999")
_NO_ANSWER = {"not-supported", "broken-reply", "login", "forbidden", "transient", "timeout"}
_MANY_SLOTS = 250
_MANY_REPORTS = 120


@case("C01", "Chức năng nào khai báo thì trả lời; chức năng không khai báo thì báo không hỗ trợ")
def capabilities_are_true(lab: Lab) -> None:
    """Every declared capability answers; every undeclared one raises NotSupported"""
    absent = sorted(LEAST - lab.declared.features)
    expect(
        not absent,
        f"Thiếu chức năng tối thiểu: {', '.join(absent)}.",
        f"the least a kiosk needs is not declared: {', '.join(absent)}",
    )
    expect(
        bool(lab.declared.facility.code and lab.declared.adapter_version),
        "Thiếu mã cơ sở khám chữa bệnh hoặc phiên bản bộ nối.",
        "facility code or adapter version is missing",
    )
    calls = _calls(lab)
    for feature in sorted(Feature):
        code = code_of(calls[feature])
        if feature in lab.declared.features:
            expect(
                code not in _NO_ANSWER,
                f"Khai báo '{feature}' nhưng gọi thì lỗi '{code}'.",
                f"{feature} is declared but answered {code}",
            )
        else:
            expect(
                code == "not-supported",
                f"Không khai báo '{feature}' nhưng gọi lại ra '{code}'.",
                f"{feature} is not declared but answered {code}",
            )


def _calls(lab: Lab) -> dict[Feature, Callable[[], object]]:
    """A harmless call of each method: writes are of invented people, or of nobody."""
    his, key, now = lab.gateway, lab.key, datetime.now(UTC)
    marker, draft = lab.marker(), lab.draft()
    service = lab.walk_in().ref
    posting = PaymentPosting(
        patient=NOBODY,
        invoice=NOBODY,
        amount_vnd=1000,
        method=PaymentMethod.QR,
        provider="certify",
        provider_reference="CERTIFY1",
        paid_at=now,
    )
    consent = ConsentRecord(
        patient=NOBODY, document="certify-1", evidence="kiosk-touch", given_at=now
    )
    history = HistoryAnswers(questionnaire="certify-1", answers=(("1", "không"),), answered_at=now)
    coverage = CoverageQuery(
        identifiers=draft.identifiers, full_name=draft.full_name, birth_date=draft.birth_date
    )
    today = lab.today()
    tomorrow = now + timedelta(days=1)
    return {
        Feature.FIND_PATIENTS: lambda: lab.found(draft),
        Feature.READ_PATIENT: lambda: his.read_patient(marker.ref),
        Feature.CREATE_PATIENT: lambda: his.create_patient(draft, key=key()),
        Feature.UPDATE_PATIENT: lambda: his.update_patient(
            NOBODY, PatientChanges(phone="0900000001"), version="1", key=key()
        ),
        Feature.MERGE_PATIENTS: lambda: his.merge_patients(NOBODY, NOBODY, key=key()),
        Feature.SUBMIT_HISTORY: lambda: his.submit_history(NOBODY, history, key=key()),
        Feature.CHECK_COVERAGE: lambda: his.check_coverage(coverage, on=today, timeout_s=5),
        Feature.LIST_DEPARTMENTS: his.list_departments,
        Feature.LIST_ROOMS: his.list_rooms,
        Feature.LIST_SERVICES: his.list_services,
        Feature.LIST_PRACTITIONERS: his.list_practitioners,
        Feature.LIST_SESSIONS: his.list_sessions,
        Feature.LIST_CLOSED_DAYS: lambda: his.list_closed_days(today, today + timedelta(days=30)),
        Feature.FIND_SLOTS: lambda: his.find_slots(service, None, now, tomorrow),
        Feature.BOOK_APPOINTMENT: lambda: his.book_appointment(NOBODY, NOBODY, service, key=key()),
        Feature.CHANGE_APPOINTMENT: lambda: his.change_appointment(
            NOBODY, AppointmentAction.CANCEL, version="1", key=key()
        ),
        Feature.FIND_APPOINTMENTS: lambda: his.find_appointments(marker.ref, now, tomorrow),
        Feature.CHECK_IN: lambda: his.check_in(CheckIn(patient=NOBODY, service=service), key=key()),
        Feature.CANCEL_VISIT: lambda: his.cancel_visit(NOBODY, reason="thử", key=key()),
        Feature.LIST_VISITS: lambda: his.list_visits(marker.ref, today),
        Feature.FIND_BY_KEY: lambda: his.find_by_key(key()),
        Feature.QUEUE_STATUS: lambda: his.queue_status(NOBODY),
        Feature.LIST_ORDERS: lambda: his.list_orders(marker.ref, now - timedelta(days=30)),
        Feature.LIST_REPORTS: lambda: his.list_reports(marker.ref, now - timedelta(days=30)),
        Feature.READ_REPORT_PART: lambda: his.read_report_part(
            NOBODY, "values", patient=marker.ref
        ),
        Feature.READ_ACCOUNT: lambda: his.read_account(marker.ref),
        Feature.POST_PAYMENT: lambda: his.post_payment(posting, key=key()),
        Feature.EINVOICE: lambda: his.einvoice(NOBODY),
        Feature.RECORD_CONSENT: lambda: his.record_consent(consent, key=key()),
        Feature.LIST_CODES: lambda: his.list_codes("province"),
        Feature.CHANGES: lambda: his.changes(None),
    }


@case("C09", "Danh mục dịch vụ gọi hai lần vẫn cùng mã; giá là số nguyên đồng")
def stable_services(lab: Lab) -> None:
    """Service list stable ids over two calls; prices integer VND"""
    lab.needs(Feature.LIST_SERVICES)
    first, second = lab.services(), lab.services()
    expect(bool(first), "Danh mục dịch vụ trống.", "the list of services is empty")
    expect(
        [item.ref for item in first] == [item.ref for item in second],
        "Gọi hai lần, mã dịch vụ khác nhau.",
        "references of services differ between two calls",
    )
    expect(
        len({item.ref for item in first}) == len(first),
        "Hai dịch vụ trùng mã.",
        "two services share a reference",
    )
    prices = [price for item in first for price in (item.price_vnd, item.insurance_price_vnd)]
    expect(
        all(price is None or (type(price) is int and price >= 0) for price in prices),
        "Giá dịch vụ không phải số nguyên đồng.",
        "a price is not an integer number of VND",
    )


@case("C31", "Danh sách dài: đủ, không trùng, hoặc nói rõ là chưa hết")
def whole_lists(lab: Lab) -> None:
    """paging: 250 slots / 120 reports complete and without duplicates, or `complete=false`"""
    lab.needs(Feature.FIND_SLOTS)
    start = datetime.now(UTC) + timedelta(hours=1)

    def slots(limit: int) -> Page[Slot]:
        return lab.gateway.find_slots(
            lab.hourly(), None, start, start + timedelta(days=14), limit=limit
        )

    _judge_pages(lab, slots, "slots", _MANY_SLOTS)
    if not lab.can(Feature.LIST_REPORTS):
        return
    if not lab.settings.many_reports_patient:
        lab.note("[certify] many_reports_patient is not named: reports were not paged")
        return
    patient = lab.known_patient(lab.settings.many_reports_patient)
    long_ago = start - timedelta(days=3650)
    _judge_pages(
        lab,
        lambda limit: lab.gateway.list_reports(patient.ref, long_ago, limit=limit),
        "reports",
        _MANY_REPORTS,
    )


def _judge_pages(
    lab: Lab, ask: Callable[[int], Page[Slot] | Page[object]], what: str, wanted: int
) -> None:
    whole = ask(lab.limit())
    refs = [getattr(item, "ref", "") for item in whole.items]
    expect(
        len(set(refs)) == len(refs),
        f"Danh sách dài có mục bị trùng ({what}).",
        f"a long list of {what} holds something twice",
    )
    expect(
        whole.complete or len(refs) == lab.limit(),
        f"Danh sách bị cắt trước giới hạn ({what}).",
        f"a list of {what} was cut before its limit",
    )
    if len(refs) < 2:
        raise NotPrepared(
            f"Cần ít nhất 2 mục để thử danh sách dài ({what}).", f"too few {what} to page"
        )
    if len(refs) < wanted:
        lab.note(f"{len(refs)} {what} were there, {wanted} are wished for")
    part = ask(len(refs) - 1)
    expect(
        not part.complete and [getattr(item, "ref", "") for item in part.items] == refs[:-1],
        f"Danh sách bị cắt mà không nói là chưa hết, hoặc thứ tự đổi ({what}).",
        f"a cut list of {what} says that it is complete, or changes its order",
    )


@case("C32", "Nguồn thay đổi không bỏ sót sau khi khởi động lại; mốc quá cũ thì báo đọc lại từ đầu")
def changes_without_gap(lab: Lab) -> None:
    """Change feed: no gap after restart, cursor older than retention → explicit reset"""
    lab.needs(Feature.CHANGES, Feature.CREATE_PATIENT)
    cursor = lab.gateway.changes(None).cursor
    before = lab.register()
    other = lab.open()
    after = lab.register()
    seen: set[str] = set()
    for _ in range(20):
        page = other.changes(cursor)
        seen |= {change.ref for change in page.changes}
        cursor = page.cursor
        if page.complete:
            break
    expect(
        {before.ref, after.ref} <= seen,
        "Sau khi nối lại, nguồn thay đổi bỏ sót hồ sơ.",
        "the feed left a change out after a restart",
    )
    try:
        reset = other.changes("1").reset or other.changes("certify-unknown-cursor").reset
    except HisError as error:
        reset = False
        lab.note(f"an unknown cursor raised {error.code}")
    expect(
        reset,
        "Mốc không hợp lệ mà HIS không báo đọc lại từ đầu.",
        "a cursor that is not known gives no reset",
    )
