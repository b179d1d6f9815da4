"""Calls of another system while a patient waits: bounded in time and number, with a breaker.

A call that takes too long goes on in the background, up to its own time limit, and its answer is
handed over when it comes. After several failures in a row nobody waits for that party any more
until a single try has shown that it is back.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeout
from typing import Generic, TypeVar

from his_adapter.errors import HisError, LoginFailed
from payments.errors import PaymentError

Answer = TypeVar("Answer")

FAILURES_TO_OPEN = 3
OPEN_FOR_S = 15.0
CLOSING_S = 3.0


class NoAnswer(Exception):
    """Nothing came in time, or the party is not even asked at the moment."""


class PendingAnswer(Generic[Answer]):
    """A question that was put and may be answered later."""

    def __init__(self, future: Future[Answer] | None) -> None:
        self._future = future

    @property
    def was_put(self) -> bool:
        """False: nobody was asked, because that party fails or has too many calls already."""
        return self._future is not None

    def wait(self, within_s: float) -> Answer:
        """Raises NoAnswer; an error that says something about the question is raised as it is."""
        if self._future is None:
            raise NoAnswer
        try:
            return self._future.result(timeout=max(0.0, within_s))
        except FutureTimeout as error:
            raise NoAnswer from error
        except (HisError, PaymentError) as error:
            if error.retryable:
                raise NoAnswer from error
            raise

    def when_late(self, use: Callable[[Answer], None]) -> None:
        """Hands over an answer that comes after all; not called when none comes."""

        def on_done(future: Future[Answer]) -> None:
            if not future.cancelled() and future.exception() is None:
                use(future.result())

        if self._future is not None:
            self._future.add_done_callback(on_done)

    def when_over(self, use: Callable[[Answer | None], None]) -> None:
        """Called once when the call has ended, with None when no answer came of it."""

        def on_done(future: Future[Answer]) -> None:
            failed = future.cancelled() or future.exception() is not None
            use(None if failed else future.result())

        if self._future is not None:
            self._future.add_done_callback(on_done)


class RemoteParty:
    """One other system, for all threads of a process."""

    def __init__(
        self,
        name: str,
        *,
        max_calls: int = 8,
        ticks: Callable[[], float] = time.monotonic,
        tell: Callable[[bool], None] | None = None,
    ) -> None:
        """`tell` hears that the party does not answer, at each try, and that it is back. Called
        in a thread of its own, so that nobody waits for it.
        """
        self._pool = ThreadPoolExecutor(max_workers=max_calls, thread_name_prefix=name)
        self._free = threading.BoundedSemaphore(max_calls)
        self._lock = threading.Lock()
        self._ticks = ticks
        self._failures = 0
        self._tell = tell
        self._was_away = False
        self._closed_again_at = 0.0
        self._telling: threading.Thread | None = None
        """What told the others last."""

    def ask(self, question: Callable[[], Answer]) -> PendingAnswer[Answer]:
        """Puts a question at once or not at all: nothing queues behind calls that hang."""
        if not self._may_ask() or not self._free.acquire(blocking=False):
            return PendingAnswer(None)
        try:
            return PendingAnswer(self._pool.submit(self._answer, question))
        except RuntimeError:  # the process is shutting down
            self._free.release()
            return PendingAnswer(None)

    def close(self, *, within_s: float = CLOSING_S) -> None:
        """Puts no further question, and waits `within_s` for answers that are on their way.

        Afterwards nobody uses an answer any more, unless one takes even longer than that.
        """
        until_s = time.monotonic() + within_s
        # `shutdown` itself waits without end; what an answer is used for is part of its wait.
        waiting = threading.Thread(
            target=self._pool.shutdown, kwargs={"cancel_futures": True}, daemon=True
        )
        waiting.start()
        waiting.join(within_s)
        if self._telling is not None:
            self._telling.join(max(until_s - time.monotonic(), 0))

    def _answer(self, question: Callable[[], Answer]) -> Answer:
        try:
            answer = question()
        except (HisError, PaymentError) as error:
            # Who does not let us in is asked no oftener than one that is away: accounts get locked.
            self._note(failed=error.retryable or isinstance(error, LoginFailed))
            raise
        except Exception:
            # An adapter may be a stranger's: whatever else it raises counts as a failure of
            # that party, and goes on unchanged to whoever asked.
            self._note(failed=True)
            raise
        else:
            self._note(failed=False)
            return answer
        finally:
            self._free.release()

    def _may_ask(self) -> bool:
        with self._lock:
            if self._failures < FAILURES_TO_OPEN:
                return True
            if self._ticks() < self._closed_again_at:
                return False
            # One try goes through; the others wait for what becomes of it.
            self._closed_again_at = self._ticks() + OPEN_FOR_S
            return True

    def _note(self, *, failed: bool) -> None:
        with self._lock:
            self._failures = self._failures + 1 if failed else 0
            if failed:
                self._closed_again_at = self._ticks() + OPEN_FOR_S
            answers = self._failures < FAILURES_TO_OPEN
            is_news = not answers or self._was_away
            self._was_away = not answers
        if self._tell is not None and is_news:
            self._telling = threading.Thread(target=self._tell, args=(answers,), daemon=True)
            self._telling.start()
