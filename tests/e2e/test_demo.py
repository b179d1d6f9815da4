"""The whole demonstration, as `make demo` plays it on a machine without a display."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

pytestmark = [pytest.mark.slow, pytest.mark.gui, pytest.mark.timeout(1500)]

JOURNEYS = 13
APART = (9, 10)
"""They have a house, and numbers, of their own."""
PAYING = (11, 12, 13)
WITHOUT_NUMBER = (12, 13)
"""Who comes to pay only."""


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
    for row in report:
        takes_number = row["journey"] not in WITHOUT_NUMBER
        assert bool(row["ticket"]) is bool(row["room"]) is takes_number
        assert bool(row["payment"]) is (row["journey"] in PAYING)
        assert row["times_ms"]


def test_no_two_journeys_share_a_number(demo: Path) -> None:
    report = json.loads((demo / "report.json").read_text())
    tickets = [row["ticket"] for row in report if row["ticket"] and row["journey"] not in APART]
    assert len(set(tickets)) == len(tickets) == JOURNEYS - len(APART) - len(WITHOUT_NUMBER)


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
    for row in (report[number - 1] for number in APART):
        arrived = {"back: registered in the HIS", "back: check-in table at the gateway"}
        assert arrived <= row["times_ms"].keys()
        assert row["times_ms"]["machine time to provisional ticket"] < 8_000
    assert len(report[9]["tickets"]) == 2


def test_money_is_seen_put_on_paper_and_told_to_the_his(demo: Path) -> None:
    """Journeys that end well have read the QR off the glass, and proven the books."""
    report = json.loads((demo / "report.json").read_text())
    fee, advance, twice = (report[number - 1] for number in PAYING)
    assert len({row["payment"] for row in (fee, advance, twice)}) == len(PAYING)
    for row, event in ((fee, "paid"), (advance, "asked"), (twice, "paid")):
        names = {"QR on the glass", f"{event} to received", f"{event} to receipt"}
        assert names | {"until the HIS has it"} <= row["times_ms"].keys()
    assert len(fee["tickets"]) == 2
    assert len(advance["tickets"]) == len(twice["tickets"]) == 1
    assert "held to given back" in twice["times_ms"]


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
