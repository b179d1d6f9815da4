from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from backend.domain.audit_chain import (
    AuditRow,
    Head,
    Link,
    canonical_bytes,
    canonical_form,
    find_head,
    genesis,
    read_heads,
    seal,
    write_head,
)

NOW = datetime(2026, 11, 23, 1, 2, 3, 456789, tzinfo=UTC)
ROW = AuditRow(
    id="0" * 32,
    facility_id="main",
    at=NOW,
    actor="kiosk:1",
    event="visit_started",
    subject="visit:1",
    detail={"a": 1},
)
SEALED_FIRST = "312dc9b23bf5826720c9b1438c94dcda081d74662cefcca26d13564e59ea0d64"

texts = st.text(max_size=20)
values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)  # fmt: skip
rows = st.builds(
    AuditRow,
    id=texts,
    facility_id=texts,
    at=st.datetimes(timezones=st.just(UTC)),
    actor=texts,
    event=texts,
    subject=texts,
    detail=st.dictionaries(texts, values, max_size=4),
)


def form(row: AuditRow) -> bytes:
    return canonical_bytes(canonical_form(row, 1, "0" * 64))


def test_the_form_never_changes() -> None:
    """Rows sealed by an older version must still be proven."""
    assert form(ROW) == (
        b'["tiepdon.audit.1","main",1,"' + b"0" * 64 + b'","' + b"0" * 32 + b'",'
        b'"2026-11-23T01:02:03.456789+00:00","kiosk:1","visit_started","visit:1",{"a":1}]'
    )
    assert seal(ROW, after=genesis("main")) == Link(sequence=1, chain_hash=SEALED_FIRST)


@given(row=rows)
def test_what_a_database_gives_back_has_the_same_form(row: AuditRow) -> None:
    backwards = dict(reversed(list(row.detail.items())))
    again = replace(
        row,
        detail=json.loads(json.dumps(backwards)),
        at=row.at.replace(tzinfo=UTC).astimezone(UTC),
    )
    assert form(again) == form(row)


@given(row=rows, other=rows)
def test_rows_that_differ_have_forms_that_differ(row: AuditRow, other: AuditRow) -> None:
    assume(repr(row) != repr(other))
    same = {
        name: getattr(row, name) == getattr(other, name)
        for name in ("id", "facility_id", "at", "actor", "event", "subject", "detail")
    }
    if not all(same.values()):
        assert form(row) != form(other)


@given(row=rows, field=st.sampled_from(["id", "facility_id", "actor", "event", "subject"]))
def test_letters_cannot_wander_between_columns(row: AuditRow, field: str) -> None:
    changed: dict[str, Any] = {field: getattr(row, field) + '","'}
    assert form(replace(row, **changed)) != form(row)


def test_a_moment_has_one_form_in_every_zone() -> None:
    there = ROW.at.astimezone(timezone(timedelta(hours=7)))
    assert form(replace(ROW, at=there)) == form(ROW)


def test_each_facility_and_each_place_has_hashes_of_its_own() -> None:
    assert genesis("main").sequence == 0
    assert genesis("main") != genesis("other")
    first = seal(ROW, after=genesis("main"))
    assert seal(ROW, after=first).chain_hash != first.chain_hash
    moved = Link(sequence=4, chain_hash=genesis("main").chain_hash)
    assert seal(ROW, after=moved).chain_hash != first.chain_hash


def test_a_head_comes_back_from_its_line() -> None:
    head = Head(facility_id="main", at=NOW.replace(microsecond=0), link=genesis("main"))
    assert find_head(write_head(head)) == head
    other = replace(head, facility_id="other")
    lines = [write_head(head), "", write_head(other), write_head(head)[:50]]
    assert read_heads(lines, facility_id="main") == ([head], 1)


@pytest.mark.parametrize(
    "prefix",
    [
        "2026-11-26T09:00:02.318+07:00 tiepdon tiepdon-audit-head: ",
        "<173>1 2026-11-26T09:00:02+07:00 tiepdon tiepdon-audit-head - - - ",
    ],
)
def test_a_head_is_found_behind_what_a_log_server_writes(prefix: str) -> None:
    head = Head(facility_id="main", at=NOW.replace(microsecond=0), link=genesis("main"))
    assert find_head(prefix + write_head(head)) == head


@pytest.mark.parametrize(
    "line",
    [
        "[]",
        "7",
        "[" * 900,
        '{"facility_id": "main", "at": "2026-11-23", "sequence": 1, "chain_hash": "' + "0" * 64 + '"}',
        '{"facility_id": "main", "at": 7, "sequence": 1, "chain_hash": ""}',
        json.dumps({"facility_id": "main", "at": NOW.isoformat(), "sequence": True, "chain_hash": "0" * 64}),
        json.dumps({"facility_id": "main", "at": NOW.isoformat(), "sequence": 1, "chain_hash": "0"}),
        " " * 2_000,
    ],
)  # fmt: skip
def test_other_lines_are_no_heads(line: str) -> None:
    assert find_head(line) is None


@given(line=st.text())
def test_whatever_stands_in_a_line_breaks_nothing(line: str) -> None:
    find_head(line)
