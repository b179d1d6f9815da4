"""The states of a step and of a print, and the moves between them. Moves are data."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from backend.errors import MoveNotAllowed


class StepState(StrEnum):
    WAITING = "waiting"
    CALLED = "called"
    SERVING = "serving"
    HOLD = "hold"
    MISSED = "missed"
    DONE = "done"
    CANCELLED = "cancelled"


class PrintState(StrEnum):
    """Printed means the printer said so. Everything else is not known yet, and pursued."""

    PENDING = "pending"
    PRINTED = "printed"
    UNCONFIRMED = "unconfirmed"
    FAILED = "failed"
    UNKNOWN = "unknown"


_S = StepState
STEP_MOVES: Mapping[StepState, frozenset[StepState]] = {
    _S.WAITING: frozenset({_S.CALLED, _S.HOLD, _S.CANCELLED}),
    _S.CALLED: frozenset({_S.SERVING, _S.WAITING, _S.HOLD, _S.MISSED, _S.CANCELLED}),
    _S.SERVING: frozenset({_S.DONE, _S.HOLD, _S.WAITING}),
    _S.HOLD: frozenset({_S.WAITING, _S.CALLED, _S.CANCELLED}),
    _S.MISSED: frozenset({_S.WAITING, _S.CANCELLED}),
    _S.DONE: frozenset(),
    _S.CANCELLED: frozenset(),
}

OPEN_STATES = frozenset(state for state, moves in STEP_MOVES.items() if moves)

_P = PrintState
# Reports of one print job. A printer that comes back may still settle an open outcome, a settled
# one stays: a job is never printed twice by changing its mind.
PRINT_MOVES: Mapping[PrintState, frozenset[PrintState]] = {
    _P.PENDING: frozenset({_P.PRINTED, _P.UNCONFIRMED, _P.FAILED, _P.UNKNOWN}),
    _P.UNKNOWN: frozenset({_P.PRINTED, _P.UNCONFIRMED, _P.FAILED}),
    _P.UNCONFIRMED: frozenset({_P.PRINTED, _P.FAILED}),
    _P.PRINTED: frozenset(),
    _P.FAILED: frozenset(),
}

MARKS: Mapping[tuple[StepState | None, StepState], str] = {
    (None, _S.WAITING): "T0",
    (_S.WAITING, _S.CALLED): "T2",
    (_S.CALLED, _S.SERVING): "T3",
    (_S.SERVING, _S.DONE): "T4",
}
"""Time stamps of waiting-time reports that a move of an examination sets (T0 number taken,
T2 called, T3 in, T4 out); the others come from other steps and from the HIS."""


def check_step_move(state: StepState, to: StepState) -> None:
    """Raises MoveNotAllowed."""
    if to not in STEP_MOVES[state]:
        raise MoveNotAllowed(f"a step cannot go from {state} to {to}")


def check_print_move(state: PrintState, to: PrintState) -> None:
    """Raises MoveNotAllowed. The same report again is no move and passes."""
    if to is not state and to not in PRINT_MOVES[state]:
        raise MoveNotAllowed(f"a print job cannot go from {state} to {to}")
