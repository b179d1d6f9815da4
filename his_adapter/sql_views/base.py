"""What all calls share: the database, the declared features, bounded and checked rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from his_adapter.builtin.checks import checked_key, checked_ref
from his_adapter.builtin.writes import content_digest
from his_adapter.errors import (
    BrokenReply,
    Duplicate,
    Forbidden,
    InvalidData,
    KeyReused,
    NotFound,
    NotSupported,
    SlotTaken,
    VersionConflict,
)
from his_adapter.models import Feature, Page, Ref, WriteKey
from his_adapter.partial import PartialGateway
from his_adapter.sql_views.columns import Columns
from his_adapter.sql_views.config import SqlViewsConfig
from his_adapter.sql_views.database import Database, Write

Item = TypeVar("Item")
_DEFAULT_MESSAGE = "Hệ thống của bệnh viện không nhận dữ liệu này."


class SqlViewsBase(PartialGateway):
    def __init__(
        self, config: SqlViewsConfig, database: Database, features: frozenset[Feature]
    ) -> None:
        self._config = config
        self._database = database
        self._features = features

    def _need(self, feature: Feature) -> None:
        if feature not in self._features:
            raise NotSupported(feature)

    def _limit(self, limit: int) -> int:
        if not 1 <= limit <= self._config.max_limit:
            raise InvalidData("limit", "Danh sách yêu cầu quá dài.")
        return limit

    def _all(self, view: str, **values: object) -> list[Columns]:
        """Every row, for lists that are chosen from here. Raises BrokenReply when too long."""
        most = self._config.max_limit
        rows = self._database.rows(view, limit=most + 1, **values)
        if len(rows) > most:
            raise BrokenReply(f"view {view} has more than {most} rows")
        return rows

    def _listed(
        self, view: str, shape: Callable[[Columns], Item], limit: int, **values: object
    ) -> Page[Item]:
        rows = self._database.rows(view, limit=self._limit(limit) + 1, **values)
        return self._page([shape(row) for row in rows], limit)

    def _page(self, items: Sequence[Item], limit: int) -> Page[Item]:
        self._limit(limit)
        return Page(items=tuple(items[:limit]), complete=len(items) <= limit)

    def _one(self, view: str, **values: object) -> Columns:
        """The only row. Raises NotFound, BrokenReply."""
        found = self._find(view, **values)
        if found is None:
            raise NotFound(f"nothing in {view}")
        return found

    def _find(self, view: str, **values: object) -> Columns | None:
        rows = self._database.rows(view, limit=2, **values)
        return only(view, rows)

    def _write(
        self,
        feature: Feature,
        key: WriteKey,
        values: dict[str, object],
        read: Callable[[Write, Ref], Item],
        *,
        content: tuple[object, ...],
    ) -> Item:
        """Calls the statement named like the feature and reads back what it says it left."""
        self._need(feature)
        digest = content_digest((feature, *content))
        with self._database.writing(checked_key(key)) as write:
            row = only(feature, write.call(feature, content=digest, **values))
            if row is None:
                raise BrokenReply(f"{feature} gave no row")
            _raise_problem(row)
            return read(write, row.ref("ref"))


def only(view: str, rows: Sequence[Columns]) -> Columns | None:
    if len(rows) > 1:
        raise BrokenReply(f"view {view} gave several rows for one record")
    return rows[0] if rows else None


def named(row: Columns, wanted: Ref, column: str = "ref") -> Columns:
    """Raises BrokenReply when the row is about another record than the one asked for."""
    if row.ref(column) != wanted:
        raise BrokenReply(f"the answer is about another {column}")
    return row


def checked(ref: Ref) -> Ref:
    return Ref(checked_ref(ref))


def _raise_problem(row: Columns) -> None:
    """`problem` is NULL for a write that was done; `existing` and `field` say more."""
    problem = row.find_text("problem")
    existing = row.find_text("existing")
    if problem is None:
        return
    if problem == "duplicate":
        raise Duplicate("the HIS has it already", existing=existing or "")
    if problem.startswith("invalid"):
        raise InvalidData(problem.partition(":")[2] or "data", existing or _DEFAULT_MESSAGE)
    known = {
        "not-found": NotFound,
        "conflict": VersionConflict,
        "slot-taken": SlotTaken,
        "key-reused": KeyReused,
        "forbidden": Forbidden,
    }
    if problem not in known:
        raise BrokenReply("a write gave an unknown problem")
    raise known[problem]("the HIS says so")
