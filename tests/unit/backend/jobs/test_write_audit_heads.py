from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from backend.config import load_config
from backend.domain.audit_chain import Head, read_heads
from backend.jobs.seal_audit import seal_audit
from backend.jobs.worker import JOBS
from backend.jobs.write_audit_heads import write_audit_heads
from backend.services.resources import Resources
from tests.conftest import SettableClock
from tests.factories.audit import write_events


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "off" / "heads.jsonl"


@pytest.fixture
def writing(resources: Resources, path: Path) -> Resources:
    return replace(resources, config=replace(resources.config, audit_heads=path))


def chain(resources: Resources, count: int) -> None:
    write_events(resources.database, count)
    seal_audit(resources)


def read(path: Path) -> tuple[list[Head], int]:
    return read_heads(path.read_text("utf-8").splitlines(), facility_id="main")


def test_new_heads_are_added_when_it_is_time(
    writing: Resources, path: Path, clock: SettableClock
) -> None:
    seal_audit(writing)
    chain(writing, 2)
    assert write_audit_heads(writing)
    first = path.read_bytes()
    chain(writing, 1)
    clock.advance(minutes=4)
    assert not write_audit_heads(writing)
    clock.advance(minutes=1)
    assert write_audit_heads(writing)
    clock.advance(minutes=10)
    assert not write_audit_heads(writing), "nothing is new"
    assert path.read_bytes().startswith(first)
    one, two = read(path)[0]
    assert two.link.sequence == one.link.sequence + 1
    chain(writing, 1)
    clock.advance(days=-1)
    assert write_audit_heads(writing), "a clock that was set back stops nothing"


def test_half_a_line_is_left_behind(writing: Resources, path: Path) -> None:
    chain(writing, 1)
    path.parent.mkdir()
    path.write_text('{"facility_id": "main", "at": "2026')
    assert write_audit_heads(writing)
    heads, unreadable = read(path)
    assert (len(heads), unreadable) == (1, 1)


def test_rubbish_in_the_file_stops_nothing(writing: Resources, path: Path) -> None:
    chain(writing, 1)
    path.parent.mkdir()
    path.write_bytes(b"\xff\xfe\n" * 2_000)
    assert write_audit_heads(writing)
    assert (
        len(read_heads(path.read_text("utf-8", "replace").splitlines(), facility_id="main")[0]) == 1
    )


def test_nothing_is_written_where_nobody_wants_it_or_nothing_is_sealed(
    resources: Resources, writing: Resources, path: Path
) -> None:
    assert not write_audit_heads(writing)
    chain(resources, 1)
    assert not write_audit_heads(resources)
    assert not path.exists()


def test_a_file_that_cannot_be_written_is_said_so(writing: Resources, path: Path) -> None:
    chain(writing, 1)
    path.mkdir(parents=True)
    with pytest.raises(OSError, match="directory"):
        write_audit_heads(writing)


def test_the_worker_writes_them() -> None:
    assert "write_audit_heads" in {job.name for job in JOBS}


def test_the_file_is_a_setting_of_the_server() -> None:
    assert load_config({"TIEPDON_DEMO": "1"}).audit_heads is None
    config = load_config({"TIEPDON_DEMO": "1", "TIEPDON_AUDIT_HEADS": "heads.jsonl"})
    assert config.audit_heads == Path("heads.jsonl")
