"""Paying: from a bank's callback until the kiosk shows it, what asking a provider costs, the books.

The real server over HTTP on PostgreSQL: 50 payments a second are told by signed callbacks while
kiosks ask for news every 0.6 s, as the real one does. Callbacks are signed by the sandbox's own
code, so that nothing but our side is measured; orders at providers go to their stand-ins.
"""

from __future__ import annotations

import heapq
import http.client
import json
import multiprocessing
import random
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import requests

from backend.bootstrap import assemble
from backend.domain.ids import new_id
from backend.services.check_payment import book_credit
from backend.services.resources import Resources
from backend.storage import payment_tables as tables
from backend.storage.crypto import demo_keys
from backend.storage.database import Database, open_engine
from backend.storage.migrate import migrate
from backend.storage.unit_of_work import UnitOfWork
from bench import Row
from bench.load import serving
from his_adapter.demo.gateway import open_demo
from payments.match_codes import new_match_code
from payments.models import Credit, Money, Order, Payer
from payments.ports import PaymentProvider
from payments.providers.momo import emulator as momo
from payments.providers.payos import emulator as payos
from payments.providers.sandbox.callback import credit_content, sign
from payments.providers.vietqr_bank.emulator import BankEmulator
from payments.registry import open_provider
from payments.secrets import Secret
from tests.factories.hospital import Hospital, make_config
from tests.postgres import PostgresServer

RATE = 50.0
"""Payments a second."""
POLL_S = 0.6
WATCHED_S = 3.0
"""For so long a kiosk asks before its money comes."""
PATIENCE_S = 20.0
GOAL_MS, CREATE_GOAL_MS = 1_000.0, 5.0
AMOUNT = 350_000
SECRET = b"sandbox"


def run(*, quick: bool) -> list[Row]:
    seconds, booked, orders = (5, 300, 60) if quick else (20, 2_000, 300)
    rows: list[Row] = []
    server = PostgresServer(durable=True)
    try:
        server.start()
        with tempfile.TemporaryDirectory(prefix="tiepdon-bench-") as name:
            server.execute("CREATE DATABASE watched")
            rows += watch_payments(server.url("watched"), Path(name), seconds=seconds)
            server.execute("CREATE DATABASE booked")
            rows += book_money(server.url("booked"), count=booked)
    finally:
        server.remove()
    return rows + create_orders(count=orders)


# --- from the callback to the screen


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """A payment whose QR shows."""

    id: str
    key: str


@contextmanager
def house(url: str, folder: Path, *, count: int) -> Iterator[tuple[int, str, list[Waiting]]]:
    """Port, a kiosk's credential, and payments that wait for their money."""
    database = open_books(url)
    credential = Hospital(database).set_up().add_kiosk("K1")[1]
    waiting = add_payments(database, count)
    open_demo(folder / "his", clock=lambda: datetime.now(UTC)).list_rooms()
    database.close()
    settings = folder / "payments.toml"
    settings.write_text('[[provider]]\nname = "bank"\nkind = "sandbox"\n')
    environ = {
        "TIEPDON_DB": url,
        "TIEPDON_DEMO": "1",
        "TIEPDON_HIS": "demo",
        "TIEPDON_HIS_SETTINGS": json.dumps({"folder": str(folder / "his")}),
        "TIEPDON_PAYMENTS_CONFIG": str(settings),
    }
    with serving("backend.app:create_app()", environ) as port:
        yield port, credential, waiting


def open_books(url: str) -> Database:
    engine = open_engine(url, pool_size=10)
    migrate(engine)
    return Database(engine, facility_id="main")


def add_payments(database: Database, count: int) -> list[Waiting]:
    made: list[Waiting] = []
    with database.write() as unit:
        for number in range(count):
            made.append(add_payment(unit, number))
            if number % 200 == 199:
                unit.flush()
    return made


def add_payment(unit: UnitOfWork, number: int) -> Waiting:
    payment_id, code = new_id(), new_match_code("VP")
    ends = unit.now + timedelta(minutes=10)
    unit.add(
        tables.Payment, id=payment_id, code=code, kind="fees", state="waiting", amount_vnd=AMOUNT,
        patient_ref=f"BN{number}", language="vi", version=1, method="bank", created_at=unit.now,
        expires_at=ends, fee_checked_at=unit.now,
    )  # fmt: skip
    unit.add(
        tables.PaymentLine, id=new_id(), payment_id=payment_id, position=0, is_open=True,
        invoice_ref=f"HD{number}", invoice_code=f"PT{number}", title_vi="Khám bệnh",
        amount_vnd=AMOUNT,
    )  # fmt: skip
    for state in ("created", "waiting"):
        unit.add(
            tables.PaymentChange, id=new_id(), payment_id=payment_id, at=unit.now, state=state,
            cause="kiosk", actor="bench",
        )  # fmt: skip
    unit.add(
        tables.PaymentAttempt, id=new_id(), payment_id=payment_id, attempt=1, key=f"{code}-1",
        provider="bank", state="open", amount_vnd=AMOUNT, provider_ref=f"SB-{code}-1",
        qr_text=f"TIEPDON-SANDBOX:{code}-1:{AMOUNT}", offer={"account": None, "memo": code},
        created_at=unit.now, expires_at=ends,
    )  # fmt: skip
    return Waiting(id=payment_id, key=f"{code}-1")


def credit_of(key: str) -> Credit:
    return Credit(
        provider="bank",
        account="SANDBOX",
        transaction_id=f"{key}-T1",
        bank_reference=f"FT{key}",
        amount=Money(AMOUNT),
        paid_at=datetime.now(UTC),
        memo=f"thanh toan {key[:9]}",
        order_key=key,
        payer=Payer(name="NGUYEN VAN MAU", account="0011000000001", bank="970436"),
    )


def watch_payments(url: str, folder: Path, *, seconds: int) -> list[Row]:
    count = int(RATE * seconds)
    with house(url, folder, count=count) as (port, credential, waiting):
        context = multiprocessing.get_context("fork")
        told: multiprocessing.Queue[list[float]] = context.Queue()
        seen: multiprocessing.Queue[dict[int, float]] = context.Queue()
        start_at = time.monotonic() + WATCHED_S + 1
        processes = [
            context.Process(target=_call_back, args=(port, waiting, start_at, told)),
            context.Process(target=_watch, args=(port, credential, waiting, start_at, seen)),
        ]
        for process in processes:
            process.start()
        answered_s, shown_at = told.get(), seen.get()
        for process in processes:
            process.join()
    shown_s = [at - (start_at + number / RATE) for number, at in shown_at.items()]
    note = f"{int(RATE * WATCHED_S)} kiosks ask every {POLL_S:g} s"
    return [
        Row(
            name=f"callback sent → kiosk sees “paid”, {RATE:g} payments/s, p95",
            value=_p95_ms(shown_s),
            unit="ms",
            goal=GOAL_MS,
            note=note,
        ),
        Row(name="  its median", value=statistics.median(shown_s) * 1000, unit="ms"),
        Row(name="  callback answered, p95", value=_p95_ms(answered_s), unit="ms"),
        Row(
            name="  never seen, or refused",
            value=float(count - len(shown_at) + count - len(answered_s)),
            unit="",
            goal=0,
        ),
    ]


def _p95_ms(took_s: list[float]) -> float:
    return statistics.quantiles(took_s, n=100)[94] * 1000 if len(took_s) > 1 else float("inf")


def _call_back(
    port: int, waiting: list[Waiting], start_at: float, told: multiprocessing.Queue[list[float]]
) -> None:
    """The bank: each at its moment, whatever became of the ones before."""
    took_s: list[float] = []
    numbers = iter(range(len(waiting)))
    lock = threading.Lock()

    def work() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        while True:
            with lock:
                number = next(numbers, None)
            if number is None:
                return
            due = start_at + number / RATE
            time.sleep(max(0.0, due - time.monotonic()))
            key = waiting[number].key
            request = sign(
                {"kind": "credit", "credits": [credit_content(credit_of(key))], "order_key": key},
                secret=SECRET,
                sent_at=datetime.now(UTC),
            )
            with suppress(OSError, http.client.HTTPException):
                connection.request(
                    "POST", "/payments/bank", request.untrusted_body, dict(request.headers)
                )
                reply = connection.getresponse()
                reply.read()
                if reply.status == 200:
                    took_s.append(time.monotonic() - due)

    _in_threads(work, 16)
    told.put(took_s)


def _watch(
    port: int,
    credential: str,
    waiting: list[Waiting],
    start_at: float,
    seen: multiprocessing.Queue[dict[int, float]],
) -> None:
    """The kiosks: each asks from when its QR shows until it sees the money."""
    shown_at: dict[int, float] = {}
    chance = random.Random(1)
    due = [
        (start_at + number / RATE - WATCHED_S + chance.random() * POLL_S, number)
        for number in range(len(waiting))
    ]
    heapq.heapify(due)
    give_up_at = start_at + len(waiting) / RATE + PATIENCE_S
    headers = {"Authorization": f"Bearer {credential}"}
    lock = threading.Lock()

    def work() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        while time.monotonic() < give_up_at and len(shown_at) < len(waiting):
            with lock:
                number = None if not due or due[0][0] > time.monotonic() else heapq.heappop(due)[1]
            if number is None:
                time.sleep(0.005)
                continue
            is_paid = False
            with suppress(OSError, http.client.HTTPException, ValueError):
                path = f"/api/v1/payments/{waiting[number].id}?version=1"
                connection.request("GET", path, headers=headers)
                reply = connection.getresponse()
                text = reply.read()
                is_paid = reply.status == 200 and json.loads(text)["stage"] == "paid"
            with lock:
                if is_paid:
                    shown_at[number] = time.monotonic()
                else:
                    heapq.heappush(due, (time.monotonic() + POLL_S, number))

    _in_threads(work, 24)
    seen.put(shown_at)


def _in_threads(work: Callable[[], None], count: int) -> None:
    threads = [threading.Thread(target=work) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


# --- the books


def book_money(url: str, *, count: int) -> list[Row]:
    """`apply_transaction` alone, each in its own transaction, synchronous commit."""
    database = open_books(url)
    Hospital(database).set_up()
    waiting = add_payments(database, 2 * count)
    with tempfile.TemporaryDirectory(prefix="tiepdon-bench-") as name:
        his = open_demo(Path(name), clock=database.clock)
        resources = assemble(make_config(), database=database, keys=demo_keys(), his=his)
        one = _rate(resources, waiting[:count], threads=1)
        eight = _rate(resources, waiting[count:], threads=8)
        resources.close()
    return [
        Row(name="credits booked one after the other", value=one, unit="/s"),
        Row(name="credits booked by 8 threads of one process", value=eight, unit="/s"),
    ]


def _rate(resources: Resources, waiting: list[Waiting], *, threads: int) -> float:
    todo = iter(waiting)
    lock = threading.Lock()

    def work() -> None:
        while True:
            with lock:
                payment = next(todo, None)
            if payment is None:
                return
            book_credit(resources, credit_of(payment.key), source="callback")

    began = time.monotonic()
    _in_threads(work, threads)
    return len(waiting) / (time.monotonic() - began)


# --- what asking a provider costs


def create_orders(*, count: int) -> list[Row]:
    """A call of `create` without the time `requests` takes in it for the same request."""
    rows = []
    with _stand_ins() as providers:
        for name, provider in providers.items():
            beyond_ms = [_beyond_request_ms(provider) for _ in range(count)]
            rows.append(
                Row(
                    name=f"{name}: an order, beyond its bare request, median",
                    value=statistics.median(beyond_ms),
                    unit="ms",
                    goal=CREATE_GOAL_MS,
                    note=f"p95 {statistics.quantiles(beyond_ms, n=100)[94]:.1f} ms",
                )
            )
    return rows


def _beyond_request_ms(provider: PaymentProvider) -> float:
    now = datetime.now(UTC)
    order = Order(
        code=new_match_code("VP"),
        attempt=1,
        amount=Money(AMOUNT),
        created_at=now,
        expires_at=now + timedelta(minutes=10),
    )
    inside_s = 0.0
    bare = requests.Session.request

    def timed(*arguments: Any, **named: Any) -> requests.Response:
        nonlocal inside_s
        began = time.perf_counter()
        try:
            return bare(*arguments, **named)
        finally:
            inside_s += time.perf_counter() - began

    requests.Session.request = timed  # type: ignore[method-assign]  # around this one call
    try:
        began = time.perf_counter()
        provider.create(order)
        took_s = time.perf_counter() - began
    finally:
        requests.Session.request = bare  # type: ignore[method-assign]  # as it was
    return (took_s - inside_s) * 1000


@contextmanager
def _stand_ins() -> Iterator[dict[str, PaymentProvider]]:
    """Each in a process of its own, as real ones are."""
    context = multiprocessing.get_context("fork")
    told: multiprocessing.Queue[tuple[str, str]] = context.Queue()
    makes = {
        "vietqr_bank": BankEmulator,
        "momo": momo.MomoEmulator,
        "payos": payos.PayosEmulator,
    }
    processes = [
        context.Process(target=_serve, args=(name, make, told), daemon=True)
        for name, make in makes.items()
    ]
    for process in processes:
        process.start()
    bases = dict(told.get(timeout=30) for _ in processes)
    try:
        yield {
            name: open_provider(name, name, _settings(name, bases[name]), clock=_now)
            for name in makes
        }
    finally:
        for process in processes:
            process.terminate()
            process.join()


def _now() -> datetime:
    return datetime.now(UTC)


def _serve(name: str, make: Any, told: multiprocessing.Queue[tuple[str, str]]) -> None:
    with make() as emulator:
        told.put((name, emulator.base_url))
        threading.Event().wait()


def _settings(name: str, base: str) -> dict[str, Any]:
    if name == "momo":
        return {
            "base_url": base,
            "partner_code": momo.PARTNER,
            "access_key": Secret(momo.ACCESS_KEY),
            "secret_key": Secret(momo.SECRET),
            "callback_url": f"{base}/nowhere",
        }
    if name == "payos":
        return {
            "base_url": base,
            "client_id": payos.CLIENT_ID,
            "api_key": Secret(payos.API_KEY),
            "checksum_key": Secret(payos.CHECKSUM_KEY),
            "bin": payos.BIN,
            "account": payos.ACCOUNT,
            "return_url": f"{base}/nowhere",
        }
    return {"bin": "970418", "account": "1200000000001", "holder": "BENH VIEN DA KHOA MAU"}
