from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from backend.domain.reports.suppression import LEAST, find_hidden

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
