"""Calls made again and again in the background while patients come and go."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from kiosk_ui.presenters.context import Context

T = TypeVar("T")


@dataclass(kw_only=True)
class Chore(Generic[T]):
    """A call made again and again in the background, never twice at a time."""

    every_s: float
    call: Callable[[], T]
    done: Callable[[T], None] = lambda _result: None
    failed: Callable[[Exception], None] = lambda _error: None
    next_s: float = 0.0
    under_way: bool = False

    def run_if_due(self, ctx: Context) -> None:
        if self.under_way or ctx.clock.ticks_s() < self.next_s:
            return
        self.under_way = True

        def over() -> None:
            self.under_way = False
            self.next_s = ctx.clock.ticks_s() + self.every_s

        def done(result: T) -> None:
            over()
            self.done(result)

        def failed(error: Exception) -> None:
            over()
            self.failed(error)

        ctx.worker.submit(self.call, done=done, failed=failed)
