"""A HIS that answers in 8 seconds: from the card at a kiosk until the patient has a number.

The real server over HTTP, the demo hospital behind it with its calls held back. Each figure is
POST /scans and POST /visits of one patient together. A HIS that is slower than the time limits
opens the breaker, so the first patients are the ones who wait; one that answers just inside them
never does, so everybody might.
"""

from __future__ import annotations

import base64
import http.client
import json
import statistics
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from backend.domain.ids import new_id
from backend.domain.notice import NOTICE_VERSION
from backend.domain.settings import FacilitySettings
from backend.services.remote_party import OPEN_FOR_S
from backend.storage.database import Database, open_engine
from backend.storage.migrate import migrate
from bench import Row
from bench.load import serving
from his_adapter.demo.faults import Faults, write_faults
from his_adapter.demo.gateway import open_demo
from tests.factories.hospital import Hospital
from tests.factories.identity_payloads import cccd2021
from tests.postgres import PostgresServer

KIOSKS = 4
GOAL_S = 3.0
SLOW_S, JUST_INSIDE_S = 8.0, 4.0
"""Beyond the time limit of a read, and within it."""


@dataclass(frozen=True, kw_only=True)
class Place:
    port: int
    credentials: Sequence[str]
    service_id: str
    folder: Path


@contextmanager
def place(url: str, folder: Path, *, numbering: str = "own") -> Iterator[Place]:
    """A hospital with one line and several kiosks; its HIS is well to begin with."""
    engine = open_engine(url, pool_size=2)
    migrate(engine)
    database = Database(engine, facility_id="main")
    hospital = Hospital(database).set_up(FacilitySettings(numbering=numbering))
    hospital.add_room("101")
    hospital.add_service("NOI", "101", pooled=True)
    open_demo(folder, clock=lambda: datetime.now(UTC)).list_rooms()
    environ = {
        "TIEPDON_DB": url,
        "TIEPDON_DEMO": "1",
        "TIEPDON_HIS": "demo",
        "TIEPDON_HIS_SETTINGS": json.dumps({"folder": str(folder)}),
    }
    credentials = [hospital.add_kiosk(f"K{number}")[1] for number in range(KIOSKS)]
    database.close()
    with serving("backend.app:create_app()", environ) as port:
        yield Place(
            port=port,
            credentials=credentials,
            service_id=hospital.services["NOI"],
            folder=folder,
        )


def _post(connection: http.client.HTTPConnection, credential: str, path: str, body: Any) -> Any:
    headers = {
        "Authorization": f"Bearer {credential}",
        "Idempotency-Key": new_id(),
        "Content-Type": "application/json",
    }
    connection.request("POST", f"/api/v1{path}", json.dumps(body), headers)
    reply = connection.getresponse()
    text = reply.read()
    if reply.status not in {200, 201}:
        raise ConnectionError(f"{path}: {reply.status} {text[:200]!r}")
    return json.loads(text)


def take_number(there: Place, credential: str, serial: int) -> float:
    """Seconds from the card until the number, without anything the patient does."""
    connection = http.client.HTTPConnection("127.0.0.1", there.port, timeout=60)
    card = cccd2021(id_number=f"079085{serial:06d}")
    notice = {
        "version": NOTICE_VERSION,
        "language": "vi",
        "accepted_at": datetime.now(UTC).isoformat(),
    }
    began = time.monotonic()
    scan = _post(
        connection,
        credential,
        "/scans",
        {
            "payload_base64": base64.b64encode(card).decode(),
            "source": "camera",
            "notice": notice,
        },
    )
    visit = _post(
        connection,
        credential,
        "/visits",
        {
            "scan_id": scan["scan_id"],
            "service_id": there.service_id,
            "visit_kind": "new",
            "papers": {"transfer_slip": False},
        },
    )
    took_s = time.monotonic() - began
    connection.close()
    assert visit["number"]
    return took_s


def queue_up(there: Place, *, people: int, first: int) -> list[float]:
    """Patients one after the other at each kiosk, all kiosks at once; in the order they ended."""
    took_s: list[float] = []
    faults: list[BaseException] = []

    def stand(kiosk: int) -> None:
        try:
            serials = range(first + kiosk, first + people, KIOSKS)
            took_s.extend(take_number(there, there.credentials[kiosk], each) for each in serials)
        except (OSError, http.client.HTTPException, AssertionError) as error:
            faults.append(error)

    threads = [threading.Thread(target=stand, args=(kiosk,)) for kiosk in range(KIOSKS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if faults:
        raise faults[0]
    return took_s


def run(*, quick: bool) -> list[Row]:
    people = 24 if quick else 80
    rows: list[Row] = []
    server = PostgresServer(durable=True)
    try:
        server.start()
        for numbering in ("own", "his"):
            server.execute(f"CREATE DATABASE slow_{numbering}")
            with (
                tempfile.TemporaryDirectory() as name,
                place(server.url(f"slow_{numbering}"), Path(name), numbering=numbering) as there,
            ):
                rows += _rows(there, people=people, numbering=numbering)
    finally:
        server.remove()
    return rows


def let_it_recover(there: Place, *, first: int) -> None:
    """No breaker of any process is open any more, and no call is under way."""
    write_faults(there.folder, Faults())
    time.sleep(OPEN_FOR_S + SLOW_S)
    queue_up(there, people=4 * KIOSKS, first=first)


def _rows(there: Place, *, people: int, numbering: str) -> Iterator[Row]:
    whose = {"own": "our number", "his": "the HIS's number, else ours"}[numbering]
    well = queue_up(there, people=people, first=0)
    yield Row(name=f"HIS well: {whose}, median", value=statistics.median(well), unit="s")
    for turn, slow_s in enumerate((SLOW_S, JUST_INSIDE_S), start=1):
        let_it_recover(there, first=1000 * turn + 500)
        write_faults(there.folder, Faults(slow_s=slow_s))
        took_s = queue_up(there, people=people, first=1000 * turn)
        yield Row(
            name=f"HIS answers in {slow_s:g} s: {whose}, worst",
            value=max(took_s),
            unit="s",
            goal=GOAL_S,
            note=f"{people} patients at {KIOSKS} kiosks",
        )
        yield Row(name="  median", value=statistics.median(took_s), unit="s")
