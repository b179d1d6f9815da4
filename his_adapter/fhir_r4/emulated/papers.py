"""Answers to questionnaires, consents, and lists of codes."""

from __future__ import annotations

import base64
from collections.abc import Callable

from his_adapter.fhir_r4.emulated.store import WHOLE, Params, Store, patient_in, values
from his_adapter.fhir_r4.mapping.papers import QUESTIONNAIRES, answers_of, value_set_resource
from his_adapter.fhir_r4.mapping.reading import (
    Resource,
    extension,
    moment_of,
    object_of,
    objects,
    text_of,
)
from his_adapter.models import ConsentRecord, HistoryAnswers, Receipt, WriteKey


class Papers:
    """Kept as they were sent."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._kept: dict[tuple[str, str], Resource] = {}

    def search(self, kind: str) -> Callable[[Params], list[Resource]]:
        def find(params: Params) -> list[Resource]:
            found = []
            for value in values(params, "identifier"):
                key = value.rpartition("|")[2]
                made = self._store.his.find_by_key(WriteKey(key))
                if isinstance(made, Receipt) and (kind, made.ref) in self._kept:
                    found.append(self._show(kind, made))
            return found

        return find

    def expand(self, body: Resource) -> Resource:
        url = next(
            (
                text_of(parameter.get("valueUri"))
                for parameter in objects(body.get("parameter"))
                if parameter.get("name") == "url"
            ),
            "",
        )
        name = url.rpartition(":")[2]
        return value_set_resource(
            self._store.config, url, self._store.his.list_codes(name, limit=WHOLE).items
        )

    def submit_history(self, body: Resource, key: WriteKey) -> Resource:
        patient = self._store.ref_for(patient_in(body.get("subject")))
        made = self._store.his.submit_history(patient, _history(body), key=key)
        return self._keep("QuestionnaireResponse", made, body, key)

    def record_consent(self, body: Resource, key: WriteKey) -> Resource:
        made = self._store.his.record_consent(self._consent(body), key=key)
        return self._keep("Consent", made, body, key)

    def _keep(self, kind: str, made: Receipt, body: Resource, key: WriteKey) -> Resource:
        self._kept[kind, made.ref] = body
        self._store.remember(kind, made.ref, "official", key)
        return self._show(kind, made)

    def _show(self, kind: str, made: Receipt) -> Resource:
        kept = self._kept[kind, made.ref]
        return {**kept, "id": made.ref, "meta": {"versionId": made.version or "1"}}

    def _consent(self, body: Resource) -> ConsentRecord:
        own = self._store.config.extensions.own
        data = object_of(body.get("sourceAttachment")).get("data")
        is_patient = object_of(extension(body, own + "signer-is-patient"))
        relation = object_of(extension(body, own + "signer-relation"))
        return ConsentRecord(
            patient=self._store.ref_for(patient_in(body.get("patient"))),
            document=text_of(object_of(body.get("policyRule")).get("text")),
            signer_is_patient=is_patient.get("valueBoolean") is not False,
            signer_relation=text_of(relation.get("valueString")),
            evidence=text_of(object_of(extension(body, own + "evidence")).get("valueString")),
            document_pdf=base64.b64decode(data) if isinstance(data, str) else b"",
            given_at=moment_of(body.get("dateTime")),
        )


def _history(body: Resource) -> HistoryAnswers:
    return HistoryAnswers(
        questionnaire=text_of(body.get("questionnaire")).removeprefix(QUESTIONNAIRES),
        answers=answers_of(body),
        language=text_of(body.get("language")) or "vi",
        answered_at=moment_of(body.get("authored")),
    )
