from __future__ import annotations

import pytest

from backend.errors import StorageUnavailable
from backend.services.keep_figures import Figures
from backend.services.look_at_figures import (
    list_job_figures,
    list_process_figures,
    list_request_figures,
)
from backend.storage.database import Database
from tests.conftest import SettableClock


def test_two_processes_count_together(database: Database) -> None:
    first, second = (Figures(database, kind="web") for _ in range(2))
    first.note_request("/t/<token>", "GET", 200, 0.02)
    first.note_request("/t/<token>", "GET", 200, 0.2)
    second.note_request("/t/<token>", "GET", 200, 20)
    second.note_request("/t/<token>", "GET", 404, 0.001)
    assert first.hand_in()
    assert second.hand_in()
    assert first.hand_in(), "nothing is counted twice"
    good, bad = list_request_figures(database)
    assert (good.requests, good.le_25, good.le_300, good.le_10000) == (3, 1, 2, 2)
    assert good.seconds == pytest.approx(20.22)
    assert (bad.status, bad.requests) == (404, 1)


def test_a_caller_makes_no_series_of_their_own(database: Database) -> None:
    figures = Figures(database, kind="web")
    for number in range(20):
        figures.note_request("none", f"X{number}", 405, 0.001)
    figures.hand_in()
    (row,) = list_request_figures(database)
    assert (row.method, row.requests) == ("other", 20)


def test_jobs_and_when_they_last_ran_well(database: Database, clock: SettableClock) -> None:
    figures = Figures(database, kind="worker")
    began = clock.now
    figures.note_job("seal_audit", 0.5, ok=True)
    figures.hand_in()
    clock.advance(seconds=30)
    figures.note_job("seal_audit", 1.5, ok=False)
    figures.hand_in()
    (row,) = list_job_figures(database)
    assert (row.runs, row.failures, row.seconds) == (2, 1, 2.0)
    assert (row.last_run_at, row.last_ok_at) == (clock.now, began)


def test_a_job_that_is_no_more_is_forgotten(database: Database) -> None:
    before = Figures(database, kind="worker", jobs=["purge", "tell_alerts"])
    for job in ("purge", "tell_alerts"):
        before.note_job(job, 1, ok=True)
    before.hand_in()
    Figures(database, kind="web").hand_in()
    assert [row.job for row in list_job_figures(database)] == ["purge", "tell_alerts"]
    Figures(database, kind="worker", jobs=["purge", "tell_alerts:mail"]).hand_in()
    assert [row.job for row in list_job_figures(database)] == ["purge"]


def test_what_cannot_be_written_is_kept(
    database: Database, clock: SettableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    figures = Figures(database, kind="worker")
    figures.note_request("/healthz", "GET", 200, 0.01)
    figures.note_job("purge", 1, ok=True)

    def away() -> None:
        raise StorageUnavailable

    with monkeypatch.context() as patch:
        patch.setattr(database, "write", away)
        assert not figures.hand_in()
    figures.note_request("/healthz", "GET", 200, 0.01)
    figures.note_job("purge", 1, ok=False)
    assert figures.hand_in()
    assert [row.requests for row in list_request_figures(database)] == [2]
    (job,) = list_job_figures(database)
    assert (job.runs, job.failures, job.last_ok_at) == (2, 1, clock.now)


def test_processes_that_fall_silent_are_forgotten(database: Database, clock: SettableClock) -> None:
    Figures(database, kind="web", count_streams=lambda: 7).hand_in()
    (row,) = list_process_figures(database)
    assert (row.kind, row.live_streams, row.pool_size) == ("web", 7, 8)
    clock.advance(minutes=2)
    assert list_process_figures(database) == []
