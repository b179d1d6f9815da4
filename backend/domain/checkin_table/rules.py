"""What the check-in table must keep to before it may leave: rules CI-01 to CI-16.

CI-03 to CI-05 follow the portal's own list of checks; the others are ours, so that the hospital
hears of a mistake from us and not a day later from the portal. CI-17 (nothing of it in a log) is
kept by whoever handles the document.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from lxml import etree

from backend.domain.checkin_table.row import EMERGENCY, NOT_INSURED, CostKind, clean_text
from backend.domain.checkin_table.standard import (
    CodeLists,
    Standard,
    code_lists_on,
    load_schema,
)
from backend.domain.checkin_table.xml import parse_checkin, read_rows

CLOCK_TOLERANCE = timedelta(minutes=5)
OLDEST_YEARS = 150
_DATES = {
    "NGAY_SINH": 12, "NGAY_VAO": 12, "NGAY_VAO_NOI_TRU": 12, "NGAY_YL": 12,
    "GT_THE_TU": 8, "GT_THE_DEN": 8,
}  # fmt: skip
_CARD_FIELDS = ("MA_DKBD", "GT_THE_TU", "GT_THE_DEN")

Row = dict[str, str]
SentKey = tuple[str, str, str, str]


class Severity(StrEnum):
    ERROR = "error"
    """Must not be sent."""
    WARN = "warn"
    """May be sent; the portal decides."""
    SKIP = "skip"
    """Is not sent, and that is right."""
    FIX = "fix"
    """We would have written it better ourselves."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """`row` counts from 1; 0 stands for the whole document."""

    rule: str
    field: str
    severity: Severity
    row: int = 1


@dataclass(frozen=True, kw_only=True)
class Circumstances:
    """What a document is judged against: who sends it, when, and what went before."""

    facility_code: str
    """Of the account that sends."""
    now: datetime
    zone: ZoneInfo
    sent_before: Container[SentKey] = frozenset()


@dataclass(frozen=True, kw_only=True)
class Verdict:
    findings: tuple[Finding, ...]

    @property
    def valid(self) -> bool:
        return not any(finding.severity is Severity.ERROR for finding in self.findings)

    @property
    def may_leave(self) -> bool:
        """Valid, and nothing says that it need not or must not go."""
        return self.valid and not any(f.severity is Severity.SKIP for f in self.findings)


def check_document(
    untrusted_document: bytes, standard: Standard, circumstances: Circumstances
) -> Verdict:
    """Every rule on every row, ordered by row, rule and field. Raises NotACheckinTable."""
    root = parse_checkin(untrusted_document, standard)
    order = {field.name: index for index, field in enumerate(standard.fields)}
    findings = set(_check_shape(root, standard))
    seen: set[SentKey] = set()
    for number, row in enumerate(read_rows(root, standard), start=1):
        context = _Context(circumstances=circumstances, seen=seen, number=number)
        for rule in _RULES:
            findings.update(rule(row, context))
        seen.add(sent_key(row))
    return Verdict(
        findings=tuple(
            sorted(findings, key=lambda f: (f.row, f.rule, order.get(f.field, -1), f.field))
        )
    )


def sent_key(row: Row) -> SentKey:
    """What the gateway knows a row by (CI-15)."""
    code = "|".join(row.get(f"MA_{kind}", "") for kind in CostKind)
    return row.get("MA_CSKCB", ""), row.get("MA_LK", ""), code, row.get("NGAY_YL", "")


# --- shape ---------------------------------------------------------------------------------------


def _check_shape(root: etree._Element, standard: Standard) -> Iterator[Finding]:
    """CI-01 a value has another shape; CI-02 a field is missing, doubled or out of order."""
    schema = load_schema(standard.id)
    if schema.validate(root):
        return
    rows = list(root.iterfind(f"{standard.rows}/{standard.row}"))
    names = {field.name for field in standard.fields}
    for entry in schema.error_log:
        wrong_place = entry.type_name == "SCHEMAV_ELEMENT_CONTENT"
        name = re.sub(r"\[\d+\]$", "", (entry.path or "").rsplit("/", 1)[-1])
        yield Finding(
            rule="CI-02" if wrong_place else "CI-01",
            field=name if name in names else standard.row,
            severity=Severity.ERROR,
            row=_row_of(entry.path or "", len(rows)),
        )


def _row_of(path: str, rows: int) -> int:
    match = re.search(r"/[A-Z_]+/[A-Z_]+/[A-Z_]+\[(\d+)\]", path)
    return int(match.group(1)) if match else min(rows, 1)


# --- across the fields of one row ------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class _Context:
    circumstances: Circumstances
    seen: set[SentKey]
    number: int

    def find(self, rule: str, field: str, severity: Severity = Severity.ERROR) -> Finding:
        return Finding(rule=rule, field=field, severity=severity, row=self.number)

    def now(self) -> datetime:
        return self.circumstances.now.astimezone(self.circumstances.zone).replace(tzinfo=None)


def _first_cost(row: Row, context: _Context) -> Iterator[Finding]:
    if not any(row.get(f"MA_{kind}") for kind in CostKind):
        yield context.find("CI-03", f"MA_{CostKind.SERVICE}")


def _code_with_name(row: Row, context: _Context) -> Iterator[Finding]:
    for kind in CostKind:
        if bool(row.get(f"MA_{kind}")) != bool(row.get(f"TEN_{kind}")):
            yield context.find("CI-04", f"TEN_{kind}" if row.get(f"MA_{kind}") else f"MA_{kind}")


def _admission(row: Row, context: _Context) -> Iterator[Finding]:
    admitted = row.get("NGAY_VAO_NOI_TRU", "")
    if not admitted:
        return
    if not row.get("LY_DO_VNT"):
        yield context.find("CI-05", "LY_DO_VNT")
    if admitted < row.get("NGAY_VAO", ""):
        yield context.find("CI-05", "NGAY_VAO_NOI_TRU")


def _real_dates(row: Row, context: _Context) -> Iterator[Finding]:
    for name, digits in _DATES.items():
        text = row.get(name, "")
        if len(text) != digits or not text.isdigit():
            continue  # CI-01 speaks of that
        partly_known = name == "NGAY_SINH" and text[6:8] == "00"
        if partly_known and (text[4:6] == "00" or "01" <= text[4:6] <= "12"):
            text = f"{text[:4]}{max(text[4:6], '01')}01{text[8:]}"
        if _moment(text) is None:
            yield context.find("CI-06", name)


def _order_of_times(row: Row, context: _Context) -> Iterator[Finding]:
    born, arrived, now = row.get("NGAY_SINH", ""), _moment(row.get("NGAY_VAO", "")), context.now()
    if arrived is None:
        return
    is_year = born[:4].isdigit() and len(born) == 12
    if is_year and not (
        born <= f"{arrived:%Y%m%d%H%M}" and arrived.year - int(born[:4]) <= OLDEST_YEARS
    ):
        yield context.find("CI-07", "NGAY_SINH")
    if arrived > now + CLOCK_TOLERANCE:
        yield context.find("CI-07", "NGAY_VAO")


def _time_of_order(row: Row, context: _Context) -> Iterator[Finding]:
    ordered, arrived = _moment(row.get("NGAY_YL", "")), _moment(row.get("NGAY_VAO", ""))
    if ordered is None or arrived is None:
        return
    if ordered < arrived or ordered > context.now() + CLOCK_TOLERANCE:
        yield context.find("CI-08", "NGAY_YL", Severity.WARN)


def _card_in_force(row: Row, context: _Context) -> Iterator[Finding]:
    if not row.get("MA_THE_BHYT"):
        return
    for name in ("MA_DKBD", "GT_THE_TU"):
        if not row.get(name):
            yield context.find("CI-09", name, Severity.WARN)
    day = row.get("NGAY_VAO", "")[:8]
    if row.get("GT_THE_TU", "") > day:
        yield context.find("CI-09", "GT_THE_TU", Severity.WARN)
    if row.get("GT_THE_DEN") and row["GT_THE_DEN"] < day:
        yield context.find("CI-09", "GT_THE_DEN", Severity.WARN)


def _no_card(row: Row, context: _Context) -> Iterator[Finding]:
    if row.get("MA_THE_BHYT"):
        return
    for name in _CARD_FIELDS:
        if row.get(name):
            yield context.find("CI-10", name)
    if row.get("MA_DOITUONG_KCB") != NOT_INSURED:
        yield context.find("CI-10", "MA_DOITUONG_KCB")


def _card_not_used(row: Row, context: _Context) -> Iterator[Finding]:
    if row.get("MA_DOITUONG_KCB") == NOT_INSURED and row.get("MA_THE_BHYT"):
        yield context.find("CI-11", "MA_THE_BHYT", Severity.WARN)


def _known_codes(row: Row, context: _Context) -> Iterator[Finding]:
    lists = _lists_for(row, context)
    category, care = row.get("MA_DOITUONG_KCB", ""), row.get("MA_LOAI_KCB", "")
    is_code = re.fullmatch(r"[1-9][0-9]?(\.[0-9]{1,2})?", category)
    if is_code and category not in lists.patient_categories:
        yield context.find("CI-12", "MA_DOITUONG_KCB")
    if re.fullmatch(r"[01][0-9]", care) and care not in lists.care_types:
        yield context.find("CI-12", "MA_LOAI_KCB")


def _lists_for(row: Row, context: _Context) -> CodeLists:
    arrived = _moment(row.get("NGAY_VAO", ""))
    day = (arrived or context.now()).date()
    return code_lists_on(max(day, date(2025, 1, 1)))


def _own_facility(row: Row, context: _Context) -> Iterator[Finding]:
    if row.get("MA_CSKCB") != context.circumstances.facility_code:
        yield context.find("CI-13", "MA_CSKCB")


def _emergency(row: Row, context: _Context) -> Iterator[Finding]:
    """QĐ 4750/QĐ-BYT Điều 2 khoản 2: an emergency needs no check-in table."""
    if row.get("MA_DOITUONG_KCB") == EMERGENCY:
        yield context.find("CI-14", "MA_DOITUONG_KCB", Severity.SKIP)


def _sent_once(row: Row, context: _Context) -> Iterator[Finding]:
    key = sent_key(row)
    if key in context.seen or key in context.circumstances.sent_before:
        yield context.find("CI-15", "MA_LK", Severity.SKIP)


def _tidy_text(row: Row, context: _Context) -> Iterator[Finding]:
    for name, text in row.items():
        if text != clean_text(text):
            yield context.find("CI-16", name, Severity.FIX)


_RULES: tuple[Callable[[Row, _Context], Iterator[Finding]], ...] = (
    _first_cost,
    _code_with_name,
    _admission,
    _real_dates,
    _order_of_times,
    _time_of_order,
    _card_in_force,
    _no_card,
    _card_not_used,
    _known_codes,
    _own_facility,
    _emergency,
    _sent_once,
    _tidy_text,
)


def _moment(text: str) -> datetime | None:
    """The wall-clock time of `yyyymmdd` or `yyyymmddHHMM`, or None if there is no such time."""
    try:
        return datetime.strptime(text, "%Y%m%d%H%M" if len(text) == 12 else "%Y%m%d")  # noqa: DTZ007  # wall clock of the facility, as the standard writes it
    except ValueError:
        return None
