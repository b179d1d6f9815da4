"""Whoever is asked outside the house may be slow: no transaction is open meanwhile."""

from __future__ import annotations

from typing import Any, cast

import pytest
from sqlalchemy.pool import QueuePool

from backend.storage.database import Database
from tests.factories.his import ScriptedHis
from tests.factories.identity_payloads import cccd2021
from tests.unit.backend.web.conftest import ApiCaller

REMOTE_CALLS = ("find_patients", "check_coverage", "find_appointments")


@pytest.fixture
def connections_during_calls(
    his: ScriptedHis, database: Database, monkeypatch: pytest.MonkeyPatch
) -> dict[str, int]:
    """Remote call → how many database connections were in use while it ran."""
    seen: dict[str, int] = {}
    pool = cast("QueuePool", database.engine.pool)

    def watch(name: str) -> None:
        call = getattr(his, name)

        def watched(*args: Any, **named: Any) -> Any:
            seen[name] = seen.get(name, 0) + pool.checkedout()
            return call(*args, **named)

        monkeypatch.setattr(his, name, watched)

    for name in REMOTE_CALLS:
        watch(name)
    return seen


def test_nothing_is_held_while_the_his_and_the_insurer_are_asked(
    kiosk: ApiCaller,
    his: ScriptedHis,
    database: Database,
    connections_during_calls: dict[str, int],
) -> None:
    his.add_patient()
    reply = kiosk.scan(cccd2021())
    assert reply.status_code == 200
    visit = {"scan_id": reply.json["scan_id"], "service_id": "NOI"}
    service = kiosk.get("/services").json["items"][0]["id"]
    assert kiosk.post("/visits", visit | {"service_id": service}).status_code == 201
    assert connections_during_calls == dict.fromkeys(REMOTE_CALLS, 0)


def test_a_held_connection_would_be_seen(
    his: ScriptedHis, database: Database, connections_during_calls: dict[str, int]
) -> None:
    with database.read():
        his.find_appointments(None, None, None)
    assert connections_during_calls["find_appointments"] == 1
