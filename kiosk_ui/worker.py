"""Blocking calls off the UI thread; what came out is handed back when the UI thread drains."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from typing import Protocol, TypeVar

T = TypeVar("T")
Job = Callable[[], Callable[[], None]]


class Worker(Protocol):
    """Runs calls elsewhere. `submit` and `drain` belong to one thread, the caller's."""

    def submit(
        self,
        call: Callable[[], T],
        *,
        done: Callable[[T], None],
        failed: Callable[[Exception], None],
    ) -> None:
        """Returns at once. Exactly one of `done`, `failed` runs later, inside `drain`."""

    def drain(self) -> bool:
        """Runs what is ready; True when something was."""

    def wait(self, timeout_s: float) -> bool:
        """Until there is something to drain, or that long. True when there may be something."""

    def close(self) -> None:
        """Nothing runs afterwards. Does not wait for calls under way."""


class ThreadWorker:
    """A few threads, so that a slow call does not hold up a call for help."""

    def __init__(self, *, threads: int = 4) -> None:
        self._jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._ready: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._threads = [
            # Daemons: a server that never answers must not keep the kiosk from closing.
            threading.Thread(target=self._work, name=f"kiosk-worker-{n}", daemon=True)
            for n in range(threads)
        ]
        self._news = threading.Event()
        self._closed = False
        for thread in self._threads:
            thread.start()

    def submit(
        self,
        call: Callable[[], T],
        *,
        done: Callable[[T], None],
        failed: Callable[[Exception], None],
    ) -> None:
        self._jobs.put(lambda: outcome_of(call, done=done, failed=failed))

    def drain(self) -> bool:
        ran = False
        self._news.clear()
        while not self._closed:
            try:
                finish = self._ready.get_nowait()
            except queue.Empty:
                return ran
            finish()
            ran = True
        return ran

    def wait(self, timeout_s: float) -> bool:
        return self._news.wait(timeout_s)

    def close(self) -> None:
        self._closed = True
        for _ in self._threads:
            self._jobs.put(None)

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            self._ready.put(job())
            self._news.set()
            del job  # it holds what a patient typed or scanned


def outcome_of(
    call: Callable[[], T], *, done: Callable[[T], None], failed: Callable[[Exception], None]
) -> Callable[[], None]:
    """Runs `call` now; what comes back, when run, reports how it ended."""
    try:
        result = call()
    except Exception as error:  # noqa: BLE001 - carried to the UI thread, which decides
        caught = error
        return lambda: failed(caught)
    return lambda: done(result)
