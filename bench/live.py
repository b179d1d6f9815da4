"""Live pages while a hospital is busy: how soon a call is on every board, and what a page costs.

Boards and consoles are streams of server-sent events, read by one process; another takes numbers
as 60 kiosks do, a third presses "next" in 25 rooms as consoles do, each finishing who was there.
Two web workers, PostgreSQL with synchronous commit, and all clients share this machine's cores.
A time counts from the press until the event has reached the page.
"""

from __future__ import annotations

import json
import multiprocessing
import selectors
import socket
import statistics
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

from backend.domain.roles import StaffRole
from backend.storage.database import Database, open_engine
from backend.storage.migrate import migrate
from bench import Row
from bench.issue import PATH, Bench
from bench.load import Caller, send_all, serving
from tests.factories.accounts import Accounts
from tests.factories.hospital import Hospital
from tests.postgres import PostgresServer

BOARDS, CONSOLES = 150, 60
ROOMS = 25
ROOMS_OF_A_BOARD = 10
TICKETS_A_SECOND, CALLS_A_SECOND = 50, 25
GOAL_MS = 500.0
GOAL_MIB = 1.0


@dataclass(frozen=True, kw_only=True)
class Heard:
    """When each stream heard of each call, and how many streams were lost."""

    times: dict[str, list[tuple[int, float]]]
    lost: int


def open_stream(port: int, credential: str, rooms: Sequence[str]) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", port), timeout=30)
    head = (
        f"GET /api/v1/live?rooms={','.join(rooms)} HTTP/1.1\r\nHost: localhost\r\n"
        f"Authorization: Bearer {credential}\r\nAccept: text/event-stream\r\n\r\n"
    )
    connection.sendall(head.encode())
    heard = b""
    while b"event: hello" not in heard:
        part = connection.recv(4096)
        if not part:
            raise ConnectionError(heard[:200])
        heard += part
    connection.setblocking(False)
    return connection


def listen(port: int, credential: str, pages: Sequence[Sequence[str]], pipe: Connection) -> None:
    """A process with all pages: says when they are open, and at the end what they heard."""
    selector = selectors.DefaultSelector()
    for index, rooms in enumerate(pages):
        stream = open_stream(port, credential, rooms)
        selector.register(stream, selectors.EVENT_READ, (index, bytearray()))
    pipe.send("open")
    times: dict[str, list[tuple[int, float]]] = {}
    lost = 0
    while not pipe.poll():
        for key, _ in selector.select(0.2):
            index, rest = key.data
            part = key.fileobj.recv(65536)  # type: ignore[union-attr]  # a socket
            if not part:
                selector.unregister(key.fileobj)
                lost += 1
                continue
            now = time.monotonic()
            rest += part
            *lines, last = bytes(rest).split(b"\n")
            rest[:] = last
            for line in lines:
                if line.startswith(b"data: {") and b'"event":"step_called"' in line:
                    call = json.loads(line[6:])["call"]
                    times.setdefault(call, []).append((index, now))
    pipe.recv()
    pipe.send(Heard(times=times, lost=lost))


def press_all(
    port: int, credential: str, rooms: Sequence[str], calls: int, pipe: Connection
) -> None:
    caller = Caller(port=port, credential=credential, rooms=rooms, rate=CALLS_A_SECOND)
    caller.run(calls)
    pipe.send((caller.pressed, caller.took_s, caller.failed))


def memory_mib(port: int) -> float:
    """Proportional memory of every process that listens on the port's server."""
    total = 0
    for process in Path("/proc").iterdir():
        try:
            words = (process / "cmdline").read_bytes()
            if f"127.0.0.1:{port}".encode() in words and b"gunicorn" in words:
                text = (process / "smaps_rollup").read_text(encoding="ascii")
                total += sum(int(line.split()[1]) for line in text.splitlines() if "Pss:" in line)
        except (OSError, ValueError):
            continue
    return total / 1024


def list_pages(rooms: Sequence[str]) -> list[list[str]]:
    """Boards of ten rooms each, consoles of one."""
    boards = [
        [rooms[(board + offset) % len(rooms)] for offset in range(ROOMS_OF_A_BOARD)]
        for board in range(BOARDS)
    ]
    return boards + [[rooms[console % len(rooms)]] for console in range(CONSOLES)]


def set_up(server: PostgresServer) -> Bench:
    server.execute("CREATE DATABASE live")
    engine = open_engine(server.url("live"), pool_size=2)
    migrate(engine)
    hospital = Hospital(Database(engine, facility_id="main")).set_up()
    for number in range(ROOMS):
        hospital.add_room(f"{101 + number}")
        hospital.add_service(f"S{number}", f"{101 + number}", series_letter=chr(65 + number))
    return Bench(hospital=hospital, url=server.url("live"))


def run(*, quick: bool) -> list[Row]:
    seconds = 10 if quick else 40
    server = PostgresServer(durable=True)
    try:
        server.start()
        bench = set_up(server)
        accounts = Accounts(bench.hospital.database)
        accounts.add("benchmark", StaffRole.ROOM_CALLER)
        return list(_run(bench, accounts.token("benchmark"), seconds))
    finally:
        server.remove()


def _run(bench: Bench, staff: str, seconds: int) -> Iterator[Row]:
    context = multiprocessing.get_context("fork")
    services = [f"S{number}" for number in range(ROOMS)]
    rooms = list(bench.hospital.rooms.values())
    pages = list_pages(rooms)
    first = bench.make_requests(ROOMS * 10, services)
    busy = bench.make_requests(seconds * TICKETS_A_SECOND, services)
    with serving("backend.app:create_app()", bench.environ) as port:
        send_all(port, PATH, *first, rate=None)
        before_mib = memory_mib(port)
        mine, theirs = context.Pipe()
        listener = context.Process(target=listen, args=(port, staff, pages, theirs))
        listener.start()
        mine.recv()
        page_mib = (memory_mib(port) - before_mib) / len(pages)
        ours, consoles = context.Pipe()
        calls = seconds * CALLS_A_SECOND
        presser = context.Process(target=press_all, args=(port, staff, rooms, calls, consoles))
        presser.start()
        issued = send_all(port, PATH, *busy, rate=TICKETS_A_SECOND)
        pressed, took_s, failed = ours.recv()
        time.sleep(1)
        mine.send("stop")
        heard: Heard = mine.recv()
        listener.join()
        presser.join()
    delays = []
    missing = 0
    for call, (room, at) in pressed.items():
        seen = dict(heard.times.get(call, []))
        for index, page in enumerate(pages):
            if room in page:
                if index in seen:
                    delays.append((seen[index] - at) * 1000)
                else:
                    missing += 1
    cuts = statistics.quantiles(delays, n=100)
    yield Row(name="a call is on a page, p95", value=cuts[94], unit="ms", goal=GOAL_MS,
              note=f"{len(pages)} pages, {len(delays):,} arrivals")  # fmt: skip
    yield Row(name="  median", value=cuts[49], unit="ms")
    yield Row(name="  slowest", value=max(delays), unit="ms")
    yield Row(name="calls that did not reach a page", value=missing, unit="", goal=0)
    yield Row(name="pages that were dropped", value=heard.lost, unit="", goal=0)
    yield Row(name="memory of a live page", value=page_mib, unit="MiB", goal=GOAL_MIB)
    yield Row(name="pressing next, p95", value=statistics.quantiles(took_s, n=100)[94] * 1000,
              unit="ms", note=f"{len(pressed) / seconds:.0f}/s")  # fmt: skip
    yield Row(name="taking a number meanwhile, p95", value=issued.p95_ms, unit="ms",
              note=f"{issued.rate:.0f}/s")  # fmt: skip
    yield Row(name="requests failed", value=failed + issued.failed, unit="", goal=0)
