"""What changed in the HIS, by asking each kind of record for what was touched since.

Servers stamp a record before it can be seen, so each question reaches back a little further than
the last answer; the cursor names what was told already in that overlap, and nothing is told twice
while it is remembered, nor left out.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from his_adapter.errors import BrokenReply
from his_adapter.fhir_r4.hospital import Hospital
from his_adapter.fhir_r4.mapping.reading import (
    Resource,
    extension,
    id_of,
    moment_of,
    object_of,
    objects,
    reference_to,
    version_of,
)
from his_adapter.models import Change, ChangeKind, ChangePage, Feature, Ref

KINDS: dict[str, tuple[ChangeKind, Feature]] = {
    "Patient": (ChangeKind.PATIENT, Feature.READ_PATIENT),
    "QuestionnaireResponse": (ChangeKind.HISTORY, Feature.SUBMIT_HISTORY),
    "Encounter": (ChangeKind.VISIT, Feature.LIST_VISITS),
    "Appointment": (ChangeKind.VISIT, Feature.FIND_APPOINTMENTS),
    "ServiceRequest": (ChangeKind.ORDER, Feature.LIST_ORDERS),
    "DiagnosticReport": (ChangeKind.REPORT, Feature.LIST_REPORTS),
    "Invoice": (ChangeKind.PAYMENT, Feature.READ_ACCOUNT),
    "PaymentNotice": (ChangeKind.PAYMENT, Feature.POST_PAYMENT),
    "DocumentReference": (ChangeKind.EINVOICE, Feature.EINVOICE),
}
_ELEMENTS = "id,meta,subject,patient,participant,context,extension"
_OVERLAP = timedelta(seconds=10)
_MOST_REMEMBERED = 500
_MOST_AT_ONE_MOMENT = 2000
_MAX_CURSOR_CHARS = 200_000


@dataclass(frozen=True, kw_only=True)
class _Cursor:
    since: datetime
    told: tuple[tuple[datetime, str], ...]
    """Moment and mark of what was told from `since` on."""


@dataclass(frozen=True, kw_only=True)
class _Seen:
    change: Change
    mark: str


@dataclass(frozen=True, kw_only=True)
class Feed:
    hospital: Hospital

    def changes(
        self, untrusted_cursor: str | None, features: frozenset[Feature], *, limit: int
    ) -> ChangePage:
        if untrusted_cursor is None:
            return ChangePage(changes=(), cursor=self._now(), complete=True)
        cursor = _decoded(untrusted_cursor)
        now = self.hospital.clock().astimezone(UTC)  # an hour more or less does not matter here
        kept = timedelta(days=self.hospital.config.changes_keep_days)
        if cursor is None or not now - kept <= cursor.since <= now + kept:
            return ChangePage(changes=(), cursor=self._now(), complete=True, reset=True)
        told = {mark for _, mark in cursor.told}
        found: list[_Seen] = []
        complete = True
        for kind, (_, feature) in KINDS.items():
            if feature not in features:
                continue
            result = self.hospital.search(
                kind,
                [
                    ("_lastUpdated", f"ge{cursor.since.isoformat()}"),
                    ("_sort", "_lastUpdated"),
                    ("_elements", _ELEMENTS),
                ],
                limit=limit + len(told),
            )
            complete = complete and result.complete
            found += [
                seen
                for seen in self._seen(kind, result.matches)
                if seen.mark not in told and seen.change.at >= cursor.since
            ]
        found.sort(key=lambda seen: (seen.change.at, seen.mark))
        shown = found[:limit]
        return ChangePage(
            changes=tuple(seen.change for seen in shown),
            cursor=_encoded(_moved(cursor, shown)),
            complete=complete and len(found) <= limit,
        )

    # --- inside

    def _seen(self, kind: str, resources: tuple[Resource, ...]) -> Iterator[_Seen]:
        own = self.hospital.config.extensions.own
        for resource in resources:
            if kind == "DocumentReference" and not _is_about_a_bill(resource):
                continue
            at = moment_of(object_of(resource.get("meta")).get("lastUpdated"), place="lastUpdated")
            ref = id_of(resource)
            change = Change(
                kind=KINDS[kind][0], ref=ref, patient=_patient(kind, resource, own), at=at
            )
            mark = f"{kind}/{ref}/{version_of(resource)}/{at.isoformat()}"
            yield _Seen(change=change, mark=hashlib.sha256(mark.encode()).hexdigest()[:12])

    def _now(self) -> str:
        return _encoded(_Cursor(since=self._his_now(), told=()))

    def _his_now(self) -> datetime:
        """By the clock that stamps the records."""
        _, _, skew_s = self.hospital.client.metadata()
        return self.hospital.clock().astimezone(UTC) + timedelta(seconds=skew_s or 0.0)


def _moved(cursor: _Cursor, shown: list[_Seen]) -> _Cursor:
    """Behind the last change that was told, and a little before it."""
    if not shown:
        return cursor
    told = sorted([*cursor.told, *((seen.change.at, seen.mark) for seen in shown)])
    since = max(cursor.since, told[-1][0] - _OVERLAP)
    kept = [pair for pair in told if pair[0] >= since]
    if len(kept) > _MOST_REMEMBERED:
        # So much at once: less overlap, but never past what happened at the very same moment.
        since = kept[-_MOST_REMEMBERED][0]
        kept = [pair for pair in kept if pair[0] >= since]
    if len(kept) > _MOST_AT_ONE_MOMENT:
        raise BrokenReply("too many records changed at one moment")
    return _Cursor(since=since, told=tuple(kept))


def _encoded(cursor: _Cursor) -> str:
    document = {
        "v": 1,
        "since": cursor.since.isoformat(),
        "told": [
            [round((moment - cursor.since).total_seconds() * 1000), mark]
            for moment, mark in cursor.told
        ],
    }
    packed = zlib.compress(json.dumps(document, separators=(",", ":")).encode(), 6)
    return base64.urlsafe_b64encode(packed).decode()


def _decoded(untrusted: str) -> _Cursor | None:
    if len(untrusted) > _MAX_CURSOR_CHARS or not untrusted.isascii():
        return None
    try:
        packed = base64.urlsafe_b64decode(untrusted)
        content = zlib.decompressobj().decompress(packed, 1_000_000)
        document = json.loads(content)
        since = datetime.fromisoformat(document["since"])
        if document["v"] != 1 or since.tzinfo is None:
            return None
        told = tuple(
            (since + timedelta(milliseconds=int(moment_ms)), str(mark))
            for moment_ms, mark in document["told"]
        )
    except (
        binascii.Error,
        zlib.error,
        ValueError,
        KeyError,
        TypeError,
        OverflowError,
        RecursionError,
    ):
        return None
    return _Cursor(since=since, told=told)


def _patient(kind: str, resource: Resource, own: str) -> Ref | None:
    if kind == "Patient":
        return id_of(resource)
    for place in (resource.get("subject"), resource.get("patient")):
        if (ref := reference_to("Patient", place)) is not None:
            return ref
    for participant in objects(resource.get("participant")):
        if (ref := reference_to("Patient", participant.get("actor"))) is not None:
            return ref
    told = object_of(extension(resource, own + "patient"))
    return reference_to("Patient", told.get("valueReference"))


def _is_about_a_bill(resource: Resource) -> bool:
    related = objects(object_of(resource.get("context")).get("related"))
    return any(reference_to("Invoice", item) is not None for item in related)
