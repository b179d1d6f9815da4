"""The port on the small HIS of the soak, over HTTP."""

from __future__ import annotations

import hashlib
import http.client
import json
import threading
from datetime import UTC, datetime
from typing import Any

from his_adapter.errors import OutcomeUnknown, Throttled, Unavailable
from his_adapter.models import (
    Capabilities,
    CheckIn,
    Facility,
    Gender,
    Health,
    HealthState,
    MatchGrade,
    Page,
    Patient,
    PatientDraft,
    PatientMatch,
    PatientQuery,
    Ref,
    Visit,
    VisitStatus,
    VisitTicket,
    WriteKey,
    Written,
)
from his_adapter.partial import PartialGateway, overridden_features


class SoakGateway(PartialGateway):
    """A request that could not be sent did nothing; one that was sent and not answered may have."""

    def __init__(self, port: int, *, timeout_s: float) -> None:
        self._port = port
        self._timeout_s = timeout_s
        self._own = threading.local()

    def health(self) -> Health:
        try:
            self._call("health", {})
        except (Unavailable, Throttled):
            return Health(state=HealthState.DOWN)
        return Health(state=HealthState.OK)

    def capabilities(self) -> Capabilities:
        return Capabilities(
            features=overridden_features(type(self)),
            facility=Facility(code="-", name_vi="-", name_en="-", hotline=""),
            max_limit=50,
            adapter="soak",
            adapter_version="1",
            his_version="1",
        )

    def find_patients(self, query: PatientQuery, *, limit: int = 50) -> Page[PatientMatch]:
        found = self._call("find_patients", {"person": _person(query)})
        matches = [
            PatientMatch(ref=Ref(str(each)), grade=MatchGrade.CERTAIN, masked_name="", birth_year=1)
            for each in found
        ]
        return Page(items=tuple(matches[:limit]), complete=True)

    def create_patient(self, draft: PatientDraft, *, key: WriteKey) -> Patient:
        return _patient(self._call("create_patient", {"person": _person(draft), "key": key}, key))

    def check_in(self, request: CheckIn, *, key: WriteKey) -> Visit:
        body = {
            "patient": int(request.patient), "service": request.service,
            "number": request.number, "key": key,
        }  # fmt: skip
        return _visit(self._call("check_in", body, key))

    def cancel_visit(self, ref: Ref, *, reason: str, key: WriteKey) -> Visit:
        return _visit(self._call("cancel_visit", {"visit": int(ref), "key": key}, key))

    def find_by_key(self, key: WriteKey) -> Written | None:
        found = self._call("find_by_key", {"key": key})
        if found is None:
            return None
        return _patient(found) if found["kind"] == "patient" else _visit(found)

    def close(self) -> None:
        """Connections end with their threads."""

    def _call(self, method: str, body: dict[str, Any], key: WriteKey | None = None) -> Any:
        line = getattr(self._own, "line", None)
        if line is None:
            line = http.client.HTTPConnection("127.0.0.1", self._port, timeout=self._timeout_s)
            try:
                line.connect()
            except OSError as error:
                raise Unavailable("not there") from error
            self._own.line = line
        try:
            line.request("POST", f"/{method}", json.dumps(body))
            reply = line.getresponse()
            content = reply.read()
        except (OSError, http.client.HTTPException) as error:
            line.close()
            self._own.line = None
            if key is None:
                raise Unavailable("no answer") from error
            raise OutcomeUnknown("no answer", key=key) from error
        if reply.status == 429:
            raise Throttled("slower", retry_after_s=1)
        if reply.status != 200:
            raise Unavailable("busy")
        return json.loads(content)


def _person(facts: PatientQuery | PatientDraft) -> str:
    numbers = "|".join(sorted(each.value for each in facts.identifiers))
    return hashlib.sha256(numbers.encode()).hexdigest()


def _patient(found: dict[str, Any]) -> Patient:
    return Patient(ref=Ref(str(found["id"])), version="1", full_name="X", gender=Gender.UNKNOWN)


def _visit(found: dict[str, Any]) -> Visit:
    ref = Ref(str(found["id"]))
    return Visit(
        ref=ref,
        version="1",
        patient=Ref("1"),
        status=VisitStatus.ARRIVED,
        record_code=ref,
        service=Ref("S"),
        practitioner=None,
        appointment=None,
        ticket=VisitTicket(number=found["id"], prefix="S", room=None, provisional=False),
        own_number=None,
        fee_due_vnd=None,
        created_at=datetime.now(UTC),
    )
