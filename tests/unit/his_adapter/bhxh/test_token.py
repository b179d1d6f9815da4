from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from his_adapter.bhxh.token import LONGEST_S, SHORTEST_S, Token, TokenSource, good_for_s
from his_adapter.errors import LoginFailed, Unavailable

NOW = datetime(2026, 10, 12, 0, 12, tzinfo=UTC)
NOW_S = int(NOW.timestamp())


@pytest.mark.parametrize(
    ("expiry", "seconds"),
    [
        ("2026-10-12T00:17:00Z", 240),
        ("2026-10-12T00:17:00", 240),
        ("2026-10-12 00:17:00", 240),
        ("2026-10-12T07:17:00+07:00", 240),
        ("2026-10-12T00:17:00.123Z", 240.123),
        ("12/10/2026 00:17:00", 240),
        ("2026-10-12T08:00:00Z", LONGEST_S),
        (300, 240),
        ("300", 240),
        (NOW_S + 300, 240),
        ((NOW_S + 300) * 1000, 240),
        ("2026-10-11T00:00:00Z", SHORTEST_S),
        (None, LONGEST_S / 2),
        ("soon", LONGEST_S / 2),
        (True, LONGEST_S / 2),
        ("9" * 500, LONGEST_S / 2),
    ],
)
def test_how_long_a_token_serves(expiry: Any, seconds: float) -> None:
    assert good_for_s(expiry, now=NOW) == pytest.approx(seconds)


@given(st.one_of(st.text(), st.integers(), st.floats(), st.none(), st.lists(st.text())))
def test_whatever_expiry_comes(expiry: Any) -> None:
    assert SHORTEST_S <= good_for_s(expiry, now=NOW) <= LONGEST_S


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_taken_anew_when_its_time_is_over_and_after_a_drop() -> None:
    clock, taken = Clock(), []

    def login(_: float) -> Token:
        taken.append(Token(access=str(len(taken)), identity="i", good_for_s=100))
        return taken[-1]

    source = TokenSource(login, ticks=clock)
    first = source.get(timeout_s=1)
    assert source.get(timeout_s=1) is first
    clock.now = 100
    second = source.get(timeout_s=1)
    assert second is not first
    source.drop(first)  # an old refusal says nothing about the new one
    assert source.get(timeout_s=1) is second
    source.drop(second)
    assert source.get(timeout_s=1) is taken[2]
    assert "access" not in repr(second)


def test_a_refused_password_rests_for_a_minute() -> None:
    clock, tries = Clock(), []

    def login(_: float) -> Token:
        tries.append(1)
        raise LoginFailed("no")

    source = TokenSource(login, ticks=clock)
    for _ in range(3):
        with pytest.raises(LoginFailed):
            source.get(timeout_s=1)
    assert len(tries) == 1
    clock.now = 61
    with pytest.raises(LoginFailed):
        source.get(timeout_s=1)
    assert len(tries) == 2


def test_a_failed_login_may_be_tried_at_once() -> None:
    tries = []

    def login(_: float) -> Token:
        tries.append(1)
        raise Unavailable("no")

    source = TokenSource(login)
    for _ in range(2):
        with pytest.raises(Unavailable):
            source.get(timeout_s=1)
    assert len(tries) == 2
