from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from his_adapter.builtin.gateway import BuiltinGateway
from his_adapter.demo.gateway import open_demo
from his_adapter.demo.hospital import Hours
from his_adapter.testing import fill_demo_folder

MONDAY_MORNING = datetime(2026, 1, 5, 2, 0, tzinfo=UTC)  # 09:00 in Việt Nam


@dataclass
class Clock:
    """A clock that is moved by hand and by sleeping."""

    now: datetime = MONDAY_MORNING
    slept_s: list[float] = field(default_factory=list)

    def __call__(self) -> datetime:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept_s.append(seconds)
        self.now += timedelta(seconds=seconds)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    fill_demo_folder(tmp_path / "his", now=MONDAY_MORNING)
    return tmp_path / "his"


@pytest.fixture
def open_again(folder: Path, clock: Clock) -> Callable[[], BuiltinGateway]:
    return lambda: open_demo(folder, hours=Hours.ALWAYS, clock=clock, sleep=clock.sleep)


@pytest.fixture
def demo(open_again: Callable[[], BuiltinGateway]) -> BuiltinGateway:
    return open_again()
