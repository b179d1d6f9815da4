from __future__ import annotations

import re
from pathlib import Path

from backend.storage import metadata
from backend.storage.base import Base

STORAGE = Path(metadata.__file__).parent
_IMPORT = re.compile(r"^from backend\.storage\.(\w+) import", re.MULTILINE)


def test_every_module_with_tables_is_loaded() -> None:
    """By their names: a table elsewhere would be missing wherever nothing else loads it."""
    elsewhere = [
        path.stem
        for path in STORAGE.glob("*.py")
        if "__tablename__" in path.read_text(encoding="utf-8") and not path.match("*_tables.py")
    ]
    assert elsewhere == []


def test_who_loads_a_table_has_loaded_what_it_points_to() -> None:
    """Otherwise a column has no type, and a join no condition, until something else loads it."""
    homes = {
        mapper.local_table: _stem(mapper.class_.__module__) for mapper in Base.registry.mappers
    }
    lost = [
        str(key.parent)
        for table, home in homes.items()
        for key in table.foreign_keys
        if homes[key.column.table] not in _loaded_with(home)
    ]
    assert lost == []


def _stem(module: str) -> str:
    return module.rpartition(".")[2]


def _loaded_with(module: str) -> set[str]:
    loaded = {module}
    todo = [module]
    while todo:
        text = (STORAGE / f"{todo.pop()}.py").read_text(encoding="utf-8")
        new = set(_IMPORT.findall(text)) - loaded
        loaded |= new
        todo.extend(new)
    return loaded
