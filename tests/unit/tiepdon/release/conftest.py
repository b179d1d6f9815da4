from __future__ import annotations

import contextlib
import sys
import venv
from collections.abc import Iterator
from pathlib import Path

import pytest

from backend.errors import ReleaseRefused
from tests.factories import quick_pip
from tests.factories.machine import Machine
from tiepdon.release import install


@pytest.fixture
def real_environment() -> None:
    """Asked for by a test that makes environments as a hospital's machine does."""


@pytest.fixture(autouse=True)
def quick_environments(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without pip, which takes seconds of the processor; one test has everything."""

    def make_environment(folder: Path) -> list[str]:
        venv.create(folder, symlinks=True)
        return [sys.executable, quick_pip.__file__, str(folder)]

    if "real_environment" not in request.fixturenames:
        monkeypatch.setattr(install, "make_environment", make_environment)


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    made = Machine(tmp_path)
    yield made
    with contextlib.suppress(ReleaseRefused):
        made.service.stop()
