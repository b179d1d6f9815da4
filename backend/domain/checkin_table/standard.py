"""Which version of the national standard holds on a day, as data in `standards/`.

Field names, lengths and order: annex of QĐ 3176/QĐ-BYT, "Bảng chỉ tiêu dữ liệu về trạng thái
khám bệnh, chữa bệnh". The schema is our own reading of it; a hospital replaces it by the one
from the portal, which stands behind a log-in.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files
from typing import Any, Literal

from lxml import etree

_FOLDER = files("backend.domain.checkin_table") / "standards"


class NoStandard(LookupError):
    """No version of the standard, or of a code list, is known for that day or name."""


Need = Literal["must", "optional", "conditional"]


@dataclass(frozen=True, kw_only=True)
class TableField:
    name: str
    max_length: int
    need: Need


@dataclass(frozen=True, kw_only=True)
class Standard:
    """One version. `endpoint` and `file_kind` (`loaiHoSo`) are where the gateway takes it."""

    id: str
    decision: str
    valid_from: date
    root: str
    rows: str
    row: str
    signature: str
    schema: str
    endpoint: str
    file_kind: str
    fields: tuple[TableField, ...]


@dataclass(frozen=True, kw_only=True)
class CodeLists:
    """The codes that are in force on one day."""

    patient_categories: frozenset[str]
    """MA_DOITUONG_KCB."""
    care_types: frozenset[str]
    """MA_LOAI_KCB."""


@cache
def standard_on(day: date) -> Standard:
    """Raises NoStandard for a day before the first version we know."""
    return _standards()[_newest("standards", day)["id"]]


def get_standard(standard_id: str) -> Standard:
    """The version a stored document was made by. Raises NoStandard."""
    try:
        return _standards()[standard_id]
    except KeyError as error:
        raise NoStandard from error


@cache
def code_lists_on(day: date) -> CodeLists:
    """Raises NoStandard for a day before the first lists we know."""
    return CodeLists(
        patient_categories=frozenset(_newest("patient_categories", day)["codes"]),
        care_types=frozenset(_newest("care_types", day)["codes"]),
    )


@cache
def load_schema(standard_id: str) -> etree.XMLSchema:
    """The schema of a version, ready to validate with."""
    content = (_FOLDER / get_standard(standard_id).schema).read_bytes()
    return etree.XMLSchema(etree.fromstring(content, safe_parser()))


def safe_parser() -> etree.XMLParser:
    """For XML of strangers: no entities, no network, no huge trees, no comments."""
    return etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )


def _newest(kind: str, day: date) -> dict[str, Any]:
    in_force = [each for each in _document()[kind] if date.fromisoformat(each["valid_from"]) <= day]
    if not in_force:
        raise NoStandard
    newest: dict[str, Any] = max(in_force, key=lambda each: each["valid_from"])
    return newest


@cache
def _document() -> dict[str, list[dict[str, Any]]]:
    document: dict[str, list[dict[str, Any]]] = json.loads(
        (_FOLDER / "standards.json").read_text(encoding="utf-8")
    )
    return document


@cache
def _standards() -> dict[str, Standard]:
    known: dict[str, dict[str, Any]] = {}
    for entry in _document()["standards"]:
        known[entry["id"]] = known.get(entry.get("like", ""), {}) | entry
    return {
        name: Standard(
            **{
                key: value
                for key, value in entry.items()
                if key not in {"like", "note", "fields", "valid_from"}
            },
            valid_from=date.fromisoformat(entry["valid_from"]),
            fields=tuple(TableField(**each) for each in entry["fields"]),
        )
        for name, entry in known.items()
    }
