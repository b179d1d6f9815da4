from __future__ import annotations

import pytest

from backend.domain.catalogue import Room
from backend.domain.placement import _counters
from backend.domain.settings import Words


def room(vi: str, en: str) -> Room:
    return Room(
        id=vi,
        his_ref=vi,
        department_id=None,
        code="Q",
        name=Words(vi=vi, en=en),
        floor="1",
        landmark=Words(vi="", en=""),
        sessions=(),
        closed_days=frozenset(),
    )


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (
            [("Quầy tiếp đón 1", "Reception 1"), ("Quầy tiếp đón 2", "Reception 2")],
            Words(vi="Quầy tiếp đón 1, 2", en="Reception 1, 2"),
        ),
        (
            [("Quầy A", "Desk A"), ("Bàn hướng dẫn", "Help desk")],
            Words(vi="Quầy A, Bàn hướng dẫn", en="Desk A, Help desk"),
        ),
        ([("Quầy tiếp đón 1", "Reception 1")], Words(vi="Quầy tiếp đón 1", en="Reception 1")),
    ],
)
def test_counters_are_named_as_their_signs(names: list[tuple[str, str]], expected: Words) -> None:
    assert _counters([room(vi, en) for vi, en in names]) == expected
