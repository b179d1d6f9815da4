"""What a run found, as report.json for machines and report.html for people; signed if asked.

The signature is Ed25519 over the bytes of report.json, in base64, in report.json.sig.
"""

from __future__ import annotations

import base64
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key
from jinja2 import Environment, PackageLoader, StrictUndefined

from his_adapter.conformance.case import CASES, LEVEL_NAMES, Level, Status
from his_adapter.conformance.kit import CaseResult, Outcome

JSON_FILE = "report.json"
HTML_FILE = "report.html"
SIGNATURE_FILE = "report.json.sig"
MOST_CALLS_SHOWN = 200
"""Of one case; a load test makes thousands alike, which are counted instead."""

STATUS_WORDS = {
    Status.PASSED: ("Đạt", "passed"),
    Status.FAILED: ("Không đạt", "failed"),
    Status.NOT_APPLICABLE: ("Không áp dụng", "not applicable"),
    Status.UNPREPARED: ("Chưa chuẩn bị", "not prepared"),
}


class SignatureInvalid(Exception):
    """The report is not what was signed, or the key is not an Ed25519 key."""


def report_of(outcome: Outcome) -> dict[str, Any]:
    """Everything a reader or a machine may want, without anything of a person."""
    declared = outcome.capabilities
    return {
        "kit": {"version": outcome.kit_version, "cases": len(CASES)},
        "adapter": {
            "name": declared.adapter,
            "version": declared.adapter_version,
            "his_version": declared.his_version,
            "facility_code": declared.facility.code,
        },
        "capabilities": sorted(declared.features),
        "started_at": outcome.started_at.isoformat(timespec="seconds"),
        "seconds": round(outcome.seconds, 1),
        "speed": outcome.speed,
        "full_clock": outcome.speed == 1,
        "fault_proxy": outcome.has_wire,
        "patients_counted": outcome.counted,
        "level": outcome.level,
        "levels": [_level(outcome, level) for level in Level],
        "cases": [_case(result) for result in outcome.results],
    }


def _level(outcome: Outcome, level: Level) -> dict[str, Any]:
    results = [result for result in outcome.by_case().values() if result.case.level is level]
    counts = Counter(result.status.value for result in results)
    return {
        "level": level,
        "name_vi": LEVEL_NAMES[level][0],
        "name_en": LEVEL_NAMES[level][1],
        "reached": outcome.level is not None
        and list(Level).index(outcome.level) >= list(Level).index(level),
        **{status.value: counts[status.value] for status in Status},
    }


def _case(result: CaseResult) -> dict[str, Any]:
    return {
        "id": result.case.id,
        "round": result.round,
        "level": result.case.level,
        "title_vi": result.case.title.vi,
        "title_en": result.case.title.en,
        "status": result.status,
        "reason_vi": result.reason.vi if result.reason else None,
        "reason_en": result.reason.en if result.reason else None,
        "seconds": result.seconds,
        "notes": list(result.notes),
        "calls_total": len(result.calls),
        "calls": [asdict(call) for call in result.calls[:MOST_CALLS_SHOWN]],
    }


def write_reports(outcome: Outcome, folder: Path, *, signing_key: Path | None = None) -> None:
    """Writes both reports, and the signature when a key is given. Raises OSError, ValueError."""
    folder.mkdir(parents=True, exist_ok=True)
    report = report_of(outcome)
    text = json.dumps(report, ensure_ascii=False, indent=1) + "\n"
    (folder / JSON_FILE).write_text(text, encoding="utf-8")
    (folder / HTML_FILE).write_text(render(report), encoding="utf-8")
    if signing_key is not None:
        signature = _read_private_key(signing_key).sign(text.encode())
        (folder / SIGNATURE_FILE).write_bytes(base64.b64encode(signature) + b"\n")


def render(report: Mapping[str, Any]) -> str:
    """One page that stands alone: Vietnamese first, English under it, fit to be printed."""
    environment = Environment(
        loader=PackageLoader("his_adapter.conformance", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    words = {status.value: words for status, words in STATUS_WORDS.items()}
    worst: dict[str, Mapping[str, Any]] = {}
    for case in report["cases"]:
        if case["id"] not in worst or worst[case["id"]]["status"] == Status.PASSED:
            worst[case["id"]] = case
    return environment.get_template("report.html").render(
        report=report, cases=[worst[case_id] for case_id in sorted(worst)], words=words
    )


def check_signature(folder: Path, public_key: Path) -> None:
    """Raises SignatureInvalid, OSError."""
    try:
        key = load_pem_public_key(public_key.read_bytes())
        if not isinstance(key, Ed25519PublicKey):
            raise SignatureInvalid("not an Ed25519 key")
        signature = base64.b64decode((folder / SIGNATURE_FILE).read_bytes())
        key.verify(signature, (folder / JSON_FILE).read_bytes())
    except (InvalidSignature, ValueError) as error:
        raise SignatureInvalid("the signature does not fit report.json") from error


def _read_private_key(file: Path) -> Ed25519PrivateKey:
    key = load_pem_private_key(file.read_bytes(), password=None)
    if not isinstance(key, Ed25519PrivateKey):
        raise ValueError(f"{file.name} holds no Ed25519 key")  # noqa: TRY004 - of the file's content
    return key
