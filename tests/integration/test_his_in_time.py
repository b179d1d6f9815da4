"""A change in the HIS is here within seconds, and a slow HIS keeps nobody from a number."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench import follow_his, slow_his
from his_adapter.demo.faults import Faults, write_faults
from tests.postgres import PostgresServer

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
GENEROUS_S = 15.0
"""The goal is 5; other tests run beside this one."""


@pytest.mark.parametrize("follows", [True, False])
def test_orders_and_results_are_here_within_seconds(
    place: tuple[str, PostgresServer | None], tmp_path: Path, follows: bool
) -> None:
    url, _ = place
    with follow_his.hospital(url, tmp_path / "his", visits=8) as scene:
        ages = follow_his.follow(scene, follows=follows, service=scene.services[0])
    assert ages.missing == 0
    assert ages.p95_s < GENEROUS_S


@pytest.mark.parametrize(
    ("place", "numbering"),
    [("sqlite", "own"), pytest.param("postgres", "his", marks=pytest.mark.postgres)],
    indirect=["place"],
)
def test_a_number_within_seconds_behind_a_his_that_answers_in_eight(
    place: tuple[str, PostgresServer | None], tmp_path: Path, numbering: str
) -> None:
    url, _ = place
    with slow_his.place(url, tmp_path / "his", numbering=numbering) as there:
        slow_his.queue_up(there, people=4, first=0)
        write_faults(there.folder, Faults(slow_s=slow_his.SLOW_S))
        took_s = slow_his.queue_up(there, people=12, first=1000)
    assert max(took_s) < 2 * slow_his.GOAL_S
