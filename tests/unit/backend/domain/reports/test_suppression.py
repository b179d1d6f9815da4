from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet

from hypothesis import given
from hypothesis import strategies as st

from backend.domain.reports.suppression import LEAST, Part, find_hidden, find_hidden_parts

COUNTS = st.dictionaries(st.sampled_from("abcdefgh"), st.integers(0, 12))


@given(COUNTS, st.sets(st.sampled_from("abcdefgh")))
def test_no_small_count_of_a_sensitive_room_is_shown_or_had_by_subtracting(
    counts: dict[str, int], sensitive: set[str]
) -> None:
    hidden = find_hidden(counts, sensitive)
    few = {key for key, count in counts.items() if key in sensitive and 0 < count < LEAST}
    assert few <= hidden
    present = {key for key, count in counts.items() if count}
    if few:
        assert len(hidden) >= 2 or len(present) == 1
    else:
        assert hidden == frozenset()


def test_the_second_that_is_hidden_is_the_least_harm() -> None:
    counts = {"hiv": 3, "skin": 9, "eye": 7, "none": 0}
    assert find_hidden(counts, {"hiv"}) == {"hiv", "eye"}
    assert find_hidden(counts, {"hiv", "skin"}) == {"hiv", "skin"}


def test_enough_people_hide_in_their_number() -> None:
    assert find_hidden({"hiv": LEAST, "eye": 1}, {"hiv"}) == frozenset()


SUMS = st.sampled_from("UVWXYZ")
PARTS = st.dictionaries(
    st.sampled_from("abcdefghij"),
    st.builds(
        lambda one, other, count: Part(sums=(one, other), count=count),
        SUMS,
        SUMS,
        st.integers(1, 12),
    ),
)


@given(PARTS, st.sets(st.sampled_from("abcdefghij")))
def test_no_sum_tells_a_hidden_part_unless_all_of_them_together_would(
    parts: dict[str, Part], wanted: set[str]
) -> None:
    few = wanted & parts.keys()
    hidden = find_hidden_parts(parts, few)
    assert few <= hidden <= parts.keys()
    assert few or not hidden
    for key in few:
        assert is_open(parts, hidden, key) == is_open(parts, set(parts), key)


def is_open(parts: Mapping[str, Part], hidden: AbstractSet[str], key: str) -> bool:
    """Whether one more there can be one less or more elsewhere, and no sum is changed."""
    one, other = parts[key].sums
    reached, before = {one}, 0
    while len(reached) > before:
        before = len(reached)
        for each in hidden - {key}:
            if reached.intersection(parts[each].sums):
                reached.update(parts[each].sums)
    return other in reached


def test_the_ring_that_hides_the_fewest_people_is_taken() -> None:
    parts = {
        "room": Part(sums=("clinic", "service"), count=2),
        "big": Part(sums=("clinic", "service"), count=30),
        "first half": Part(sums=("clinic", "other"), count=9),
        "second half": Part(sums=("other", "service"), count=8),
    }
    assert find_hidden_parts(parts, {"room"}) == {"room", "first half", "second half"}
    assert find_hidden_parts(parts, {"room", "big"}) == {"room", "big"}
