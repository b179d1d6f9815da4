from __future__ import annotations

from pathlib import Path

import pytest

from his_adapter.builtin.gateway import BuiltinGateway
from his_adapter.demo.faults import FAULTS_FILE, Faults, read_faults, write_faults
from his_adapter.errors import Forbidden, OutcomeUnknown, Unavailable
from his_adapter.models import BirthDate, HealthState, Patient, PatientDraft, WriteKey
from tests.unit.his_adapter.demo.conftest import Clock

KEY = WriteKey("fault-0001")
DRAFT = PatientDraft(full_name="Nguyễn Văn Thử", birth_date=BirthDate.from_iso("1980"))


def test_no_file_no_trouble(tmp_path: Path) -> None:
    assert read_faults(tmp_path) == Faults()


def test_written_and_read(tmp_path: Path) -> None:
    faults = Faults(slow_s=1.5, lose_replies=True, coverage_code="054")
    write_faults(tmp_path, faults)
    assert read_faults(tmp_path) == faults
    assert [file.name for file in tmp_path.iterdir()] == [FAULTS_FILE]


@pytest.mark.parametrize("content", ["", "{", "[]", '{"down": "maybe"}', '{"slow_s": null}'])
def test_a_slip_of_the_pen_is_noticed(tmp_path: Path, content: str) -> None:
    (tmp_path / FAULTS_FILE).write_text(content)
    assert read_faults(tmp_path).down


def test_down_and_back(demo: BuiltinGateway, folder: Path) -> None:
    write_faults(folder, Faults(down=True))
    with pytest.raises(Unavailable):
        demo.list_rooms()
    with pytest.raises(Unavailable):
        demo.create_patient(DRAFT, key=KEY)
    assert demo.health().state is HealthState.DOWN
    write_faults(folder, Faults())
    assert demo.health().state is HealthState.OK
    assert demo.find_by_key(KEY) is None


def test_slow_but_in_time(demo: BuiltinGateway, folder: Path, clock: Clock) -> None:
    write_faults(folder, Faults(slow_s=2))
    assert demo.list_rooms().items
    assert clock.slept_s[-1] == 2
    health = demo.health()
    assert health.state is HealthState.DEGRADED
    assert health.latency_ms is not None
    assert health.latency_ms >= 2000


def test_too_slow_for_a_read(demo: BuiltinGateway, folder: Path, clock: Clock) -> None:
    write_faults(folder, Faults(slow_s=60))
    with pytest.raises(Unavailable):
        demo.list_rooms()
    assert clock.slept_s[-1] == 5


@pytest.mark.parametrize("faults", [Faults(lose_replies=True), Faults(slow_s=60)])
def test_a_lost_answer_is_settled_by_the_key(
    demo: BuiltinGateway, folder: Path, faults: Faults
) -> None:
    write_faults(folder, faults)
    with pytest.raises(OutcomeUnknown) as caught:
        demo.create_patient(DRAFT, key=KEY)
    assert caught.value.key == KEY
    write_faults(folder, Faults())
    found = demo.find_by_key(KEY)
    assert isinstance(found, Patient)
    assert demo.create_patient(DRAFT, key=KEY) == found


def test_refused_writes_write_nothing(demo: BuiltinGateway, folder: Path) -> None:
    write_faults(folder, Faults(reject_writes=True))
    with pytest.raises(Forbidden):
        demo.create_patient(DRAFT, key=KEY)
    assert demo.find_by_key(KEY) is None
