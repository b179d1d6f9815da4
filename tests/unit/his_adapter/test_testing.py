from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from his_adapter.demo.gateway import open_demo
from his_adapter.demo.personas import INSURED
from his_adapter.models import PatientQuery
from his_adapter.testing import fill_demo_folder


def test_a_filled_folder_needs_no_filling(tmp_path: Path) -> None:
    now = datetime(2026, 1, 5, 2, 0, tzinfo=UTC)
    fill_demo_folder(tmp_path / "deep" / "his", now=now)
    his = open_demo(tmp_path / "deep" / "his", clock=lambda: now)
    assert his.find_patients(PatientQuery(identifiers=INSURED.identifiers[:1])).items
