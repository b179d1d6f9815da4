from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.domain.visit import (
    OPEN_STATES,
    PRINT_MOVES,
    STEP_MOVES,
    PrintState,
    StepState,
    check_print_move,
    check_step_move,
)
from backend.errors import MoveNotAllowed
from backend.storage.number_tables import PRINT_STATES
from backend.storage.queue_tables import OPEN_STEP_STATES, STEP_STATES


def test_code_and_database_know_the_same_states() -> None:
    assert set(STEP_STATES) == {state.value for state in StepState}
    assert set(PRINT_STATES) == {state.value for state in PrintState}
    assert set(OPEN_STEP_STATES) == {state.value for state in OPEN_STATES}


def test_the_way_through() -> None:
    way = ["waiting", "called", "serving", "done"]
    for state, to in pairwise(way):
        check_step_move(StepState(state), StepState(to))


@pytest.mark.parametrize(
    ("state", "to"),
    [
        ("done", "waiting"),
        ("cancelled", "waiting"),
        ("waiting", "done"),
        ("serving", "cancelled"),
        ("missed", "serving"),
        ("waiting", "waiting"),
    ],
)
def test_moves_that_are_none(state: str, to: str) -> None:
    with pytest.raises(MoveNotAllowed):
        check_step_move(StepState(state), StepState(to))


@given(st.lists(st.sampled_from(StepState), max_size=30))
def test_whatever_is_tried_an_end_stays_an_end(attempts: list[StepState]) -> None:
    state, ended = StepState.WAITING, None
    for to in attempts:
        try:
            check_step_move(state, to)
        except MoveNotAllowed:
            continue
        assert ended is None
        state = to
        ended = state if state not in OPEN_STATES else None


def test_every_open_state_can_end() -> None:
    for state in OPEN_STATES:
        reachable = {state}
        while True:
            wider = reachable | {to for each in reachable for to in STEP_MOVES[each]}
            if wider == reachable:
                break
            reachable = wider
        assert StepState.DONE in reachable


@pytest.mark.parametrize("state", PrintState)
def test_the_same_print_report_again_is_no_move(state: PrintState) -> None:
    check_print_move(state, state)


def test_proof_of_printing_is_final() -> None:
    assert PRINT_MOVES[PrintState.PRINTED] == frozenset()
    for to in set(PrintState) - {PrintState.PRINTED}:
        with pytest.raises(MoveNotAllowed):
            check_print_move(PrintState.PRINTED, to)
