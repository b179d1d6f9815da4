"""docs/security.md: every rule has its row, and every test named there exists."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

from sqlalchemy import LargeBinary

from backend.storage.metadata import METADATA

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "security.md"
IMPACT = ROOT / "docs" / "templates" / "danh-gia-tac-dong.md"
RULES = [
    *(f"SE-{number:02}" for number in range(1, 24)),
    *(f"PV-{number:02}" for number in (*range(1, 12), *range(20, 35))),
    *(f"ESC-{number:02}" for number in range(1, 13)),
]
STATES = {"held", "partly", "hospital", "not held"}
_ROW = re.compile(
    r"\| (?P<rule>(?:SE|PV|ESC)-\d\d) \| (?P<state>[^|]+) \| (?P<how>.+) \| ?(?P<tests>.*)\|"
)
_TEST = re.compile(r"`(tests/[^`]+)`")


def rows() -> list[re.Match[str]]:
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    return [found for line in lines if (found := _ROW.fullmatch(line.strip()))]


def test_every_rule_has_one_row_in_order() -> None:
    assert [row["rule"] for row in rows()] == RULES


def test_what_is_held_names_its_test() -> None:
    for row in rows():
        assert row["state"].strip() in STATES, row["rule"]
        assert len(row["how"]) > 20, row["rule"]
        if row["state"].strip() == "held":
            assert _TEST.search(row["tests"]), row["rule"]


def test_every_test_named_exists() -> None:
    missing = []
    for row in rows():
        for name in _TEST.findall(row["tests"]):
            path, _, function = name.partition("::")
            if not (ROOT / path).is_file() or (function and function not in _tests_of(path)):
                missing.append(f"{row['rule']}: {name}")
    assert missing == []


def test_every_file_named_exists() -> None:
    text = PAGE.read_text(encoding="utf-8")
    named = set(re.findall(r"`((?:docs|backend|tiepdon)/[^`]+\.(?:md|py))`", text))
    assert [name for name in sorted(named) if not (ROOT / name).is_file()] == []


def test_the_templates_name_every_table_with_people() -> None:
    """The data map of the impact assessment follows the tables: sealed columns are of people."""
    text = IMPACT.read_text(encoding="utf-8")
    sealed = {
        table.name
        for table in METADATA.tables.values()
        if any(
            column.name.startswith("sealed") and isinstance(column.type, LargeBinary)
            for column in table.columns
        )
    }
    assert [name for name in sorted(sealed) if f"`{name}`" not in text] == []


@cache
def _tests_of(path: str) -> set[str]:
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
