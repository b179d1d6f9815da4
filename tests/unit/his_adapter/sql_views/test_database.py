from __future__ import annotations

import gc
import threading
import time

from his_adapter.sql_views.config import SqlViewsConfig
from his_adapter.sql_views.database import Database
from tests.postgres import PostgresServer


def test_an_answer_that_comes_after_closing_leaves_no_connection_open(
    postgres_server: PostgresServer,
) -> None:
    """psycopg warns of a connection that is dropped while it is open, and warnings are errors."""
    url = postgres_server.url("postgres").replace("postgresql://", "postgresql+psycopg://")
    config = SqlViewsConfig(url=url, facility={"code": "99020", "name_vi": "X"}, reads={})
    database = Database(config, {"slow": "SELECT pg_sleep(0.4) LIMIT :limit"})
    late = threading.Thread(target=database.rows, args=("slow",), kwargs={"limit": 1})
    late.start()
    time.sleep(0.2)
    database.close()
    late.join(5)
    assert not late.is_alive()
    del database, late
    gc.collect()
