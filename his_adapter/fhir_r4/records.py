"""Orders and released results of one patient; nobody else's, and nothing that is kept back."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from datetime import datetime

from his_adapter.builtin.checks import checked_moment
from his_adapter.errors import BrokenReply, NotFound
from his_adapter.fhir_r4.catalogue import Catalogue
from his_adapter.fhir_r4.client import is_id
from his_adapter.fhir_r4.hospital import Hospital, page_of
from his_adapter.fhir_r4.mapping.reading import (
    Resource,
    id_of,
    moment_text,
    objects,
    reference_to,
    text_of,
)
from his_adapter.fhir_r4.mapping.records import (
    RELEASED_CODES,
    VALUES_TYPE,
    order,
    parts_of,
    report,
    values,
)
from his_adapter.fhir_r4.people import People
from his_adapter.models import (
    MAX_PART_BYTES,
    Order,
    OrderStatus,
    Page,
    PartKind,
    Ref,
    Report,
    ReportContent,
    ReportKind,
    ReportPart,
    ResultValue,
)

_MAGIC = {
    "application/pdf": b"%PDF-",
    "image/png": b"\x89PNG\r\n\x1a\n",
    "image/jpeg": b"\xff\xd8\xff",
}
_ENCODED_BYTES = MAX_PART_BYTES * 4 // 3 + 10_000
_MOST_VALUES = 300
_IDS_AT_ONCE = 50


@dataclass(frozen=True, kw_only=True)
class Records:
    hospital: Hospital
    catalogue: Catalogue
    people: People

    def orders(
        self, patient: Ref, since: datetime, *, statuses: frozenset[OrderStatus], limit: int
    ) -> Page[Order]:
        since = checked_moment("since", since)
        owner = self.people.read(patient).ref
        result = self.hospital.search(
            "ServiceRequest",
            [("patient", f"Patient/{owner}"), ("authored", f"ge{moment_text(since)}")],
        )
        by_code = self.catalogue.service_refs_by_code()
        found = []
        for resource in result.matches:
            item = order(resource, by_code)
            if item is None:
                continue
            if item.patient != owner:
                raise BrokenReply("an order of another patient came")
            if item.ordered_at >= since and item.status in statuses:
                found.append(item)
        found.sort(key=lambda item: (item.ordered_at, item.ref))
        return page_of(found, limit, complete=result.complete)

    def reports(
        self, patient: Ref, since: datetime, *, kinds: frozenset[ReportKind], limit: int
    ) -> Page[Report]:
        since = checked_moment("since", since)
        owner = self.people.read(patient).ref
        result = self.hospital.search(
            "DiagnosticReport",
            [
                ("patient", f"Patient/{owner}"),
                ("status", RELEASED_CODES),
                ("issued", f"ge{moment_text(since)}"),
            ],
        )
        found = []
        for resource in result.matches:
            if reference_to("Patient", resource.get("subject")) != owner:
                raise BrokenReply("a result of another patient came")
            item = report(self.hospital.config, resource)
            if item is not None and item.issued_at >= since and item.kind in kinds:
                found.append(item)
        found.sort(key=lambda item: (item.issued_at, item.ref), reverse=True)
        return page_of(found, limit, complete=result.complete)

    def part(self, ref: Ref, name: str, *, patient: Ref) -> ReportContent:
        """Read anew each time: a laboratory may correct or withdraw what it released."""
        owner = self.people.read(patient).ref
        stored = self.hospital.client.read("DiagnosticReport", ref)
        released = report(self.hospital.config, stored)
        if released is None or released.patient != owner:
            raise NotFound("no such released result of this patient")
        for part, attachment in parts_of(stored):
            if part.name == name:
                if part.kind is PartKind.VALUES:
                    return ReportContent(media_type=VALUES_TYPE, values=self._values(stored, owner))
                return self._attached(part, attachment)
        raise NotFound("no such part")

    # --- inside

    def _values(self, stored: Resource, owner: Ref) -> tuple[ResultValue, ...]:
        contained = {id_of(item): item for item in objects(stored.get("contained"))}
        wanted = [text_of(item.get("reference")) for item in objects(stored.get("result"))]
        remote = [
            ref
            for item in objects(stored.get("result"))
            if (ref := reference_to("Observation", item)) is not None
        ]
        known = self._observations(remote, owner)
        members = [
            ref
            for item in known.values()
            for member in objects(item.get("hasMember"))
            if (ref := reference_to("Observation", member)) is not None and ref not in known
        ]
        known |= self._observations(members, owner)
        lines: list[ResultValue] = []
        for target in wanted:
            if target.startswith("#"):
                lines += values(contained.get(Ref(target[1:]), {}))
                continue
            item = known.get(Ref(target.partition("/_history/")[0].rpartition("/")[2]))
            if item is None:
                continue  # withdrawn since: the server no longer has it
            lines += values(item)
            for member in objects(item.get("hasMember")):
                ref = reference_to("Observation", member)
                if ref is not None and ref in known:
                    lines += values(known[ref])
        return tuple(lines)

    def _observations(self, refs: list[Ref], owner: Ref) -> dict[Ref, Resource]:
        refs = list(dict.fromkeys(ref for ref in refs if is_id(ref)))
        if len(refs) > _MOST_VALUES:
            raise BrokenReply("a result with too many values")
        found: dict[Ref, Resource] = {}
        for start in range(0, len(refs), _IDS_AT_ONCE):
            some = refs[start : start + _IDS_AT_ONCE]
            result = self.hospital.search("Observation", [("_id", ",".join(some))])
            for item in result.matches:
                if id_of(item) not in some:
                    continue
                if reference_to("Patient", item.get("subject")) != owner:
                    raise BrokenReply("a value of another patient came")
                found[id_of(item)] = item
        return found

    def _attached(self, part: ReportPart, attachment: Resource) -> ReportContent:
        if attachment.get("data"):
            body = _decoded(text_of_large(attachment["data"]))
        else:
            body = self._downloaded(text_of(attachment.get("url"), place="url"), part.media_type)
        if len(body) > MAX_PART_BYTES:
            raise BrokenReply("the document is too large")
        if not body.startswith(_MAGIC[part.media_type]):
            raise BrokenReply("the document is not what it says it is")
        return ReportContent(media_type=part.media_type, body=body)

    def _downloaded(self, url: str, media_type: str) -> bytes:
        """The bytes themselves, or a Binary that holds them: servers answer one or the other."""
        content, told, resource = self.hospital.client.document(
            url, media_type, max_bytes=_ENCODED_BYTES
        )
        if resource is None:
            if told != media_type:
                raise BrokenReply("a document of another type came")
            return content
        if resource.get("resourceType") != "Binary":
            raise BrokenReply("no document came")
        return _decoded(text_of_large(resource.get("data")))


def text_of_large(value: object) -> str:
    if not isinstance(value, str) or len(value) > _ENCODED_BYTES:
        raise BrokenReply("the document is too large")
    return value


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=False)
    except (binascii.Error, ValueError):
        raise BrokenReply("the document cannot be decoded") from None
