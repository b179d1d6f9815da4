"""What becomes of a check-in table. Received is not accepted: the portal judges later."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from backend.errors import MoveNotAllowed


class CheckinState(StrEnum):
    QUEUED = "queued"
    """Waits for the outbox."""
    INVALID = "invalid"
    """Our own rules refuse it: something has to be mended first."""
    SKIPPED = "skipped"
    """Need not be sent (emergency), or was sent before."""
    UNKNOWN = "unknown"
    """Was sent, no answer came: a person decides whether to send again."""
    RECEIVED = "received"
    """The gateway took it in. That says nothing about its content."""
    REFUSED = "refused"
    """The gateway refused it at once."""
    ACCEPTED = "accepted"
    """The portal found no fault in it, as a person saw there."""
    FAULTY = "faulty"
    """The portal found a fault in it, as a person saw there."""


_S = CheckinState
_SENT = frozenset({_S.INVALID, _S.SKIPPED, _S.UNKNOWN, _S.RECEIVED, _S.REFUSED})
CHECKIN_MOVES: Mapping[CheckinState, frozenset[CheckinState]] = {
    _S.QUEUED: _SENT,
    # A dead letter that is replayed is built and sent anew.
    _S.INVALID: _SENT,
    _S.UNKNOWN: _SENT | {_S.ACCEPTED, _S.FAULTY},
    _S.REFUSED: _SENT,
    _S.SKIPPED: frozenset({_S.SKIPPED}),
    _S.RECEIVED: frozenset({_S.ACCEPTED, _S.FAULTY}),
    _S.ACCEPTED: frozenset({_S.FAULTY}),
    _S.FAULTY: frozenset({_S.ACCEPTED}),
}

NEEDS_PERSON = frozenset({_S.INVALID, _S.UNKNOWN, _S.REFUSED, _S.FAULTY})
AT_THE_GATEWAY = frozenset({_S.RECEIVED, _S.ACCEPTED})
"""The row is there; another with the same key would be one too many."""
MAY_BE_SENT_AGAIN = frozenset(
    {_S.INVALID, _S.UNKNOWN, _S.RECEIVED, _S.REFUSED, _S.ACCEPTED, _S.FAULTY}
)


def check_checkin_move(state: CheckinState, to: CheckinState) -> None:
    """Raises MoveNotAllowed."""
    if to not in CHECKIN_MOVES[state]:
        raise MoveNotAllowed(f"a check-in table cannot go from {state} to {to}")
