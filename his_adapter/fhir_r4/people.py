"""Patients: found by number, made once, changed under a version."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from his_adapter.builtin.checks import MAX_LIMIT, checked_key, checked_name, checked_phone
from his_adapter.builtin.names import masked_name, search_key
from his_adapter.builtin.patients import checked_draft
from his_adapter.errors import (
    BrokenReply,
    Duplicate,
    InvalidData,
    KeyReused,
    MultipleMatches,
    VersionConflict,
)
from his_adapter.fhir_r4.hospital import Hospital, earliest_first, page_of
from his_adapter.fhir_r4.mapping.patients import (
    SYSTEM_NAMES,
    changed_patient,
    patient,
    patient_resource,
)
from his_adapter.fhir_r4.mapping.reading import Resource, object_of, objects, reference_to
from his_adapter.models import (
    BirthDate,
    Gender,
    Identifier,
    IdentifierKind,
    MatchGrade,
    Page,
    Patient,
    PatientChanges,
    PatientDraft,
    PatientMatch,
    PatientQuery,
    Ref,
    WriteKey,
)

_GRADES = tuple(MatchGrade)
_SEARCHABLE = re.compile(r"[A-Za-z0-9./-]{1,40}")
_MAX_MERGES = 3
_MOST_OF_ONE_NUMBER = 10


@dataclass(frozen=True, kw_only=True)
class People:
    hospital: Hospital

    # --- reading

    def read(self, ref: Ref) -> Patient:
        return patient(self.hospital.config, self.read_resource(ref))

    def read_resource(self, ref: Ref) -> Resource:
        """Follows merges to the record that was kept."""
        for _ in range(_MAX_MERGES):
            resource = self.hospital.client.read("Patient", ref)
            kept = _replaced_by(resource)
            if kept is None:
                return resource
            ref = kept
        raise BrokenReply("records of patients lead in circles")

    def find(self, query: PatientQuery, *, limit: int) -> Page[PatientMatch]:
        if len(query.identifiers) > len(IdentifierKind):
            raise InvalidData("identifiers", "Quá nhiều số giấy tờ.")
        if query.full_name is not None:
            checked_name(query.full_name)
        if not query.identifiers and (query.full_name is None or query.birth_date is None):
            raise InvalidData("query", "Cần số giấy tờ, hoặc họ tên và ngày sinh.")
        found = [pair for item in query.identifiers for pair in self._by_identifier(query, item)]
        complete = True
        if query.full_name is not None and query.birth_date is not None:
            by_name, complete = self._by_name(query)
            found += by_name
        surest: dict[Ref, tuple[Patient, MatchGrade]] = {}
        for known, grade in sorted(found, key=lambda p: (_GRADES.index(p[1]), p[0].ref)):
            surest.setdefault(known.ref, (known, grade))
        matches = [
            PatientMatch(
                ref=known.ref,
                grade=grade,
                masked_name=masked_name(known.full_name),
                birth_year=known.birth_date.year if known.birth_date else None,
            )
            for known, grade in surest.values()
        ]
        return page_of(matches, limit, complete=complete)

    # --- writing

    def create(self, draft: PatientDraft, *, key: WriteKey) -> Patient:
        """One record, however many try at once and whatever the server makes of If-None-Exist.

        Looked for before, made on condition, looked for again: of several the earliest stands,
        and whoever made a later one takes it back.
        """
        checked_key(key)
        checked = checked_draft(draft)
        tokens = self._tokens(checked.identifiers, key)
        if (known := self._known(checked, tokens, key)) is not None:
            return known
        resource = patient_resource(self.hospital.config, checked, key=key)
        try:
            created = self.hospital.client.create(
                resource, key=key, if_none_exist=f"identifier={tokens}"
            )
        except (MultipleMatches, VersionConflict, Duplicate) as error:
            if (known := self._known(checked, tokens, key)) is not None:
                return known
            raise BrokenReply("refused as known, but not to be found") from error
        if not created.is_new:
            return self._judged(checked, [created.resource], key)
        ours = created.resource["id"]
        everybody = self._search(tokens)
        if not everybody or everybody[0]["id"] == ours:
            return self.read(Ref(ours))
        self.hospital.undo(created.resource, key=key, instead={**created.resource, "active": False})
        return self._judged(checked, everybody[:1], key)

    def update(self, ref: Ref, changes: PatientChanges, *, version: str, key: WriteKey) -> Patient:
        checked_key(key)
        changes = _checked_changes(changes)
        stored = self.read_resource(ref)
        if self.hospital.carries(stored, key):
            return self._applied(stored, changes)
        before = patient(self.hospital.config, stored)
        if before.version != version:
            raise VersionConflict("the patient was changed by somebody else")
        unique = [i for i in changes.new_identifiers if i.kind is not IdentifierKind.CMND9]
        for other in self._search(self._tokens(unique, None)) if unique else ():
            if other["id"] != before.ref:
                raise Duplicate("a number is taken", existing=other["id"])
        after = changed_patient(self.hospital.config, stored, changes, key=key)
        try:
            self.hospital.client.update(after, version=version, key=key)
        except VersionConflict:
            stored = self.read_resource(ref)
            if self.hospital.carries(stored, key):  # our own first try was heard after all
                return self._applied(stored, changes)
            raise
        return self.read(before.ref)

    # --- inside

    def _by_identifier(
        self, query: PatientQuery, item: Identifier
    ) -> Iterator[tuple[Patient, MatchGrade]]:
        """A number that names one person is certain, unless name or birth date contradict it."""
        if _SEARCHABLE.fullmatch(item.value) is None:
            return
        if item.kind is IdentifierKind.APPOINTMENT:
            known = self._of_booking(item.value)
        else:
            known = [
                patient(self.hospital.config, resource)
                for resource in self._search(self._tokens([item], None))
            ]
        agreeing = [one for one in known if not _contradicted(one, query)]
        if item.kind is IdentifierKind.CMND9:
            if len(agreeing) > 1:
                raise MultipleMatches("several people carry this number")
            proven = query.full_name is not None and query.birth_date is not None
            grade = MatchGrade.CERTAIN if proven else MatchGrade.POSSIBLE
            yield from ((one, grade) for one in agreeing)
            return
        if len(known) > 1:
            raise MultipleMatches("several people carry this number")
        for one in known:
            yield one, MatchGrade.CERTAIN if one in agreeing else MatchGrade.POSSIBLE

    def _of_booking(self, code: str) -> list[Patient]:
        systems = self.hospital.config.readable("appointment")
        token = ",".join(f"{system}|{code}" for system in systems)
        found = self.hospital.search("Appointment", [("identifier", token)], limit=5).matches
        refs: set[Ref] = set()
        for resource in found:
            if not any(
                entry.get("system") in systems and entry.get("value") == code
                for entry in objects(resource.get("identifier"))
            ):
                raise BrokenReply("a search for a code gave another booking")
            for participant in objects(resource.get("participant")):
                if (ref := reference_to("Patient", participant.get("actor"))) is not None:
                    refs.add(ref)
        return [self.read(ref) for ref in sorted(refs)]

    def _by_name(self, query: PatientQuery) -> tuple[list[tuple[Patient, MatchGrade]], bool]:
        """Searched by birth date, compared here: servers do not find names without their marks."""
        wanted = query.birth_date
        if wanted is None or query.full_name is None:
            return [], True
        candidates, complete = self._candidates(query, wanted)
        found = []
        for resource in candidates:
            if _is_gone(resource):
                continue
            known = patient(self.hospital.config, resource)
            birth = known.birth_date
            if birth is None or _contradicted(known, query):
                continue
            if query.gender and known.gender not in {query.gender, Gender.UNKNOWN}:
                continue
            if query.phone and known.phone not in {None, checked_phone(query.phone)}:
                continue
            whole = birth.day is not None and wanted.day is not None
            found.append((known, MatchGrade.PROBABLE if whole else MatchGrade.POSSIBLE))
        return found, complete

    def _candidates(
        self, query: PatientQuery, wanted: BirthDate
    ) -> tuple[tuple[Resource, ...], bool]:
        if not self.hospital.config.match:
            result = self.hospital.search("Patient", [("birthdate", wanted.isoformat())])
            return result.matches, result.complete
        asked = {
            "resourceType": "Patient",
            "name": [{"text": query.full_name}],
            "birthDate": wanted.isoformat(),
        }
        bundle = self.hospital.client.operation(
            "/Patient/$match",
            {
                "resourceType": "Parameters",
                "parameter": [
                    {"name": "resource", "resource": asked},
                    {"name": "count", "valueInteger": MAX_LIMIT},
                ],
            },
        )
        entries = [object_of(entry.get("resource")) for entry in objects(bundle.get("entry"))]
        return tuple(e for e in entries if e.get("resourceType") == "Patient"), True

    def _tokens(self, identifiers: Iterable[Identifier], key: str | None) -> str:
        """`system|value` of all unique numbers under all their names, and of our key."""
        config = self.hospital.config
        found = [] if key is None else [f"{config.system('request_key')}|{key}"]
        for item in identifiers:
            if key is not None and item.kind is IdentifierKind.CMND9:
                continue
            systems = [*config.readable(SYSTEM_NAMES[item.kind])]
            if item.kind in {IdentifierKind.ID12, IdentifierKind.BHXH10}:
                systems += config.readable("bhyt")  # both serve as card numbers too
            found += [f"{system}|{item.value}" for system in systems]
        return ",".join(found)

    def _search(self, tokens: str) -> tuple[Resource, ...]:
        """People with one of these numbers, the earliest first; merged records are left out."""
        result = self.hospital.search(
            "Patient", [("identifier", tokens)], limit=_MOST_OF_ONE_NUMBER
        )
        wanted = {tuple(token.rsplit("|", 1)) for token in tokens.split(",")}
        found = []
        for resource in result.matches:
            carried = {
                (entry.get("system"), entry.get("value"))
                for entry in objects(resource.get("identifier"))
            }
            if not wanted & carried:
                raise BrokenReply("a search for a number gave another patient")
            if not _is_gone(resource):
                found.append(resource)
        return earliest_first(found)

    def _known(self, draft: PatientDraft, tokens: str, key: str) -> Patient | None:
        found = self._search(tokens)
        return self._judged(draft, found, key) if found else None

    def _judged(self, draft: PatientDraft, found: Sequence[Resource], key: str) -> Patient:
        """Our own record of an earlier try, or whose it is instead."""
        config = self.hospital.config
        for resource in found:
            if self.hospital.carries(resource, key):
                known = patient(config, resource)
                if not _is_made_from(known, draft):
                    raise KeyReused("this key made another patient")
                return known
        raise Duplicate("a number is taken", existing=found[0]["id"])

    def _applied(self, stored: Resource, changes: PatientChanges) -> Patient:
        config = self.hospital.config
        known = patient(config, stored)
        again = patient(config, changed_patient(config, stored, changes, key="-"))
        if again != known:
            raise KeyReused("this key made another change")
        return known


def _replaced_by(resource: Resource) -> Ref | None:
    for link in objects(resource.get("link")):
        if link.get("type") == "replaced-by":
            return reference_to("Patient", link.get("other"))
    return None


def _is_gone(resource: Resource) -> bool:
    return resource.get("active") is False or _replaced_by(resource) is not None


def _contradicted(known: Patient, query: PatientQuery) -> bool:
    other_name = query.full_name is not None and search_key(query.full_name) != search_key(
        known.full_name
    )
    birth = known.birth_date
    other_birth = bool(birth and query.birth_date and not birth.agrees_with(query.birth_date))
    return other_name or other_birth


def _is_made_from(known: Patient, draft: PatientDraft) -> bool:
    """Phone and address may have been corrected since; who it is may not differ."""
    same_numbers = set(draft.identifiers) <= set(known.identifiers)
    same_name = search_key(known.full_name) == search_key(draft.full_name)
    return same_numbers and same_name and known.birth_date == draft.birth_date


def _checked_changes(changes: PatientChanges) -> PatientChanges:
    placeholder = "Không đổi"
    checked = checked_draft(
        PatientDraft(
            full_name=placeholder if changes.full_name is None else changes.full_name,
            phone=changes.phone,
            address=changes.address,
            guardian=changes.guardian,
            identifiers=changes.new_identifiers,
        )
    )
    fields: dict[str, Any] = {
        "phone": checked.phone or None,
        "address": checked.address or None,
        "guardian": checked.guardian or None,
        "new_identifiers": checked.identifiers,
    }
    if changes.full_name is not None:
        fields["full_name"] = checked.full_name
    return replace(changes, **fields)
