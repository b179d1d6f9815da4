"""The primary dies in the middle of a morning: served again, and no acknowledged number lost."""

from __future__ import annotations

import http.client
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import select

from backend.storage.database import Database, open_engine
from backend.storage.database_copies import open_copy
from backend.storage.migrate import migrate
from backend.storage.number_tables import Number, Ticket
from tests.factories.hospital import Hospital, make_person, make_scan
from tests.integration.servers import Storm, WebServer
from tests.standby import StandbyPair
from tiepdon.demo.server import free_port

pytestmark = [pytest.mark.slow, pytest.mark.alone, pytest.mark.postgres, pytest.mark.timeout(300)]

PEOPLE = 400
BEFORE = 120
FAIL_OVER_S = 60


@pytest.fixture
def pair() -> Iterator[StandbyPair]:
    pair = StandbyPair(alone_after_s=4)
    try:
        pair.set_up()
        yield pair
    finally:
        pair.remove()


def is_ready(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


def test_the_standby_serves_within_a_minute_and_nothing_acknowledged_is_lost(
    pair: StandbyPair, tmp_path: Path
) -> None:
    pair.first.query("CREATE DATABASE storm")
    database = Database(open_engine(pair.url("storm"), pool_size=4), facility_id="main")
    migrate(database.engine)
    hospital = Hospital(database).set_up()
    hospital.add_room("101")
    hospital.add_service("NOI", "101", pooled=True)
    kiosk, credential = hospital.add_kiosk()
    scans = hospital.add_scans(
        kiosk, [make_scan(make_person(serial)) for serial in range(PEOPLE)], lifetime_s=3600
    )
    bodies: list[dict[str, object]] = [
        {"scan_id": scan, "service_id": hospital.services["NOI"]} for scan in scans
    ]
    web = WebServer(pair.url("storm"), tmp_path, workers=2)
    web.start()
    storm = Storm(port=web.port, credential=credential, clients=16)
    away_s: list[float] = []

    def power_cut(storm: Storm) -> None:
        storm.wait_for(BEFORE)
        began = time.monotonic()
        pair.first.kill()
        acknowledged = storm.answered
        assert acknowledged < PEOPLE - 16, "all were served before the power went"
        promoted = pair.second.script("promote")
        assert promoted.returncode == 0, promoted.stderr
        storm.wait_for(acknowledged + 16 + 1)  # 16 may have been under way
        away_s.append(time.monotonic() - began)
        assert is_ready(web.port)

    try:
        storm.run(bodies, trouble=power_cut)
        database.engine.dispose()  # this test's own connections died with the primary
        with database.read() as connection:
            stored = {
                row.visit_id: row.number
                for row in connection.execute(select(Ticket.visit_id, Ticket.number))
            }
            numbers = list(connection.scalars(select(Number.number)))
    finally:
        web.kill()
        database.close()
    answers = [answer for given in storm.answers.values() for answer in given]
    print(f"served again after {away_s[0]:.1f} s")
    assert away_s[0] < FAIL_OVER_S
    assert storm.refused == []
    assert len(answers) == PEOPLE
    assert {str(answer["id"]): answer["number"] for answer in answers} == stored
    assert sorted(numbers) == list(range(1, PEOPLE + 1)), "a number twice, or a gap"

    # A backup finds the one that serves by itself.
    with open_copy(pair.url("storm")) as copy:
        assert copy.rows["ticket"] == PEOPLE

    # The old primary comes back, and thinks that it serves: it stops by itself.
    pair.first.start()
    with pytest.raises(psycopg.Error):
        _write_at(pair.first.port)
    _wait(lambda: not pair.first.is_running())
    assert "was promoted" in pair.first.told
    # It joins as the standby, and both hold the same again.
    pair.first.end_guard()
    pair.join(pair.first, "--rebuild")
    pair.first.guard()
    pair.wait_until_in_step(pair.second)
    assert "both machines again" in pair.second.told


def test_a_standby_that_is_away_stops_nobody_for_long_and_is_told(pair: StandbyPair) -> None:
    pair.first.query("CREATE TABLE paper (number int)")
    pair.second.kill()
    began = time.monotonic()
    pair.first.query("INSERT INTO paper VALUES (1)")
    assert 1 < time.monotonic() - began < 15, "waited for the guard, and no longer"
    pair.first.query("INSERT INTO paper VALUES (2)")
    assert "on this machine only" in pair.first.told
    assert pair.first.script("status").returncode == 1
    pair.second.start()
    pair.wait_until_in_step(pair.first)
    assert pair.second.query("SELECT count(*) FROM paper") == [(2,)]


def test_promotion_is_refused_while_the_other_serves_and_asked_when_it_was_away_long(
    pair: StandbyPair,
) -> None:
    refused = pair.second.script("promote")
    assert refused.returncode == 1
    assert "still serves" in refused.stderr
    # The standby loses its link; the primary goes on alone and then dies with what only it has.
    pair.first.query("CREATE TABLE paper (number int)")
    pair.second.end_guard()
    pair.second.kill()
    pair.first.query("INSERT INTO paper VALUES (1)")
    pair.first.kill()
    pair.second.start()
    asked = pair.second.script("promote")
    assert asked.returncode == 1
    assert "--yes goes on" in asked.stderr
    assert pair.second.query("SELECT pg_is_in_recovery()") == [(True,)]
    assert pair.second.script("promote", "--yes").returncode == 0
    assert pair.second.query("SELECT pg_is_in_recovery()") == [(False,)]
    assert "serves already" in pair.second.script("promote").stderr


def test_a_primary_whose_standby_follows_slowly_waits_and_does_not_go_on_alone(
    pair: StandbyPair,
) -> None:
    """A long burst of writing: far behind for longer than the guard's patience, but following."""
    (found,) = pair.second.query("SELECT pid FROM pg_stat_wal_receiver")
    receiver = int(str(found[0]))
    writing = threading.Thread(
        target=pair.first.query,
        args=(
            "CREATE TABLE burst AS SELECT repeat(md5(n::text), 9) FROM generate_series(1, 9999) n",
        ),
    )
    os.kill(receiver, signal.SIGSTOP)
    try:
        writing.start()
        _wait(lambda: bool(_lag_bytes(pair) > 1_000_000))
        time.sleep(7)  # longer than 4 s, and shorter than wal_sender_timeout
        assert _lag_bytes(pair) > 1_000_000
        assert writing.is_alive()
    finally:
        os.kill(receiver, signal.SIGCONT)
    writing.join(30)
    assert not writing.is_alive()
    assert "on this machine only" not in pair.first.told


def test_a_standby_whose_link_breaks_all_the_time_stops_nobody(pair: StandbyPair) -> None:
    pair.second.query("ALTER SYSTEM SET wal_retrieve_retry_interval = '500ms'")
    pair.second.query("SELECT pg_reload_conf()")
    deadline = time.monotonic() + 30
    while "on this machine only" not in pair.first.told:
        assert time.monotonic() < deadline
        pair.first.query("SELECT pg_terminate_backend(pid) FROM pg_stat_replication")
        time.sleep(1.2)  # long enough for a look of the guard
    assert pair.first.query("SHOW synchronous_standby_names") == [("",)]
    pair.wait_until_in_step(pair.first)


def test_a_standby_that_follows_a_primary_alone_asks_before_it_serves(pair: StandbyPair) -> None:
    """It hears the other one all the time, and yet what that one acknowledges may not be here."""
    pair.second.kill()
    pair.first.query("CREATE TABLE paper (number int)")
    _wait(lambda: "on this machine only" in pair.first.told)
    pair.first.end_guard()  # nobody takes it back to both
    pair.second.start()
    _wait(lambda: bool(pair.second.query("SELECT 1 FROM pg_stat_wal_receiver")))
    time.sleep(2)  # looks of the standby's guard
    pair.first.kill()
    asked = pair.second.script("promote")
    assert asked.returncode == 1
    assert "--yes goes on" in asked.stderr


def test_a_primary_that_comes_back_with_its_link_cut_acknowledges_nothing_by_itself(
    pair: StandbyPair,
) -> None:
    _wait(lambda: (pair.second.folder / "run" / "last-contact").exists())
    pair.first.end_guard()
    pair.first.kill()
    assert pair.second.script("promote").returncode == 0
    link = pair.first.environ["TIEPDON_PEER_PORT"]
    pair.first.environ["TIEPDON_PEER_PORT"] = str(free_port())
    pair.first.start()
    pair.first.guard()
    _wait(lambda: "may serve already" in pair.first.told)
    time.sleep(2)
    assert pair.first.query("SHOW synchronous_standby_names") == [("tiepdon_standby",)]
    # The link is back: no person either may let it go on.
    pair.first.end_guard()
    pair.first.environ["TIEPDON_PEER_PORT"] = link
    refused = pair.first.script("alone")
    assert refused.returncode == 1
    assert "was promoted" in refused.stderr


def test_a_primary_that_was_started_while_the_other_is_off_goes_on_when_a_person_says_so(
    pair: StandbyPair,
) -> None:
    pair.second.kill()
    pair.first.end_guard()
    pair.first.restart()
    pair.first.guard()
    _wait(lambda: "nothing is acknowledged here" in pair.first.told)
    done = pair.first.script("alone")
    assert done.returncode == 0, done.stderr
    pair.first.query("CREATE TABLE paper (number int)")
    pair.second.start()
    pair.wait_until_in_step(pair.first)
    assert pair.second.query("SELECT count(*) FROM paper") == [(0,)]


def test_a_primary_that_nobody_ever_followed_goes_on_after_a_start() -> None:
    pair = StandbyPair(alone_after_s=4)
    try:
        pair.first.make_cluster()
        pair.first.start()
        assert pair.first.script("primary").returncode == 0
        (pair.first.folder / "run" / "alone.conf").unlink()  # as its unit does before a start
        pair.first.restart()
        pair.first.guard()
        pair.first.query("CREATE TABLE paper (number int)")
        _wait(lambda: "on this machine only" in pair.first.told)
    finally:
        pair.remove()


def _lag_bytes(pair: StandbyPair) -> int:
    rows = pair.first.query(
        "SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), flush_lsn)::bigint FROM pg_stat_replication"
        " WHERE state = 'streaming'"
    )
    return int(str(rows[0][0])) if rows else 0


def _write_at(port: int) -> None:
    """A commit at that server, given up when the connection ends under it."""
    address = f"host=127.0.0.1 port={port} dbname=storm user=postgres"
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute("CREATE TABLE lost (number int)")


def _wait(is_so: Callable[[], bool], within_s: float = 30) -> None:
    deadline = time.monotonic() + within_s
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.05)
