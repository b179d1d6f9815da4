from __future__ import annotations

import json

import pytest
from click.testing import CliRunner
from sqlalchemy import select, text

from backend.errors import ConfigError
from backend.storage.database import Database
from backend.storage.fleet_tables import Alert, AlertNotice
from backend.storage.migrate import find_revision, migrate
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


def test_a_command_of_another_release_leaves_the_shape_alone(
    database: Database, database_url: str
) -> None:
    """The machine that stands by tells of itself in the database that the other one serves from."""
    Hospital(database).set_up()
    revision = find_revision(database.engine)
    for other in ("0001", "9999"):
        _say_shape(database, other)
        done = CliRunner().invoke(
            main, ["alerts", "raise", "disk_low", "--subject", "server:db2", "--db", database_url]
        )
        assert done.exit_code == 1
        assert f"the shape of another release ({other})" in done.output
        assert find_revision(database.engine) == other
    with pytest.raises(ConfigError, match="newer release"):
        migrate(database.engine)
    _say_shape(database, str(revision))
    assert run("raise", "disk_low", "--subject", "server:db2", "--db", database_url)["new"] is True


def _say_shape(database: Database, revision: str) -> None:
    with database.engine.connect().execution_options(write=True) as connection, connection.begin():
        connection.execute(
            text("UPDATE alembic_version SET version_num = :revision"), {"revision": revision}
        )


def test_only_kinds_of_the_list(database_url: str) -> None:
    done = CliRunner().invoke(
        main, ["alerts", "raise", "no-such", "--subject", "x", "--db", database_url]
    )
    assert done.exit_code == 2
