"""The whole demonstration, as `make demo` plays it on a machine without a display."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

pytestmark = [pytest.mark.slow, pytest.mark.gui, pytest.mark.timeout(1500)]

JOURNEYS = 10
ON_ONE_STAGE = 8
"""The others have a house, and numbers, of their own."""


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("demo")
    command = [sys.executable, "-m", "tiepdon", "demo", "--headless", "--out", str(out)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=1400, check=False)
    assert ended.returncode == 0, ended.stderr[-2000:]
    assert ended.stdout == "", "messages belong on standard error"
    return out


def test_every_journey_comes_out_right(demo: Path) -> None:
    report = json.loads((demo / "report.json").read_text())
    assert [row["journey"] for row in report] == list(range(1, JOURNEYS + 1))
    assert all(row["ok"] for row in report)
    assert all(row["ticket"] and row["room"] and row["times_ms"] for row in report)


def test_no_two_journeys_share_a_number(demo: Path) -> None:
    report = json.loads((demo / "report.json").read_text())
    assert len({row["ticket"] for row in report[:ON_ONE_STAGE]}) == ON_ONE_STAGE


def test_pictures_are_where_the_page_shows_them(demo: Path) -> None:
    report = json.loads((demo / "report.json").read_text())
    page = (demo / "index.html").read_text()
    for row in report:
        assert len(row["screens"]) == len(set(row["screens"]))
        assert row["screens"]
        assert row["tickets"]
        for path in [*row["screens"], *row["tickets"]]:
            assert path in page
            with Image.open(demo / path) as picture:
                assert picture.width >= 384


def test_the_insurer_holds_nobody_up(demo: Path) -> None:
    """Three seconds for the patient, and the machine's own work on top; not the insurer's eight."""
    report = json.loads((demo / "report.json").read_text())
    waited_ms = report[7]["times_ms"]["machine time to provisional ticket"]
    assert waited_ms < 8_000


def test_what_an_outage_kept_back_arrives(demo: Path) -> None:
    """Journeys that end well have found registration and check-in table where they belong."""
    report = json.loads((demo / "report.json").read_text())
    for row in report[ON_ONE_STAGE:]:
        arrived = {"back: registered in the HIS", "back: check-in table at the gateway"}
        assert arrived <= row["times_ms"].keys()
        assert row["times_ms"]["machine time to provisional ticket"] < 8_000
    assert len(report[9]["tickets"]) == 2


def test_a_wrong_journey_is_wrong_use(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tiepdon", "demo", "--headless", "--journey", "99"]
    ended = subprocess.run(
        [*command, "--out", str(tmp_path)], capture_output=True, timeout=120, check=False
    )
    assert ended.returncode == 2


def test_the_demo_refuses_production(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tiepdon", "demo", "--headless", "--out", str(tmp_path)]
    ended = subprocess.run(
        command, capture_output=True, timeout=120, check=False, env={"TIEPDON_ENV": "production"}
    )
    assert ended.returncode == 1
