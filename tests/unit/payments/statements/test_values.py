from __future__ import annotations

from contextlib import suppress
from datetime import date, datetime, time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payments.statements.values import VIETNAM, Unreadable, fold, read_time, read_vnd, squeeze


@pytest.mark.parametrize(
    ("cell", "amount_vnd"),
    [
        ("350000", 350_000), ("350.000", 350_000), ("350,000", 350_000), ("350 000", 350_000),
        ("350\u00a0000", 350_000), ("350'000", 350_000), ("350000.00", 350_000),
        ("350000,00", 350_000), ("350,000.00", 350_000), ("350.000,00", 350_000),
        ("1,068,000.00", 1_068_000), ("3.000.000.000", 3_000_000_000), ("350,000 VND", 350_000),
        ("350.000 đ", 350_000), ("350.000đ", 350_000), ("350.000 VNĐ", 350_000),
        ("VND 350,000", 350_000), ("+350,000", 350_000), ("-350,000", -350_000),
        ("(350,000)", -350_000), (" 59.00 ", 59), ("35,00", 35), ("0.00", 0), ("0", 0), ("", None), ("-", None),
        (None, None), (350_000, 350_000), (350_000.0, 350_000), (-1, -1), ("000350", 350),
    ],
)  # fmt: skip
def test_amounts(cell: object, amount_vnd: int | None) -> None:
    assert read_vnd(cell) == amount_vnd  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "cell",
    [
        "350000.50", "350,000.01", "500.000.000.00", "1,00,000", "3500,000", "abc", "1e6",
        "=1+1", "350.000.", "#REF!", "３５０", "--5", 0.5, True, "9" * 30, 10**15, float("nan"),
        float("inf"), date(2026, 1, 1), "1.2345", "12,34,567",
    ],
)  # fmt: skip
def test_what_is_not_sure_is_not_read(cell: object) -> None:
    with pytest.raises(Unreadable):
        read_vnd(cell)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("cell", "clock", "iso", "has_time"),
    [
        ("16/02/2026 18:13:32", None, "2026-02-16T18:13:32+07:00", True),
        ("16/02/2026  18:13", None, "2026-02-16T18:13:00+07:00", True),
        ("16/02/2026\n18:13:32", None, "2026-02-16T18:13:32+07:00", True),
        ("1/2/2026", None, "2026-02-01T00:00:00+07:00", False),
        ("16-02-2026", None, "2026-02-16T00:00:00+07:00", False),
        ("16.02.2026", "08:05", "2026-02-16T08:05:00+07:00", True),
        ("2026-02-16", None, "2026-02-16T00:00:00+07:00", False),
        ("2026-02-16 18:13:32", None, "2026-02-16T18:13:32+07:00", True),
        ("2026-02-16T18:13:32.123", None, "2026-02-16T18:13:32+07:00", True),
        ("2026-02-16T11:13:32Z", None, "2026-02-16T18:13:32+07:00", True),
        ("2026-02-16T18:13:32+07:00", None, "2026-02-16T18:13:32+07:00", True),
        ("2026-02-16T10:43:32-0030", None, "2026-02-16T18:13:32+07:00", True),
        ("18:13:32 16/02/2026", None, "2026-02-16T18:13:32+07:00", True),
        ("20260216181332", None, "2026-02-16T18:13:32+07:00", True),
        ("20260216", None, "2026-02-16T00:00:00+07:00", False),
        (datetime(2026, 2, 16, 18, 13, 32), None, "2026-02-16T18:13:32+07:00", True),
        (date(2026, 2, 16), time(18, 13), "2026-02-16T18:13:00+07:00", True),
        (46069, None, "2026-02-16T00:00:00+07:00", False),
        (46069.75, None, "2026-02-16T18:00:00+07:00", True),
        (46069, 0.75, "2026-02-16T18:00:00+07:00", True),
    ],
)
def test_times(cell: object, clock: object, iso: str, has_time: bool) -> None:
    found = read_time(cell, clock)  # type: ignore[arg-type]
    assert found is not None
    assert (found[0].isoformat(), found[1]) == (iso, has_time)
    assert found[0].tzinfo is VIETNAM


@pytest.mark.parametrize(
    "cell",
    ["02/13/2026", "16/02/26", "31/02/2026", "yesterday", "16/02/2026 25:00", 1, True, "2026"],
)
def test_what_is_no_date(cell: object) -> None:
    with pytest.raises(Unreadable):
        read_time(cell)  # type: ignore[arg-type]


def test_no_time() -> None:
    assert read_time(None) is None
    assert read_time("  ") is None
    with pytest.raises(Unreadable):
        read_time("16/02/2026", "noon")


def test_headings_are_compared_without_marks() -> None:
    assert fold("Phát sinh Có\n(Credit amount)") == "phat sinh co credit amount"
    assert fold("SỐ DƯ / Balance") == "so du balance"
    assert fold("Nội dung:") == "noi dung"
    assert squeeze(" a\n\u00a0b ") == "a b"


@given(st.text(max_size=40))
def test_any_text_is_a_value_or_refused(text: str) -> None:
    with suppress(Unreadable):
        read_vnd(text)
    with suppress(Unreadable):
        read_time(text, text)


@given(st.integers(-(10**14), 10**14), st.sampled_from([".", ","]), st.booleans())
def test_what_is_written_with_groups_is_read_alike(
    amount_vnd: int, sign: str, hundredths: bool
) -> None:
    other = "," if sign == "." else "."
    text = f"{amount_vnd:,}".replace(",", sign) + (f"{other}00" if hundredths else "")
    assert read_vnd(text) == amount_vnd
