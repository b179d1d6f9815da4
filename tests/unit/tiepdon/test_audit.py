from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import update

from backend.config import Config
from backend.domain.roles import StaffRole
from backend.jobs.seal_audit import seal_rows
from backend.services.acknowledge_break import acknowledge_break
from backend.services.recognise_caller import Caller
from backend.storage.audit_tables import AuditCheckpoint
from backend.storage.database import Database, open_database
from tests.factories.audit import change_row, remove_row, sealed_rows, write_events
from tiepdon.cli import main
from tiepdon.options import open_set_up_resources


@pytest.fixture
def url(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    for name in ("TIEPDON_KEYS_FILE", "TIEPDON_DEMO", "TIEPDON_DB"):
        monkeypatch.delenv(name, raising=False)
    return database_url


@pytest.fixture
def chained(url: str) -> Iterator[Database]:
    """Whatever setting up left, and five more; then one that is not sealed."""
    database = open_database(Config(database_url=url))
    assert run("head", "--db", url).exit_code == 0
    write_events(database, 5)
    seal_rows(database)
    write_events(database, 1)
    yield database
    database.close()


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["audit", *arguments])


def test_a_whole_chain(chained: Database, url: str) -> None:
    result = run("verify", "--db", url)
    said = json.loads(result.stdout)
    last = sealed_rows(chained)[-1]
    assert result.exit_code == 0
    assert (said["ok"], said["break"], said["first_sequence"]) == (True, None, 1)
    assert said["rows"] == said["sequence"] == last.sequence
    assert said["chain_hash"] == last.chain_hash
    assert said["unsealed"] == 1
    assert said["oldest_unsealed_age_s"] >= 0
    assert "heads" not in said


def test_a_changed_row(chained: Database, url: str) -> None:
    row = sealed_rows(chained)[-2]
    change_row(chained, row.sequence, actor="staff:other")
    result = run("verify", "--db", url)
    assert result.exit_code == 1
    assert json.loads(result.stdout)["break"] == {
        "kind": "changed",
        "sequence": row.sequence,
        "id": row.id,
        "at": row.at.isoformat(),
    }


def test_the_newest_row_removed_by_somebody_who_knows_how(
    chained: Database, url: str, tmp_path: Path
) -> None:
    copied = tmp_path / "heads.jsonl"
    copied.write_text('{"half\n' + run("head", "--db", url).stdout)
    good = run("verify", "--head", str(copied), "--db", url)
    assert (good.exit_code, json.loads(good.stdout)["heads"]) == (0, 1)
    assert json.loads(good.stdout)["heads_unreadable"] == 1

    *_, end, newest = sealed_rows(chained)
    remove_row(chained, newest.sequence)
    with chained.write() as unit:
        unit.connection.execute(
            update(AuditCheckpoint).values(head_sequence=end.sequence, head_hash=end.chain_hash)
        )
    assert run("verify", "--db", url).exit_code == 0
    found = run("verify", "--head", str(copied), "--db", url)
    assert found.exit_code == 1
    said = json.loads(found.stdout)["break"]
    assert (said["kind"], said["sequence"]) == ("removed", newest.sequence)


def test_a_file_without_heads_proves_nothing(chained: Database, url: str, tmp_path: Path) -> None:
    file = tmp_path / "heads.jsonl"
    file.write_text("nothing\n")
    result = run("verify", "--head", str(file), "--db", url)
    assert (result.exit_code, "no head of facility main" in result.stderr) == (2, True)
    assert run("verify", "--head", "missing", "--db", url).exit_code == 2
    chained.close()


def test_a_break_that_an_auditor_answered_for(
    chained: Database, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    sequence = sealed_rows(chained)[-3].sequence
    remove_row(chained, sequence)
    broken = json.loads(run("verify", "--db", url).stdout)
    auditor = Caller(role="staff", id="k", name="Kiểm", roles=frozenset({StaffRole.AUDITOR}))
    with open_set_up_resources(url, demo=True) as resources:
        acknowledge_break(resources, broken["fingerprint"], reason="biên bản 12", staff=auditor)
    without_keys = run("verify", "--db", url)
    assert without_keys.exit_code == 1
    monkeypatch.setenv("TIEPDON_DEMO", "1")
    result = run("verify", "--db", url)
    said = json.loads(result.stdout)
    assert (result.exit_code, said["ok"], said["break"]) == (0, True, None)
    (known,) = said["known"]
    assert (known["kind"], known["sequence"]) == ("removed", sequence)
    assert (known["acknowledged_by"], known["reason"]) == ("staff:k", "biên bản 12")
    remove_row(chained, sequence + 1)
    assert run("verify", "--db", url).exit_code == 1
