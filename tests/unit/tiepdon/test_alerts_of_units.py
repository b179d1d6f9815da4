from __future__ import annotations

import json

from click.testing import CliRunner
from sqlalchemy import select

from backend.storage.database import Database
from backend.storage.fleet_tables import Alert, AlertNotice
from tests.factories.hospital import Hospital
from tiepdon.cli import main


def run(*arguments: str) -> dict[str, object]:
    done = CliRunner().invoke(main, ["alerts", *arguments])
    assert done.exit_code == 0, done.output
    answer: dict[str, object] = json.loads(done.stdout)
    return answer


def test_a_unit_tells_once_and_once_on_return(database: Database, database_url: str) -> None:
    Hospital(database).set_up()
    about = ("standby_away", "--subject", "server:db1", "--db", database_url)
    assert run("raise", *about)["new"] is True
    assert run("raise", *about)["new"] is False
    assert run("clear", *about)["was_open"] is True
    assert run("clear", *about)["was_open"] is False
    with database.read() as connection:
        assert connection.scalars(select(Alert.subject)).all() == ["server:db1"]
        assert len(connection.execute(select(AlertNotice.id)).all()) == 2


def test_only_kinds_of_the_list(database_url: str) -> None:
    done = CliRunner().invoke(
        main, ["alerts", "raise", "no-such", "--subject", "x", "--db", database_url]
    )
    assert done.exit_code == 2
