"""DICOM JSON ↔ the models of the port. Pure; a dataset that is not as it must be is BrokenReply."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

from his_adapter.errors import BrokenReply
from his_adapter.models import PartKind, Ref, Report, ReportKind, ReportPart, ReportStatus

STUDY_DATE, STUDY_TIME, ZONE_OFFSET = "00080020", "00080030", "00080201"
ACCESSION, MODALITY, MODALITIES = "00080050", "00080060", "00080061"
STUDY_TITLE, PATIENT_ID = "00081030", "00100020"
STUDY_UID, SERIES_UID, INSTANCE_UID = "0020000D", "0020000E", "00080018"
SERIES_NUMBER, INSTANCE_NUMBER, INSTANCES = "00200011", "00200013", "00201208"

_UID = re.compile(r"[0-9.]{1,64}")
_TIME = re.compile(r"([0-9]{2})([0-9]{2})?([0-9]{2})?(?:\.[0-9]{1,6})?")
_OFFSET = re.compile(r"([+-])([0-9]{2})([0-9]{2})")
_MAX_TEXT = 200
_NO_PICTURE = frozenset(
    {"SR", "PR", "KO", "DOC", "AU", "REG", "SEG", "PLAN", "RTPLAN", "RTSTRUCT", "RTDOSE", "ECG"}
)
_NAMES = {
    "CR": "X-quang",
    "DX": "X-quang",
    "CT": "Cắt lớp vi tính",
    "MR": "Cộng hưởng từ",
    "US": "Siêu âm",
    "MG": "X-quang tuyến vú",
    "ES": "Nội soi",
}


@dataclass(frozen=True, kw_only=True)
class Series:
    uid: str
    number: int


def find_text(dataset: Mapping[str, Any], tag: str) -> str | None:
    """The first value, NFC; None when it is not there. Raises BrokenReply."""
    element = dataset.get(tag)
    values = element.get("Value") if isinstance(element, Mapping) else None
    if element is not None and not isinstance(element, Mapping):
        raise _broken(tag)
    if not values:
        return None
    value = values[0] if isinstance(values, list) else None
    if isinstance(value, int):
        value = str(value)
    if value is not None and (not isinstance(value, str) or len(value) > _MAX_TEXT):
        raise _broken(tag)
    return unicodedata.normalize("NFC", value).strip("\0 ") or None if value else None


def uid(dataset: Mapping[str, Any], tag: str) -> str:
    value = find_text(dataset, tag)
    if value is None or not is_uid(value):
        raise _broken(tag)
    return value


def is_uid(text: str) -> bool:
    return _UID.fullmatch(text) is not None


def study_moment(study: Mapping[str, Any], zone: ZoneInfo) -> datetime | None:
    """When it was taken, in UTC; None for a study without a date."""
    day = find_text(study, STUDY_DATE)
    if day is None:
        return None
    clock = _TIME.fullmatch(find_text(study, STUDY_TIME) or "000000")
    if clock is None:
        raise _broken(STUDY_TIME)
    hour, minute, second = (int(part or 0) for part in clock.groups())
    try:
        moment = datetime.strptime(day, "%Y%m%d").replace(
            hour=hour, minute=minute, second=min(second, 59), tzinfo=_zone(study, zone)
        )
    except ValueError as error:
        raise _broken(STUDY_DATE) from error
    return moment.astimezone(UTC)


def report(
    study: Mapping[str, Any], series: Iterable[Series], *, patient: Ref, issued_at: datetime
) -> Report:
    """`order` is the accession number, which is all an archive knows of an order."""
    accession = find_text(study, ACCESSION)
    modality = find_text(study, MODALITIES) or ""
    parts = tuple(
        ReportPart(name=f"image-{place}", kind=PartKind.IMAGE, media_type="image/jpeg")
        for place, _ in enumerate(series, start=1)
    )
    return Report(
        ref=Ref(uid(study, STUDY_UID)),
        version=f"{len(parts)}.{find_text(study, INSTANCES) or 0}",
        patient=patient,
        order=None if accession is None else Ref(accession),
        visit=None,
        kind=ReportKind.IMAGING,
        title_vi=find_text(study, STUDY_TITLE) or _NAMES.get(modality, "Hình ảnh"),
        status=ReportStatus.FINAL,
        issued_at=issued_at,
        parts=parts,
    )


def shown_series(datasets: Iterable[Mapping[str, Any]]) -> list[Series]:
    """Series that hold pictures, in the order of their numbers."""
    found = [
        Series(uid=uid(item, SERIES_UID), number=_number(item, SERIES_NUMBER))
        for item in datasets
        if find_text(item, MODALITY) not in _NO_PICTURE
    ]
    return sorted(found, key=lambda series: (series.number, series.uid))


def middle_instance(datasets: Iterable[Mapping[str, Any]]) -> str | None:
    """The picture in the middle of a series says more than its first."""
    found = sorted((_number(item, INSTANCE_NUMBER), uid(item, INSTANCE_UID)) for item in datasets)
    return found[len(found) // 2][1] if found else None


def _number(dataset: Mapping[str, Any], tag: str) -> int:
    text = find_text(dataset, tag) or "0"
    return int(text) if re.fullmatch(r"-?[0-9]{1,9}", text) else 0


def _zone(study: Mapping[str, Any], zone: ZoneInfo) -> ZoneInfo | timezone:
    match = _OFFSET.fullmatch(find_text(study, ZONE_OFFSET) or "")
    if match is None or int(match[2]) > 14 or int(match[3]) > 59:
        return zone
    offset = timedelta(hours=int(match[2]), minutes=int(match[3]))
    return timezone(-offset if match[1] == "-" else offset)


def _broken(tag: str) -> BrokenReply:
    return BrokenReply(f"dataset: element {tag} is not as it must be")
