"""An archive behind the port: the results of kind imaging and their pictures, nothing else.

Patients are named by their PatientID in the archive, which is mostly the hospital's patient
number. A study is named by its UID, or as `accession:NUMBER`. Every study that is touched is
checked against the patient. An archive does not know what is released: see `compose`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from importlib.metadata import version as package_version
from typing import Any
from zoneinfo import ZoneInfo

from his_adapter.dicomweb import mapping
from his_adapter.dicomweb.client import DicomwebClient
from his_adapter.dicomweb.config import DicomwebConfig, read_settings
from his_adapter.errors import BrokenReply, HisError, InvalidData, NotFound
from his_adapter.models import (
    Capabilities,
    Facility,
    Health,
    HealthState,
    Page,
    Ref,
    Report,
    ReportContent,
    ReportKind,
)
from his_adapter.partial import PartialGateway, overridden_features
from his_adapter.ports import DEFAULT_LIMIT, HisGateway

ACCESSION_PREFIX = "accession:"
_NUMBER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,63}")  # * ? and \\ are wildcards of QIDO-RS
_PART = re.compile(r"image-([1-9][0-9]{0,2})")
_WANTED = (mapping.STUDY_TITLE, mapping.ZONE_OFFSET, mapping.INSTANCES)


class DicomwebGateway(PartialGateway):
    """Keeps nothing between calls, in memory or on disk. Safe from several threads."""

    def __init__(self, config: DicomwebConfig, client: DicomwebClient) -> None:
        self._config = config
        self._client = client

    def capabilities(self) -> Capabilities:
        return Capabilities(
            features=overridden_features(type(self)),
            facility=Facility(
                code=self._config.facility_code, name_vi="PACS", name_en="PACS", hotline=""
            ),
            max_limit=self._config.max_studies,
            adapter="dicomweb",
            adapter_version=package_version("tiepdon"),
            his_version="DICOMweb",
        )

    def health(self) -> Health:
        try:
            return Health(state=HealthState.OK, latency_ms=self._client.ping())
        except HisError as error:
            return Health(state=HealthState.DOWN, cause=error.code)

    def close(self) -> None:
        self._client.close()

    def list_reports(
        self,
        patient: Ref,
        since: datetime,
        *,
        kinds: frozenset[ReportKind] = frozenset(ReportKind),
        limit: int = DEFAULT_LIMIT,
    ) -> Page[Report]:
        """Studies taken since then; a patient the archive never saw has none.

        A study without a date is left out, and the list says then that it is not complete.
        """
        number = _checked_number(patient)
        if limit < 1:
            raise InvalidData("limit", "Danh sách yêu cầu quá dài.")
        if since.tzinfo is None:
            raise InvalidData("since", "Thời gian thiếu múi giờ.")
        if ReportKind.IMAGING not in kinds:
            return Page(items=(), complete=True)
        limit = min(limit, self._config.max_studies)
        zone = ZoneInfo(self._config.timezone)
        studies = self._client.find(
            "studies",
            [
                ("PatientID", number),
                ("StudyDate", f"{since.astimezone(zone):%Y%m%d}-"),
                *(("includefield", tag) for tag in _WANTED),
                ("limit", self._config.max_studies + 1),
            ],
        )
        dated = [
            (moment, self._own(study, number))
            for study in studies
            if (moment := mapping.study_moment(study, zone)) is not None
        ]
        wanted = sorted(
            (item for item in dated if item[0] >= since),
            key=lambda item: (item[0], mapping.uid(item[1], mapping.STUDY_UID)),
            reverse=True,
        )
        reports = [
            mapping.report(study, self._series(study), patient=patient, issued_at=moment)
            for moment, study in wanted[:limit]
        ]
        complete = (
            len(wanted) <= limit
            and len(dated) == len(studies)
            and len(studies) <= self._config.max_studies
        )
        return Page(items=tuple(reports), complete=complete)

    def read_report_part(self, ref: Ref, part: str, *, patient: Ref) -> ReportContent:
        """The middle picture of the series with that place, rendered by the archive."""
        study = self._study_of(ref, _checked_number(patient))
        match = _PART.fullmatch(part)
        series = self._series(study)
        if match is None or int(match[1]) > len(series):
            raise NotFound("the study has no such picture")
        wanted = series[int(match[1]) - 1]
        path = f"studies/{mapping.uid(study, mapping.STUDY_UID)}/series/{wanted.uid}/instances"
        instance = mapping.middle_instance(self._client.find(path, []))
        if instance is None:
            raise NotFound("the series is empty")
        media_type, body = self._client.picture(
            f"{path}/{instance}/rendered", size_px=self._config.picture_px
        )
        return ReportContent(media_type=media_type, body=body)

    # --- inside

    def _study_of(self, ref: Ref, number: str) -> Mapping[str, Any]:
        """Raises NotFound for an unknown study, and for one of somebody else."""
        if ref.startswith(ACCESSION_PREFIX):
            accession = ref.removeprefix(ACCESSION_PREFIX)
            name = ("AccessionNumber", _checked_number(Ref(accession)))
        elif mapping.is_uid(ref):
            name = ("StudyInstanceUID", str(ref))
        else:
            raise NotFound("no such study of this patient")
        for study in self._client.find("studies", [name, ("PatientID", number), ("limit", 2)]):
            if mapping.find_text(study, mapping.PATIENT_ID) != number:
                continue  # an archive that overlooks a condition of the search
            if ref in {
                mapping.find_text(study, mapping.STUDY_UID),
                f"{ACCESSION_PREFIX}{mapping.find_text(study, mapping.ACCESSION)}",
            }:
                return study
        raise NotFound("no such study of this patient")

    def _series(self, study: Mapping[str, Any]) -> list[mapping.Series]:
        path = f"studies/{mapping.uid(study, mapping.STUDY_UID)}/series"
        found = mapping.shown_series(self._client.find(path, []))
        return found[: self._config.max_pictures]

    def _own(self, study: Mapping[str, Any], number: str) -> Mapping[str, Any]:
        if mapping.find_text(study, mapping.PATIENT_ID) != number:
            raise BrokenReply("the archive answers about another patient")
        return study


def _checked_number(ref: Ref) -> str:
    if _NUMBER.fullmatch(ref) is None:
        raise NotFound("no such patient or study")
    return str(ref)


def open_gateway(settings: Mapping[str, Any]) -> HisGateway:
    """Raises GatewayMisconfigured; an archive that is away is for `health` to say."""
    config = read_settings(settings)
    return DicomwebGateway(config, DicomwebClient(config))
