from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from his_adapter.builtin.layout import MIGRATIONS
from his_adapter.builtin.store import Store


def test_a_register_of_the_first_layout_keeps_its_people(tmp_path: Path) -> None:
    file = tmp_path / "register.sqlite3"
    with closing(sqlite3.connect(file)) as db:
        db.executescript(MIGRATIONS[0])
        db.execute(
            "INSERT INTO patient (full_name, name_key, gender) VALUES ('Lan', 'lan', 'female')"
        )
        db.execute("PRAGMA user_version = 1")
        db.commit()
    with Store(file).reading() as db:
        assert db.execute("SELECT full_name FROM patient").fetchone()[0] == "Lan"
        assert db.execute("SELECT count(*) FROM change_log").fetchone()[0] == 0
