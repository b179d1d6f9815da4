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
    _S.MISSED: frozenset({_S.WAITING, _S.CALLED, _S.CANCELLED}),
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


class HoldReason(StrEnum):
    """Why a step is out of the line without having lost its place."""

    EARLIER_STEP = "earlier_step"
    """Another step of the visit comes first."""
    RESULTS = "results"
    """Waits until all results are there."""
    STEPPED_OUT = "stepped_out"
    """The patient said on the phone page that they are away for a moment."""
    STAFF = "staff"


class StepKind(StrEnum):
    """What happens at a step: the kinds of a service, and the way back to the doctor."""

    RECEPTION = "reception"
    EXAMINATION = "examination"
    LABORATORY = "laboratory"
    IMAGING = "imaging"
    RETURN = "return"
    CASHIER = "cashier"
    PHARMACY = "pharmacy"


TESTS = frozenset({StepKind.LABORATORY, StepKind.IMAGING})

_K = StepKind
_MOVE_MARKS: Mapping[StepKind, Mapping[StepState, str]] = {
    _K.RECEPTION: {_S.DONE: "T1"},
    _K.EXAMINATION: {_S.CALLED: "T2", _S.SERVING: "T3", _S.DONE: "T4"},
    _K.LABORATORY: {_S.CALLED: "T6", _S.DONE: "T6"},
    _K.IMAGING: {_S.CALLED: "T6", _S.DONE: "T6"},
    _K.RETURN: {_S.WAITING: "T7", _S.CALLED: "T8", _S.DONE: "T9"},
    _K.CASHIER: {_S.DONE: "T10"},
    _K.PHARMACY: {_S.CALLED: "T11", _S.DONE: "T12"},
}
"""Time stamps of waiting-time reports (T0 number taken, T1 registered, T2 called, T3 in, T4 out,
T5 tests ordered, T6 each test called and done, T7 all results ready, T8 called again, T9
concluded, T10 paid, T11 medicine called, T12 medicine given)."""


def find_mark(
    kind: str, from_state: StepState | None, to: StepState, *, first: bool = False
) -> str | None:
    """The time stamp this move sets. `first` = of the visit's first step. None for other moves."""
    if from_state is None:
        if first:
            return "T0"
        if kind in TESTS:
            return "T5"
    return _MOVE_MARKS.get(StepKind(kind), {}).get(to)


def check_step_move(state: StepState, to: StepState) -> None:
    """Raises MoveNotAllowed."""
    if to not in STEP_MOVES[state]:
        raise MoveNotAllowed(f"a step cannot go from {state} to {to}")


def check_undo_move(state: StepState, to: StepState) -> None:
    """Raises MoveNotAllowed: only moves that could have led here in one act are taken back."""
    reachable = STEP_MOVES[to] | {after for each in STEP_MOVES[to] for after in STEP_MOVES[each]}
    if state is not to and state not in reachable:
        raise MoveNotAllowed(f"a step cannot go back from {state} to {to}")


def check_print_move(state: PrintState, to: PrintState) -> None:
    """Raises MoveNotAllowed. The same report again is no move and passes."""
    if to is not state and to not in PRINT_MOVES[state]:
        raise MoveNotAllowed(f"a print job cannot go from {state} to {to}")
