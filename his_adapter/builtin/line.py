"""The way to the register: where a remote HIS would be slow, down or lose an answer.

The builtin register is at hand, so its line is always calm; the demo hospital puts a faulty one
in its place and is otherwise the same code.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Protocol

from his_adapter.models import Health, HealthState, WriteKey


class Line(Protocol):
    def reading(self) -> AbstractContextManager[None]:
        """Around a read. Raises what the line does to it."""
        ...

    def writing(self, key: WriteKey) -> AbstractContextManager[None]:
        """Around a write and its commit. May raise before (nothing done) or after (done)."""
        ...

    def health(self) -> Health: ...


class CalmLine:
    def reading(self) -> AbstractContextManager[None]:
        return nullcontext()

    def writing(self, key: WriteKey) -> AbstractContextManager[None]:  # noqa: ARG002 - of the port
        return nullcontext()

    def health(self) -> Health:
        return Health(state=HealthState.OK, clock_skew_s=0.0)
