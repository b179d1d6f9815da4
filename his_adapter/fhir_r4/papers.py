"""What patients say and agree to, and the code lists of the HIS."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from his_adapter.builtin.checks import MAX_REF, checked_key, checked_moment, checked_text
from his_adapter.errors import (
    BrokenReply,
    Duplicate,
    InvalidData,
    KeyReused,
    NotFound,
    VersionConflict,
)
from his_adapter.errors import NotSupported as Unsupported
from his_adapter.fhir_r4.hospital import Hospital, page_of
from his_adapter.fhir_r4.mapping.papers import (
    QUESTIONNAIRES,
    answers_of,
    codes,
    consent_resource,
    history_resource,
    receipt,
)
from his_adapter.fhir_r4.mapping.reading import Resource, object_of, reference_to, text_of
from his_adapter.fhir_r4.people import People
from his_adapter.models import (
    MAX_PART_BYTES,
    Code,
    ConsentRecord,
    HistoryAnswers,
    Page,
    Receipt,
    Ref,
    WriteKey,
)

_MAX_ANSWERS = 300
_MAX_ANSWER = 2000
_MOST_CODES = 20_000


@dataclass(frozen=True, kw_only=True)
class Papers:
    hospital: Hospital
    people: People

    def submit_history(self, patient: Ref, history: HistoryAnswers, *, key: WriteKey) -> Receipt:
        checked_key(key)
        if len(history.answers) > _MAX_ANSWERS:
            raise InvalidData("answers", "Quá nhiều câu trả lời.")
        checked = replace(
            history,
            questionnaire=checked_text("questionnaire", history.questionnaire, max_chars=MAX_REF),
            language=checked_text("language", history.language, max_chars=MAX_REF),
            answers=tuple(
                (
                    checked_text("answers", question, max_chars=MAX_REF),
                    checked_text("answers", answer, max_chars=_MAX_ANSWER),
                )
                for question, answer in history.answers
            ),
            answered_at=checked_moment("answered_at", history.answered_at),
        )
        owner = self.people.read(patient).ref

        def is_same(stored: Resource) -> bool:
            return (
                reference_to("Patient", stored.get("subject")) == owner
                and stored.get("questionnaire") == QUESTIONNAIRES + checked.questionnaire
                and answers_of(stored) == checked.answers
            )

        resource = history_resource(self.hospital.config, owner, checked, key=key)
        return self._once(resource, is_same, key)

    def record_consent(self, consent: ConsentRecord, *, key: WriteKey) -> Receipt:
        checked_key(key)
        if len(consent.document_pdf) > MAX_PART_BYTES:
            raise InvalidData("document_pdf", "Tài liệu quá lớn.")
        if consent.document_pdf and not consent.document_pdf.startswith(b"%PDF-"):
            raise InvalidData("document_pdf", "Tài liệu không phải PDF.")
        checked = replace(
            consent,
            patient=self.people.read(consent.patient).ref,
            document=checked_text("document", consent.document, max_chars=MAX_REF),
            signer_relation=checked_text(
                "signer_relation", consent.signer_relation, max_chars=MAX_REF
            ),
            evidence=checked_text("evidence", consent.evidence, max_chars=MAX_REF),
            given_at=checked_moment("given_at", consent.given_at),
        )

        def is_same(stored: Resource) -> bool:
            return (
                reference_to("Patient", stored.get("patient")) == checked.patient
                and text_of(object_of(stored.get("policyRule")).get("text")) == checked.document
            )

        resource = consent_resource(self.hospital.config, checked, key=key)
        return self._once(resource, is_same, key)

    def codes(self, system: str, parent: str | None, *, limit: int) -> Page[Code]:
        config = self.hospital.config
        if system not in config.code_lists:
            raise NotFound("no such code list")
        value_set = self._expanded(config.code_lists[system])
        found = {item.code: item for item in codes(config, value_set)}
        if len(found) > _MOST_CODES:
            raise BrokenReply("a code list without end")
        wanted = [item for item in found.values() if parent in {None, item.parent}]
        return page_of(sorted(wanted, key=lambda item: item.code), limit)

    # --- inside

    def _once(
        self, resource: Resource, is_same: Callable[[Resource], bool], key: WriteKey
    ) -> Receipt:
        kind = resource["resourceType"]
        for attempt in range(2):
            known = self.hospital.with_key(kind, key)
            if known:
                if not all(is_same(item) for item in known):
                    raise KeyReused("this key named another paper")
                for doubled in known[1:]:
                    gone = {**doubled, "status": "entered-in-error"}
                    self.hospital.undo(doubled, key=key, instead=gone)
                return receipt(known[0])
            if attempt == 0:
                try:
                    self.hospital.client.create(
                        resource, key=key, if_none_exist=self.hospital.if_new(key)
                    )
                except (Duplicate, VersionConflict):
                    continue  # somebody was quicker with the same key: looked for again
        raise BrokenReply(f"the {kind} was taken, but is not to be found")

    def _expanded(self, url: str) -> Resource:
        """Expanded by the server, or as it is stored where the server cannot expand."""
        asked = {
            "resourceType": "Parameters",
            "parameter": [
                {"name": "url", "valueUri": url},
                {"name": "count", "valueInteger": _MOST_CODES},
            ],
        }
        try:
            expanded = self.hospital.client.operation("/ValueSet/$expand", asked)
        except (NotFound, Unsupported, InvalidData):
            found = self.hospital.search("ValueSet", [("url", url)], limit=5).matches
            stored = [item for item in found if item.get("url") == url]
            if not stored:
                raise NotFound("no such code list") from None
            return stored[0]
        if expanded.get("resourceType") != "ValueSet":
            raise BrokenReply("no code list came")
        return expanded
