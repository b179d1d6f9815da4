"""Where a change comes from, for the audit rows it leaves: a place, never a patient's own device.

Kept beside the calls instead of in each of them: which use case writes the row does not change
where its caller sits.
"""

from __future__ import annotations

from contextvars import ContextVar

MAX_ORIGIN_CHARS = 64

_origin: ContextVar[str | None] = ContextVar("origin", default=None)


def set_origin(origin: str | None) -> None:
    """For what this thread does until it is set again: an address, or host:ACCOUNT."""
    _origin.set(None if origin is None else origin[:MAX_ORIGIN_CHARS])


def current_origin() -> str | None:
    """None for jobs, and for what nobody told."""
    return _origin.get()
