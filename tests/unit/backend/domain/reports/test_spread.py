from __future__ import annotations

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.domain.reports.spread import STEPS, Spread, bucket_span, find_bucket

VALUES = st.integers(min_value=0, max_value=10**7)
MANY = st.lists(VALUES, min_size=1, max_size=200)


@given(VALUES)
def test_every_value_lies_in_its_bucket(value: int) -> None:
    low, high = bucket_span(find_bucket(value))
    assert low <= value < high
    assert (high - low - 1) * STEPS <= max(value, 1)


def test_buckets_follow_each_other_without_a_gap() -> None:
    spans = [bucket_span(bucket) for bucket in range(20 * STEPS)]
    assert spans[0] == (0, 1)
    assert all(before[1] == after[0] for before, after in itertools.pairwise(spans))
    assert [find_bucket(low) for low, _ in spans] == list(range(20 * STEPS))


@given(MANY, st.floats(min_value=0.01, max_value=1))
def test_a_percentile_is_off_by_its_bucket_at_most(values: list[int], share: float) -> None:
    found = Spread.of(values).find_percentile(share)
    true = sorted(values)[max(math.ceil(share * len(values)), 1) - 1]
    assert found is not None
    assert abs(found - true) <= true / STEPS


@given(MANY)
def test_percentiles_rise_and_end_at_the_highest(values: list[int]) -> None:
    spread = Spread.of(values)
    found = [spread.find_percentile(each / 20) or 0 for each in range(21)]
    assert found == sorted(found)
    assert found[-1] == max(values) == spread.highest


@given(st.lists(MANY, max_size=6))
def test_days_add_up_in_any_order(days: list[list[int]]) -> None:
    forwards, backwards = Spread(), Spread()
    for day in days:
        forwards.merge(Spread.of(day))
    for day in reversed(days):
        backwards.merge_json(Spread.of(day).to_json())
    whole = Spread.of(value for day in days for value in day)
    assert forwards == backwards == whole == Spread.from_json(whole.to_json())


@given(MANY)
def test_mean_and_classes_are_exact_or_nearly(values: list[int]) -> None:
    spread = Spread.of(values)
    assert spread.mean == pytest.approx(sum(values) / len(values))
    assert sum(spread.count_until([60, 120, 900])) == len(values)
    assert sum(count for _, _, count in spread) == len(values)


def test_nothing_measured_has_no_figures() -> None:
    spread = Spread()
    assert (spread.mean, spread.median, spread.p90) == (None, None, None)
    assert spread.count_until([60]) == [0, 0]


def test_time_does_not_run_backwards() -> None:
    with pytest.raises(ValueError, match="from 0"):
        Spread().add(-1)
