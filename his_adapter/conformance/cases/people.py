"""C02-C08: finding, creating and changing people."""

from __future__ import annotations

import threading
import time
import unicodedata
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial

from his_adapter.conformance.case import CaseFailed, case, expect
from his_adapter.conformance.lab import RACERS, Lab, by_number, code_of, outcome_of, race
from his_adapter.conformance.proxy import Fault, FaultKind, first_write
from his_adapter.errors import Duplicate, HisError, MultipleMatches, NotFound, VersionConflict
from his_adapter.models import (
    BirthDate,
    Feature,
    Gender,
    Identifier,
    IdentifierKind,
    MatchGrade,
    Patient,
    PatientChanges,
    PatientDraft,
    PatientQuery,
)
from his_adapter.ports import HisGateway

AWKWARD_ADDRESS = "Tổ 1 & 2 ^ hẻm ~ 3 | ngõ \\4, Phường Thử, Tỉnh Mẫu"
SIXTY_CHARACTERS = "Nguyễn Phước Quý Công Tằng Tôn Nữ Thị Ngọc Diệp Hoàng Lan An"
TWO_TIERS = "Số 12, Tổ 3, Phường Hoa Mẫu, Tỉnh Thử"
_ON_THE_WAY_S = 10.0
THREE_TIERS = "Số 12, Xã Hoa Mẫu, Huyện Thử, Tỉnh Thử"

_FIND_AND_CREATE = (Feature.FIND_PATIENTS, Feature.READ_PATIENT, Feature.CREATE_PATIENT)


@case("C02", "Tìm theo số CCCD: không có, một, hai hồ sơ cho ba kết quả đúng")
def find_by_number(lab: Lab) -> None:
    """Find by CCCD: none, one, two records → empty, one, MultipleMatches"""
    lab.needs(*_FIND_AND_CREATE)
    stranger = lab.draft()
    expect(
        lab.found(stranger) == (),
        "Tìm một số chưa ai dùng mà HIS vẫn trả về người bệnh.",
        "a number that nobody carries finds somebody",
    )
    draft = lab.draft()
    patient = lab.gateway.create_patient(draft, key=lab.key())
    matches = lab.gateway.find_patients(PatientQuery(identifiers=draft.identifiers)).items
    expect(
        [(match.ref, match.grade) for match in matches] == [(patient.ref, MatchGrade.CERTAIN)],
        "Tìm bằng số CCCD không ra đúng một người với mức chắc chắn.",
        "a CCCD number does not lead to exactly one certain match",
    )
    _two_records(lab)


def _two_records(lab: Lab) -> None:
    if lab.settings.double_number:
        error = outcome_of(
            lambda: lab.gateway.find_patients(by_number(lab.settings.double_number or ""))
        )
        expect(
            isinstance(error, MultipleMatches),
            "Hai hồ sơ trùng số mà HIS không báo trùng.",
            "two records with one number are not told as MultipleMatches",
        )
        return
    first = lab.draft()
    old_number = Identifier(kind=IdentifierKind.CMND9, value=first.identifiers[0].value[-9:])
    both = (
        replace(first, identifiers=(*first.identifiers, old_number)),
        replace(
            lab.draft(full_name=first.full_name, birth_date=first.birth_date),
            identifiers=(*lab.draft().identifiers, old_number),
        ),
    )
    for draft in both:
        code = code_of(partial(lab.gateway.create_patient, draft, key=lab.key()))
        if code != "ok":
            lab.note(
                f"two records with one number: the HIS lets nobody make them ({code}) and"
                " [certify] double_number names none"
            )
            return
    query = PatientQuery(
        identifiers=(old_number,), full_name=first.full_name, birth_date=first.birth_date
    )
    try:
        found = lab.gateway.find_patients(query).items
    except MultipleMatches:
        return
    if not found:
        lab.note(
            "two records with one number: old identity numbers are not searched, and"
            " [certify] double_number names none"
        )
        return
    raise CaseFailed(
        "Hai hồ sơ trùng số CMND cũ mà HIS không báo trùng.",
        "two records with one old identity number are not told as MultipleMatches",
    )


@case("C03", "Họ tên và địa chỉ tiếng Việt lưu rồi đọc lại còn nguyên")
def vietnamese_round_trip(lab: Lab) -> None:
    r"""Vietnamese round trip: `Nguyễn Thị Đặng Ỷ`, NFC and NFD input, 60-character name, one-word
    name, address with `&^~\|\`
    """
    lab.needs(Feature.CREATE_PATIENT, Feature.READ_PATIENT)
    for what, name in (
        ("NFC", "Nguyễn Thị Đặng Ỷ"),
        ("NFD", unicodedata.normalize("NFD", "Nguyễn Thị Đặng Ỷ")),
        ("60 characters", SIXTY_CHARACTERS),
        ("one word", "Lan"),
        ("highland name", "H'Mẫu Niê"),
    ):
        wanted = unicodedata.normalize("NFC", name)
        read = _stored(lab, lab.draft(full_name=name, address=AWKWARD_ADDRESS))
        expect(
            read.full_name == wanted,
            f"Họ tên ({what}) đọc lại khác lúc ghi.",
            f"a name ({what}) comes back changed",
        )
        expect(
            read.address == AWKWARD_ADDRESS,
            "Địa chỉ có ký tự & ^ ~ | \\ đọc lại khác lúc ghi.",
            "an address with & ^ ~ | \\ comes back changed",
        )


@case("C04", "Ngày sinh đủ, chỉ có năm, 29 tháng 2; đủ các mã giới tính")
def birth_dates_and_genders(lab: Lab) -> None:
    """Birth date: full, year only, 29 February; gender all codes"""
    lab.needs(Feature.CREATE_PATIENT, Feature.READ_PATIENT)
    for birth in ("1990-12-31", "1950", "1952-02-29"):
        read = _stored(lab, lab.draft(birth_date=BirthDate.from_iso(birth)))
        told = read.birth_date and read.birth_date.isoformat()
        expect(
            told == birth,
            f"Ngày sinh dạng {len(birth)} ký tự đọc lại khác lúc ghi.",
            f"a birth date of {len(birth)} characters comes back changed",
        )
    for gender in Gender:
        read = _stored(lab, lab.draft(gender=gender))
        if (gender, read.gender) == (Gender.OTHER, Gender.UNKNOWN):
            lab.note("this HIS has no code for other: it comes back as unknown")
            continue
        expect(
            read.gender is gender,
            f"Giới tính '{gender}' đọc lại thành '{read.gender}'.",
            f"gender {gender} comes back as {read.gender}",
        )


@case("C05", "Tạo hai lần cùng mã yêu cầu chỉ ra một hồ sơ; mã khác trùng CCCD thì báo trùng")
def created_once(lab: Lab) -> None:
    """Create twice with the same key → one patient; with a new key and same CCCD → Duplicate"""
    lab.needs(*_FIND_AND_CREATE)
    draft, key = lab.draft(), lab.key()
    first = lab.gateway.create_patient(draft, key=key)
    again = lab.gateway.create_patient(draft, key=key)
    expect(
        first.ref == again.ref and lab.found(draft) == (first.ref,),
        "Gửi lại cùng mã yêu cầu mà HIS tạo thêm hồ sơ.",
        "the same key made a second patient",
    )
    error = outcome_of(lambda: lab.gateway.create_patient(draft, key=lab.key()))
    expect(
        isinstance(error, Duplicate) and error.existing == first.ref,
        "Mã yêu cầu mới, trùng CCCD, mà HIS không báo trùng hồ sơ.",
        f"a new key with the same CCCD gave {error.code if error else 'ok'}, not Duplicate",
    )


@case("C06", "20 máy cùng lúc tạo một người: chỉ một hồ sơ")
def created_in_parallel(lab: Lab) -> None:
    """20 parallel creates with the same CCCD → one patient"""
    lab.needs(*_FIND_AND_CREATE)
    draft = lab.draft()
    result = race(lambda _: lab.gateway.create_patient(draft, key=lab.key()))
    count = len(lab.found(draft))
    expect(
        count == 1,
        f"{RACERS} máy cùng tạo một người thì HIS có {count} hồ sơ.",
        f"{RACERS} parallel creates left {count} patients",
    )
    expect(
        set(result.outcomes) <= {"ok", "duplicate", "transient", "throttled", "timeout"},
        f"Máy thua nhận lỗi lạ: {_codes(result.outcomes)}.",
        f"losers were told {_codes(result.outcomes)}",
    )
    expect(
        result.outcomes["ok"] <= 1,
        "Nhiều máy cùng được báo là đã tạo mới.",
        "several racers were told that they created the patient",
    )


@case("C07", "Địa chỉ hai cấp mới lưu và đọc lại đúng; địa chỉ cũ có huyện không bị sửa")
def addresses_of_two_tiers(lab: Lab) -> None:
    """New two-tier address stored and read back; legacy district rule respected"""
    lab.needs(Feature.CREATE_PATIENT, Feature.READ_PATIENT)
    for what, address in (("two tiers", TWO_TIERS), ("with a district", THREE_TIERS)):
        read = _stored(lab, lab.draft(address=address))
        expect(
            read.address == address,
            f"Địa chỉ ({what}) đọc lại khác lúc ghi.",
            f"an address ({what}) comes back changed",
        )
    if not lab.can(Feature.LIST_CODES):
        lab.note("code lists are not declared: only the text of addresses was judged")
        return
    try:
        provinces = lab.gateway.list_codes("province", limit=lab.limit()).items
        expect(bool(provinces), "Danh mục tỉnh trống.", "the list of provinces is empty")
        wards = lab.gateway.list_codes("ward", provinces[0].code, limit=lab.limit()).items
    except NotFound:
        lab.note("a list of provinces or wards is not kept: only the text of addresses was judged")
        return
    expect(
        all(ward.parent == provinces[0].code for ward in wards),
        "Danh mục xã không gắn thẳng với tỉnh.",
        "wards do not hang under their province",
    )


@case("C08", "Sửa bằng bản cũ thì bị từ chối; sửa số điện thoại không đụng thông tin khác")
def guarded_update(lab: Lab) -> None:
    """Update with old version → VersionConflict, nothing changed; other fields untouched by a phone
    update
    """
    lab.needs(Feature.CREATE_PATIENT, Feature.READ_PATIENT, Feature.UPDATE_PATIENT)
    patient = lab.register(address=TWO_TIERS, phone="0900000001")
    changed = lab.gateway.update_patient(
        patient.ref, PatientChanges(phone="0900000002"), version=patient.version, key=lab.key()
    )
    read = lab.gateway.read_patient(patient.ref)
    expect(
        read == replace(patient, phone="0900000002", version=read.version),
        "Sửa số điện thoại làm đổi thông tin khác.",
        "a phone update touched other fields, or was not stored",
    )
    expect(
        changed.version != patient.version,
        "Sau khi sửa, phiên bản hồ sơ không đổi.",
        "the version did not change with an update",
    )
    error = outcome_of(
        lambda: lab.gateway.update_patient(
            patient.ref, PatientChanges(phone="0900000003"), version=patient.version, key=lab.key()
        )
    )
    expect(
        isinstance(error, VersionConflict),
        "HIS nhận bản sửa dựa trên hồ sơ cũ, có thể xoá mất thông tin của người khác.",
        f"an update of an old version gave {error.code if error else 'ok'}, not VersionConflict",
    )
    expect(
        lab.gateway.read_patient(patient.ref) == read,
        "HIS báo từ chối nhưng hồ sơ vẫn đổi.",
        "the refused update changed something",
    )
    if lab.wire is None:
        _guarded_at_once(lab, read)
    else:
        _guarded_on_the_way(lab, read)


def _guarded_on_the_way(lab: Lab, patient: Patient) -> None:
    """An adapter that only looks before it writes is overtaken while its write is on the way."""

    def update(his: HisGateway, phone: str) -> HisError | None:
        changes = PatientChanges(phone=phone)
        return outcome_of(
            lambda: his.update_patient(patient.ref, changes, version=patient.version, key=lab.key())
        )

    with lab.through_proxy() as (slow, proxy), ThreadPoolExecutor(1) as pool:
        overtaken = threading.Event()
        held = Fault(kind=FaultKind.DELAY, delay_s=_ON_THE_WAY_S, until=overtaken)
        proxy.play(first_write(held))
        late = pool.submit(update, slow, "0900000011")
        while not late.done() and not any(each.is_write for each in proxy.exchanges):
            time.sleep(0.01)
        quick_error = update(lab.gateway, "0900000012")
        overtaken.set()
        late_error = late.result()
    expect(
        quick_error is None and isinstance(late_error, VersionConflict),
        "Lần sửa đến muộn ghi đè lên lần sửa đến trước.",
        "an update that was overtaken on its way gave"
        f" {late_error.code if late_error else 'ok'}, not VersionConflict",
    )


def _guarded_at_once(lab: Lab, patient: Patient) -> None:
    """An adapter that only looks before it writes passes one by one, but not in a crowd."""
    result = race(
        lambda racer: lab.gateway.update_patient(
            patient.ref,
            PatientChanges(phone=f"09000001{racer:02d}"),
            version=patient.version,
            key=lab.key(),
        )
    )
    expect(
        len(result.won) == 1,
        f"{RACERS} máy cùng sửa một bản, {len(result.won)} máy được báo là đã sửa.",
        f"of {RACERS} updates of one version at the same moment {len(result.won)} won",
    )


def _stored(lab: Lab, draft: PatientDraft) -> Patient:
    created = lab.gateway.create_patient(draft, key=lab.key())
    return lab.gateway.read_patient(created.ref)


def _codes(outcomes: dict[str, int]) -> str:
    return ", ".join(f"{code} × {count}" for code, count in sorted(outcomes.items()))
