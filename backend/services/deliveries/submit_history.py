"""What a patient says about their own health goes before a clinician in the HIS."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from backend.services.deliveries.message import (
    NO_RECORD,
    Delivered,
    Message,
    NeedsStaff,
    find_written,
)
from backend.services.deliveries.sealed import (
    find_person_ref,
    make_sealed_payload,
    open_payload,
    told,
)
from backend.services.resources import Resources
from backend.storage.crypto import Keys
from his_adapter.models import HistoryAnswers, Receipt, WriteKey

QUESTIONNAIRE = "desk-history-1"


def make_payload(
    keys: Keys,
    *,
    person_id: str,
    answers: Mapping[str, str],
    language: str,
    answered_at: datetime,
) -> dict[str, str]:
    content = {
        "answers": dict(answers),
        "language": language,
        "answered_at": answered_at.isoformat(),
    }
    return make_sealed_payload(keys, person_id=person_id, content=content)


def deliver(resources: Resources, message: Message) -> Delivered | None:
    """Raises NeedsStaff where the HIS has no record of the person to put it with."""
    ref = find_person_ref(resources, message)
    if ref is None:
        raise NeedsStaff(NO_RECORD)
    key = WriteKey(f"{message.id}.history")
    written = find_written(resources, message, key)
    if not isinstance(written, Receipt):
        content = open_payload(resources.keys, message)
        history = HistoryAnswers(
            questionnaire=QUESTIONNAIRE,
            answers=tuple(content["answers"].items()),
            language=content["language"],
            answered_at=datetime.fromisoformat(content["answered_at"]),
        )
        written = resources.his.submit_history(ref, history, key=key)
    return told(message, his_ref=written.ref)
