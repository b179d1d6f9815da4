"""People in the register. A merged record stays as a signpost to the one that was kept."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from his_adapter.builtin.checks import (
    MAX_ADDRESS,
    checked_identifier,
    checked_name,
    checked_phone,
    checked_ref,
    checked_text,
)
from his_adapter.builtin.names import masked_name, search_key
from his_adapter.errors import (
    Duplicate,
    InvalidData,
    MultipleMatches,
    NotFound,
    VersionConflict,
)
from his_adapter.models import (
    BirthDate,
    Gender,
    Identifier,
    IdentifierKind,
    MatchGrade,
    Patient,
    PatientChanges,
    PatientDraft,
    PatientMatch,
    PatientQuery,
    Ref,
)

_REF_PREFIX = "P"
_GRADES = tuple(MatchGrade)
_TABLES_OF_A_PATIENT = (
    "appointment",
    "visit",
    "service_order",
    "report",
    "invoice",
    "charge",
    "payment",
    "history",
    "consent",
)


def patient_ref(patient_id: int) -> Ref:
    return Ref(f"{_REF_PREFIX}{patient_id:06d}")


def patient_id_of(db: sqlite3.Connection, ref: Ref) -> int:
    """The id behind a reference, following merges. Raises NotFound."""
    number = checked_ref(ref).removeprefix(_REF_PREFIX)
    if ref.startswith(_REF_PREFIX) and number.isdigit() and len(number) < 18:
        row = db.execute(
            "SELECT coalesce(merged_into, id) FROM patient WHERE id = ?", (int(number),)
        ).fetchone()
        if row is not None:
            return int(row[0])
    raise NotFound("no such patient")


def read_patient(db: sqlite3.Connection, patient_id: int) -> Patient:
    row = db.execute("SELECT * FROM patient WHERE id = ?", (patient_id,)).fetchone()
    identifiers = db.execute(
        "SELECT kind, value FROM identifier WHERE patient_id = ? ORDER BY kind, value",
        (patient_id,),
    ).fetchall()
    return Patient(
        ref=patient_ref(patient_id),
        version=str(row["version"]),
        full_name=row["full_name"],
        birth_date=_birth_date(row),
        gender=Gender(row["gender"]),
        identifiers=tuple(
            Identifier(kind=IdentifierKind(item["kind"]), value=item["value"])
            for item in identifiers
        ),
        phone=row["phone"],
        address=row["address"],
        guardian=row["guardian"],
    )


def read_kept_patient(db: sqlite3.Connection, patient_id: int) -> Patient:
    """The record that this one was merged into, or itself."""
    return read_patient(db, patient_id_of(db, patient_ref(patient_id)))


def checked_draft(untrusted: PatientDraft) -> PatientDraft:
    """Raises InvalidData."""
    for item in untrusted.identifiers:
        if item.kind in {IdentifierKind.APPOINTMENT, IdentifierKind.MRN}:
            raise InvalidData(f"identifiers.{item.kind}", "Mã này do hệ thống cấp.")
    return replace(
        untrusted,
        full_name=checked_name(untrusted.full_name),
        identifiers=tuple(sorted({checked_identifier(item) for item in untrusted.identifiers})),
        phone=untrusted.phone and checked_phone(untrusted.phone),
        address=untrusted.address
        and checked_text("address", untrusted.address, max_chars=MAX_ADDRESS),
        guardian=untrusted.guardian and checked_name(untrusted.guardian),
    )


def insert_patient(db: sqlite3.Connection, draft: PatientDraft) -> int:
    """Writes a checked draft and gives it a patient number. Raises Duplicate."""
    _refuse_taken(db, draft.identifiers, own_id=None)
    cursor = db.execute(
        "INSERT INTO patient (full_name, name_key, birth_date, gender, phone, address, guardian)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            draft.full_name,
            search_key(draft.full_name),
            draft.birth_date and draft.birth_date.isoformat(),
            draft.gender,
            draft.phone,
            draft.address,
            draft.guardian,
        ),
    )
    patient_id = int(cursor.lastrowid or 0)
    number = Identifier(kind=IdentifierKind.MRN, value=f"BN{patient_id:08d}")
    _insert_identifiers(db, patient_id, (*draft.identifiers, number))
    return patient_id


def update_patient(
    db: sqlite3.Connection, patient_id: int, changes: PatientChanges, *, version: str
) -> int:
    """Raises VersionConflict, Duplicate, InvalidData; then nothing has changed."""
    before = read_patient(db, patient_id)
    if before.version != version:
        raise VersionConflict("the patient was changed by somebody else")
    after = checked_draft(
        PatientDraft(
            full_name=changes.full_name or before.full_name,
            birth_date=changes.birth_date or before.birth_date,
            gender=changes.gender or before.gender,
            phone=changes.phone or before.phone,
            address=changes.address or before.address,
            guardian=changes.guardian or before.guardian,
            identifiers=changes.new_identifiers,
        )
    )
    _refuse_taken(db, after.identifiers, own_id=patient_id)
    _insert_identifiers(db, patient_id, after.identifiers)
    db.execute(
        "UPDATE patient SET version = version + 1, full_name = ?, name_key = ?, birth_date = ?,"
        " gender = ?, phone = ?, address = ?, guardian = ? WHERE id = ?",
        (
            after.full_name,
            search_key(after.full_name),
            after.birth_date and after.birth_date.isoformat(),
            after.gender,
            after.phone,
            after.address,
            after.guardian,
            patient_id,
        ),
    )
    return patient_id


def merge_patients(db: sqlite3.Connection, keep_id: int, drop_id: int) -> None:
    """Everything of `drop` belongs to `keep` from now on; old references still lead there."""
    if keep_id == drop_id:
        raise InvalidData("ref", "Hai hồ sơ là một.")
    db.execute(
        "UPDATE OR IGNORE identifier SET patient_id = ? WHERE patient_id = ?", (keep_id, drop_id)
    )
    db.execute("DELETE FROM identifier WHERE patient_id = ?", (drop_id,))
    for table in _TABLES_OF_A_PATIENT:
        try:
            db.execute(
                f"UPDATE {table} SET patient_id = ? WHERE patient_id = ?",  # noqa: S608 - names of ours
                (keep_id, drop_id),
            )
        except sqlite3.IntegrityError as error:
            raise InvalidData(
                "ref", "Cả hai hồ sơ đang có lượt khám hoặc lịch hẹn trùng nhau."
            ) from error
    db.execute(
        "UPDATE patient SET merged_into = ? WHERE ? IN (id, merged_into)", (keep_id, drop_id)
    )
    db.execute("UPDATE patient SET version = version + 1 WHERE id = ?", (keep_id,))


@dataclass(frozen=True, kw_only=True)
class _Found:
    patient_id: int
    grade: MatchGrade


def find_patients(db: sqlite3.Connection, query: PatientQuery) -> list[PatientMatch]:
    """All matches, the surest first. Raises MultipleMatches, InvalidData."""
    if len(query.identifiers) > len(IdentifierKind):
        raise InvalidData("identifiers", "Quá nhiều số giấy tờ.")
    key = None if query.full_name is None else search_key(checked_name(query.full_name))
    if not query.identifiers and (key is None or query.birth_date is None):
        raise InvalidData("query", "Cần số giấy tờ, hoặc họ tên và ngày sinh.")
    found = [
        *_by_identifier(db, query, key),
        *(_by_name(db, query, key) if key is not None and query.birth_date else ()),
    ]
    surest: dict[int, MatchGrade] = {}
    for item in sorted(found, key=lambda item: (_GRADES.index(item.grade), item.patient_id)):
        surest.setdefault(item.patient_id, item.grade)
    return [_match(read_patient(db, patient_id), grade) for patient_id, grade in surest.items()]


def _by_identifier(
    db: sqlite3.Connection, query: PatientQuery, name_key: str | None
) -> Iterator[_Found]:
    """A number that names one person is certain, unless name or birth date contradict it.

    An old identity card number (CMND) was sometimes issued twice and counts only with a name and
    a birth date.
    """
    for item in query.identifiers:
        ids = _ids_with(db, item)
        proven = name_key is not None and query.birth_date is not None
        if item.kind is IdentifierKind.CMND9:
            agreeing = [i for i in ids if not _contradicted(db, i, query, name_key)]
            if len(agreeing) > 1:
                raise MultipleMatches("several people carry this number")
            for patient_id in agreeing:
                grade = MatchGrade.CERTAIN if proven else MatchGrade.POSSIBLE
                yield _Found(patient_id=patient_id, grade=grade)
        else:
            for patient_id in ids:
                contradicted = _contradicted(db, patient_id, query, name_key)
                grade = MatchGrade.POSSIBLE if contradicted else MatchGrade.CERTAIN
                yield _Found(patient_id=patient_id, grade=grade)


def _ids_with(db: sqlite3.Connection, untrusted: Identifier) -> list[int]:
    if len(untrusted.value) > 40 or not untrusted.value.isascii():
        return []
    if untrusted.kind is IdentifierKind.APPOINTMENT:
        sql = "SELECT patient_id FROM appointment WHERE ? = 'appointment' AND code = ?"
    else:
        sql = "SELECT patient_id FROM identifier WHERE kind = ? AND value = ? ORDER BY patient_id"
    return [int(row[0]) for row in db.execute(sql, (untrusted.kind, untrusted.value))]


def _contradicted(
    db: sqlite3.Connection, patient_id: int, query: PatientQuery, name_key: str | None
) -> bool:
    row = db.execute("SELECT * FROM patient WHERE id = ?", (patient_id,)).fetchone()
    known = _birth_date(row)
    other_name = name_key not in {None, row["name_key"]}
    other_birth = bool(known and query.birth_date and not known.agrees_with(query.birth_date))
    return other_name or other_birth


def _by_name(db: sqlite3.Connection, query: PatientQuery, name_key: str) -> Iterator[_Found]:
    """Same name and a birth date that can be the same: probable for a full date, else possible."""
    wanted = query.birth_date
    if wanted is None:
        return
    rows = db.execute(
        "SELECT * FROM patient WHERE name_key = ? AND birth_date LIKE ? AND merged_into IS NULL",
        (name_key, f"{wanted.year:04d}%"),
    )
    for row in rows:
        known = _birth_date(row)
        if known is None or not known.agrees_with(wanted):
            continue
        if query.gender and row["gender"] not in {query.gender, Gender.UNKNOWN}:
            continue
        if query.phone and row["phone"] not in {None, checked_phone(query.phone)}:
            continue
        whole = known.day is not None and wanted.day is not None
        grade = MatchGrade.PROBABLE if whole else MatchGrade.POSSIBLE
        yield _Found(patient_id=int(row["id"]), grade=grade)


def _match(patient: Patient, grade: MatchGrade) -> PatientMatch:
    return PatientMatch(
        ref=patient.ref,
        grade=grade,
        masked_name=masked_name(patient.full_name),
        birth_year=patient.birth_date.year if patient.birth_date else None,
    )


def _refuse_taken(
    db: sqlite3.Connection, identifiers: Iterable[Identifier], *, own_id: int | None
) -> None:
    for item in identifiers:
        if item.kind is IdentifierKind.CMND9:
            continue
        others = [patient_id for patient_id in _ids_with(db, item) if patient_id != own_id]
        if others:
            raise Duplicate(f"{item.kind} is taken", existing=patient_ref(others[0]))


def _insert_identifiers(
    db: sqlite3.Connection, patient_id: int, identifiers: Iterable[Identifier]
) -> None:
    db.executemany(
        "INSERT OR IGNORE INTO identifier VALUES (?, ?, ?)",
        [(item.kind, item.value, patient_id) for item in identifiers],
    )


def _birth_date(row: sqlite3.Row) -> BirthDate | None:
    return BirthDate.from_iso(row["birth_date"]) if row["birth_date"] else None
