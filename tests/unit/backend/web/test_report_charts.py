from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.web.report_charts import (
    HEIGHT,
    WIDTH,
    draw_bars,
    find_heat,
    format_figure,
    round_up,
)

FIGURES = st.one_of(st.none(), st.floats(0, 10**7))


@given(st.lists(FIGURES, max_size=40), st.lists(FIGURES, max_size=40))
def test_everything_stays_on_the_canvas(
    values: list[float | None], marks: list[float | None]
) -> None:
    marks = marks[: len(values)]
    chart = draw_bars("t", [str(i) for i in range(len(values))], values, marks=marks)
    if chart is None:
        assert all(each is None for each in (*values, *marks))
        return
    for bar in chart.bars:
        assert 0 <= bar.x <= bar.x + bar.width <= WIDTH + 0.2
        assert bar.y >= 0
        assert bar.height >= -0.2
        assert bar.y + bar.height <= HEIGHT
        assert bar.mark_y is None or 0 <= bar.mark_y <= HEIGHT


@given(st.floats(0.11, 1e9))
def test_an_axis_ends_above_and_near(value: float) -> None:
    assert value <= round_up(value) <= 2.51 * value


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "–"), (0.0, "0"), (12.34, "12,3"), (1234.5, "1.234"), (1_500_000, "1.500.000")],
)
def test_figures_as_vietnam_writes_them(value: float | None, text: str) -> None:
    assert format_figure(value) == text


def test_longer_waits_are_darker() -> None:
    assert [find_heat(each) for each in (None, "few", 5.0, 10.0, 44.0, 61.0)] == [0, 0, 0, 1, 3, 5]
