"""Is this HIS what its file says? Asked at start, before patients ask.

The cheap part only reads. The whole one also tries a write that must be refused: the marker
patient's own phone number with a version that is out of date.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from his_adapter.config_file import HisConfig
from his_adapter.conformance.settings import (
    CertifySettings,
    MarkerFacts,
    read_certify_settings,
)
from his_adapter.errors import HisError, NotSupported, VersionConflict
from his_adapter.models import (
    BirthDate,
    Capabilities,
    Feature,
    Gender,
    Health,
    HealthState,
    Identifier,
    IdentifierKind,
    Patient,
    PatientChanges,
    PatientQuery,
    Ref,
    WriteKey,
)
from his_adapter.ports import HisGateway
from his_adapter.registry import open_gateway

MAX_SKEW_S = 60.0
_NOBODY_NUMBER = "099050000000"
_NOBODY = Ref("khong-co-999999999")


@dataclass(frozen=True, kw_only=True)
class Finding:
    """`ok` is None for what could not be asked. Messages carry nothing of a person."""

    check: str
    ok: bool | None
    message_vi: str


Ask = Callable[[], object]


def self_test(config: HisConfig, *, thorough: bool) -> tuple[Finding, ...]:
    """All findings, good ones included. Raises GatewayMisconfigured."""
    settings = read_certify_settings(config.certify) if config.certify else None
    gateway = open_gateway(config.adapter, config.settings)
    try:
        return tuple(findings(gateway, settings, thorough=thorough))
    finally:
        gateway.close()


def findings(
    gateway: HisGateway, settings: CertifySettings | None, *, thorough: bool
) -> Iterator[Finding]:
    """One by one, so that a slow HIS shows how far it came."""
    health = gateway.health()
    yield _reachable(health)
    if health.state is HealthState.DOWN:
        return
    yield _clock(health)
    try:
        declared = gateway.capabilities()
        yield from _capabilities(gateway, declared)
        yield from _searches(gateway, declared)
        yield from _slots(gateway, declared)
        yield from _marker(gateway, declared, settings, thorough=thorough)
    except HisError as error:
        yield Finding(
            check="his",
            ok=False,
            message_vi=f"HIS trả lời lỗi '{error.code}' giữa chừng, chưa kiểm tra hết.",
        )


def _reachable(health: Health) -> Finding:
    words = {
        HealthState.OK: "HIS trả lời tốt.",
        HealthState.DEGRADED: "HIS trả lời chậm.",
        HealthState.DOWN: f"HIS không trả lời: {health.cause or 'không rõ nguyên nhân'}.",
    }
    return Finding(
        check="health", ok=health.state is not HealthState.DOWN, message_vi=words[health.state]
    )


def _clock(health: Health) -> Finding:
    skew_s = health.clock_skew_s
    if skew_s is None:
        return Finding(check="clock", ok=None, message_vi="HIS không cho biết giờ của nó.")
    if abs(skew_s) > MAX_SKEW_S:
        return Finding(
            check="clock",
            ok=False,
            message_vi=f"Đồng hồ HIS lệch {skew_s:+.0f} giây so với máy này. Hãy bật NTP.",
        )
    return Finding(check="clock", ok=True, message_vi=f"Đồng hồ HIS lệch {skew_s:+.0f} giây.")


def _capabilities(gateway: HisGateway, declared: Capabilities) -> Iterator[Finding]:
    """Declared lists answer, and a person nobody knows is found by none of the undeclared."""
    reads: dict[Feature, Ask] = {
        Feature.LIST_SERVICES: gateway.list_services,
        Feature.LIST_DEPARTMENTS: gateway.list_departments,
        Feature.LIST_ROOMS: gateway.list_rooms,
        Feature.LIST_PRACTITIONERS: gateway.list_practitioners,
        Feature.LIST_SESSIONS: gateway.list_sessions,
        Feature.LIST_CODES: lambda: gateway.list_codes("province"),
        Feature.FIND_BY_KEY: lambda: gateway.find_by_key(WriteKey("selftest-nobody-0001")),
        Feature.CHANGES: lambda: gateway.changes(None),
        Feature.READ_PATIENT: lambda: gateway.read_patient(_NOBODY),
        Feature.READ_ACCOUNT: lambda: gateway.read_account(_NOBODY),
        Feature.LIST_VISITS: lambda: gateway.list_visits(_NOBODY, datetime.now(UTC).date()),
        Feature.QUEUE_STATUS: lambda: gateway.queue_status(_NOBODY),
    }
    for feature, ask in reads.items():
        try:
            ask()
            code = "ok"
        except HisError as error:
            code = error.code
        works = code in {"ok", "not-found", "invalid"}
        if feature in declared.features and not works:
            yield Finding(
                check=feature,
                ok=False,
                message_vi=f"Khai báo '{feature}' nhưng gọi thì lỗi '{code}'.",
            )
        elif feature not in declared.features and code != NotSupported.code:
            yield Finding(
                check=feature,
                ok=False,
                message_vi=f"Không khai báo '{feature}' nhưng gọi lại ra '{code}'.",
            )
    if Feature.LIST_SERVICES in declared.features:
        count = len(gateway.list_services().items)
        yield Finding(
            check="services",
            ok=count > 0,
            message_vi=f"HIS có {count} dịch vụ." if count else "Danh mục dịch vụ trống.",
        )


def _searches(gateway: HisGateway, declared: Capabilities) -> Iterator[Finding]:
    """A HIS that ignores what it does not know gives everybody, or the wrong one."""
    if Feature.FIND_PATIENTS not in declared.features:
        return
    for kind, value in (
        (IdentifierKind.ID12, _NOBODY_NUMBER),
        (IdentifierKind.PASSPORT, "ZZ0000000"),
        (IdentifierKind.BHXH10, "0000000000"),
    ):
        query = PatientQuery(identifiers=(Identifier(kind=kind, value=value),))
        if gateway.find_patients(query).items:
            yield Finding(
                check="unknown_parameter",
                ok=False,
                message_vi=f"Tìm một số '{kind}' không ai dùng mà HIS vẫn trả về người bệnh:"
                " HIS bỏ qua điều kiện tìm, hoặc hệ mã khai báo sai.",
            )
            return
    yield Finding(
        check="unknown_parameter", ok=True, message_vi="Tìm số không ai dùng thì không ra ai."
    )


def _slots(gateway: HisGateway, declared: Capabilities) -> Iterator[Finding]:
    if not {Feature.FIND_SLOTS, Feature.LIST_SERVICES} <= declared.features:
        return
    offered = next((item for item in gateway.list_services().items if item.by_hour), None)
    now = datetime.now(UTC)
    week = (
        ()
        if offered is None
        else gateway.find_slots(
            offered.ref, None, now, now + timedelta(days=7), limit=min(200, declared.max_limit)
        ).items
    )
    if offered is None or not week:
        yield Finding(
            check="date_filter", ok=None, message_vi="Chưa có khung giờ trống nào để kiểm tra."
        )
        return
    one = week[0]
    hour = gateway.find_slots(
        offered.ref, None, one.start, one.start + timedelta(minutes=1), limit=10
    ).items
    after = gateway.find_slots(
        offered.ref, None, one.start - timedelta(days=2), one.start, limit=10
    ).items
    right = one.ref in {slot.ref for slot in hour} and one.ref not in {slot.ref for slot in after}
    right = right and all(slot.start < one.start + timedelta(minutes=1) for slot in hour)
    yield Finding(
        check="date_filter",
        ok=right,
        message_vi="Tìm khung giờ theo ngày giờ đúng."
        if right
        else "HIS bỏ qua điều kiện ngày giờ khi tìm khung giờ, hoặc sai múi giờ.",
    )


def _marker(
    gateway: HisGateway,
    declared: Capabilities,
    settings: CertifySettings | None,
    *,
    thorough: bool,
) -> Iterator[Finding]:
    if settings is None:
        yield Finding(
            check="marker",
            ok=None,
            message_vi="Chưa ghi [certify] marker_patient, nên chưa so được các trường dữ liệu.",
        )
        return
    number = Identifier(kind=IdentifierKind.ID12, value=settings.marker_patient)
    matches = gateway.find_patients(PatientQuery(identifiers=(number,))).items
    if len(matches) != 1:
        yield Finding(
            check="marker",
            ok=False,
            message_vi=f"Tìm người bệnh đánh dấu ra {len(matches)} hồ sơ, phải là 1.",
        )
        return
    patient = gateway.read_patient(matches[0].ref)
    if settings.marker is not None:
        yield from compare(patient, settings.marker)
    if thorough and Feature.UPDATE_PATIENT in declared.features:
        yield _version_guard(gateway, patient)


def compare(patient: Patient, facts: MarkerFacts) -> Iterator[Finding]:
    """The fields that differ between Vietnamese systems in ways that corrupt data silently."""
    yield _field("name", _name_fault(patient.full_name, facts.full_name))
    yield _field(
        "birth_date", _birth_fault(patient.birth_date, BirthDate.from_iso(facts.birth_date))
    )
    yield _field("gender", _gender_fault(patient.gender, facts.gender))
    if facts.address is not None:
        yield _field("address", _address_fault(patient.address or "", facts.address))
    if facts.phone is not None:
        same = _digits(patient.phone or "") == _digits(facts.phone)
        yield _field("phone", None if same else "Số điện thoại khác với sự thật đã ghi.")
    for kind, value in facts.codes.items():
        told = patient.find_identifier(kind)
        yield _field(
            f"code_{kind}",
            None
            if told == value
            else f"Không đọc được mã '{kind}': hệ mã khai báo sai."
            if told is None
            else f"Mã '{kind}' khác với sự thật đã ghi.",
        )


def _field(name: str, fault_vi: str | None) -> Finding:
    return Finding(
        check=f"marker_{name}",
        ok=fault_vi is None,
        message_vi=fault_vi or f"Trường '{name}' của người bệnh đánh dấu đọc đúng.",
    )


def _name_fault(told: str, true: str) -> str | None:
    if told == true:
        return None
    if unicodedata.normalize("NFC", told) == unicodedata.normalize("NFC", true):
        return "Họ tên chưa chuẩn hoá Unicode (NFC)."
    told_parts, true_parts = told.casefold().split(), true.casefold().split()
    if sorted(told_parts) == sorted(true_parts):
        if told_parts == true_parts:
            return "Họ tên đúng nhưng chữ hoa, chữ thường hoặc khoảng trắng khác."
        return "Họ tên bị đảo thứ tự họ, đệm và tên: ghép sai các phần."
    if set(told_parts) < set(true_parts):
        return "Họ tên bị thiếu phần: chỉ đọc họ, hoặc chỉ đọc đệm và tên."
    if _bare(told) == _bare(true):
        return "Họ tên bị mất dấu tiếng Việt."
    if "\ufffd" in told or "?" in told or "Ã" in told:
        return "Họ tên sai bảng mã chữ: HIS không gửi UTF-8."
    return "Họ tên khác với sự thật đã ghi."


def _birth_fault(told: BirthDate | None, true: BirthDate) -> str | None:
    if told is None:
        return "Không đọc được ngày sinh."
    if told == true:
        return None
    swapped = (told.year, told.month, told.day) == (true.year, true.day, true.month)
    if swapped:
        return "Ngày sinh bị đảo ngày và tháng (dd/MM và MM/dd)."
    if true.day is None and (told.year, told.month, told.day) == (true.year, 1, 1):
        return "Chỉ có năm sinh mà bị ghi thành ngày 01/01."
    if abs((told.earliest - true.earliest).days) == 1:
        return "Ngày sinh lệch một ngày: sai múi giờ."
    return "Ngày sinh khác với sự thật đã ghi."


def _gender_fault(told: Gender, true: Gender) -> str | None:
    if told is true:
        return None
    if {told, true} == {Gender.MALE, Gender.FEMALE}:
        return "Giới tính bị đảo nam và nữ: HIS và BHYT dùng hai bộ mã khác nhau."
    return f"Giới tính đọc thành '{told}': chưa khai báo mã giới tính này."


def _address_fault(told: str, true: str) -> str | None:
    if told == true:
        return None
    if not told:
        return "Không đọc được địa chỉ."
    told_parts = [part.strip() for part in told.split(",")]
    true_parts = [part.strip() for part in true.split(",")]
    extra = [part for part in told_parts if part not in true_parts]
    if len(extra) == 1 and [part for part in told_parts if part in true_parts] == true_parts:
        return "Địa chỉ có thêm cấp huyện cũ: danh mục địa chỉ chưa theo hai cấp."
    if told_parts == true_parts[: len(told_parts)] or told_parts == true_parts[-len(told_parts) :]:
        return "Địa chỉ bị thiếu phần: mã địa chỉ chưa được dịch hết."
    return "Địa chỉ khác với sự thật đã ghi."


def _version_guard(gateway: HisGateway, patient: Patient) -> Finding:
    """Writes what is there already, so that a HIS without a guard loses nothing."""
    key = WriteKey(f"selftest-{datetime.now(UTC):%Y%m%d%H%M%S%f}")
    changes = PatientChanges(phone=patient.phone or "0900000000")
    try:
        gateway.update_patient(patient.ref, changes, version="0-selftest", key=key)
    except VersionConflict:
        return Finding(
            check="version_guard", ok=True, message_vi="HIS từ chối sửa bằng bản cũ của hồ sơ."
        )
    except HisError as error:
        return Finding(
            check="version_guard",
            ok=False,
            message_vi=f"Sửa bằng bản cũ của hồ sơ thì HIS báo '{error.code}', không phải xung đột.",
        )
    return Finding(
        check="version_guard",
        ok=False,
        message_vi="HIS nhận bản sửa dựa trên hồ sơ cũ: có thể xoá mất thông tin của người khác.",
    )


def _bare(text: str) -> str:
    parts = unicodedata.normalize("NFD", text.casefold()).replace("đ", "d")
    return "".join(letter for letter in parts if not unicodedata.combining(letter))


def _digits(text: str) -> str:
    return "".join(letter for letter in text if letter.isdigit()).removeprefix("84").lstrip("0")
