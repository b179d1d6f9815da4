from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from kiosk_ui.worker import ThreadWorker


@pytest.fixture
def worker() -> Iterator[ThreadWorker]:
    worker = ThreadWorker(threads=2)
    yield worker
    worker.close()


def drain_until(worker: ThreadWorker, seen: list[object], count: int) -> None:
    deadline = time.monotonic() + 20
    while len(seen) < count and time.monotonic() < deadline:
        worker.drain()
        time.sleep(0.002)


def test_calls_run_elsewhere_and_end_here(worker: ThreadWorker) -> None:
    seen: list[object] = []
    worker.submit(
        threading.current_thread,
        done=lambda thread: seen.extend([thread, threading.current_thread()]),
        failed=seen.append,
    )
    drain_until(worker, seen, 2)
    assert seen[0] is not threading.main_thread()
    assert seen[1] is threading.current_thread()


def test_an_exception_is_handed_over(worker: ThreadWorker) -> None:
    seen: list[object] = []

    def broken() -> None:
        raise RuntimeError

    worker.submit(broken, done=seen.append, failed=seen.append)
    drain_until(worker, seen, 1)
    assert isinstance(seen[0], RuntimeError)


def test_a_call_that_hangs_does_not_hold_up_the_next(worker: ThreadWorker) -> None:
    release, seen = threading.Event(), list[object]()
    worker.submit(release.wait, done=seen.append, failed=seen.append)
    worker.submit(lambda: "help", done=seen.append, failed=seen.append)
    drain_until(worker, seen, 1)
    assert seen == ["help"]
    release.set()


def test_submitting_and_draining_never_wait(worker: ThreadWorker) -> None:
    release = threading.Event()
    begun = time.monotonic()
    for _ in range(50):
        worker.submit(release.wait, done=lambda _: None, failed=lambda _: None)
        assert not worker.drain()
    assert time.monotonic() - begun < 5
    release.set()


def test_nothing_ends_after_close(worker: ThreadWorker) -> None:
    release, seen = threading.Event(), list[object]()
    worker.submit(release.wait, done=seen.append, failed=seen.append)
    worker.close()
    release.set()
    time.sleep(0.05)
    assert not worker.drain()
    assert seen == []


def test_an_answer_ends_the_wait_for_it(worker: ThreadWorker) -> None:
    release, seen = threading.Event(), list[object]()
    worker.submit(release.wait, done=seen.append, failed=seen.append)
    assert not worker.wait(0.01)
    threading.Timer(0.02, release.set).start()
    begun = time.monotonic()
    assert worker.wait(5)
    assert time.monotonic() - begun < 4
    assert worker.drain()
    assert seen == [True]
    assert not worker.wait(0.01)
