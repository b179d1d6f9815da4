"""`python -m tests.soak.payments`: thousands of payments while everything fails that can.

Real processes: PostgreSQL (or SQLite), web server, two workers, the stand-ins of banks and wallets
over real HTTP, the demo hospital's register. Patients pay short, over, twice, late, elsewhere or
not at all; callbacks are lost, doubled, re-ordered, forged; answers get lost, here, there and in
the HIS; and what is ours is killed again and again. In the end the books balance, every transaction
of the banks is in them once, nothing counts as paid that no bank has, and the HIS has each bill once.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import json
import os
import random
import sqlite3
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import requests
from sqlalchemy import func, select

from backend.domain.dues import Dues
from backend.domain.ids import new_id
from backend.errors import StorageUnavailable
from backend.services.check_payment import sweep_credits
from backend.services.payment_methods import find_away
from backend.services.remote_party import NoAnswer
from backend.services.show_dues import list_bills
from backend.services.sync_catalogue import sync_catalogue
from backend.services.verify_payments import verify_payments
from backend.storage import payment_tables as tables
from backend.storage.database import Database, open_engine
from backend.storage.migrate import migrate
from backend.storage.outbox_tables import OutboxMessage
from his_adapter.demo.faults import Faults, write_faults
from his_adapter.demo.gateway import REGISTER_FILE
from his_adapter.errors import HisError
from his_adapter.models import Charge, PatientDraft, PaymentMethod, PaymentPosting, Ref, WriteKey
from his_adapter.testing import fill_demo_folder
from payments.errors import PaymentError
from payments.providers.payos.signing import order_code
from payments.states import OPEN_PAYMENTS, PAID_PAYMENTS, PaymentState
from tests.factories.hospital import Hospital
from tests.integration.servers import WebServer
from tests.postgres import PostgresServer
from tests.soak.__main__ import Child, find_port
from tests.soak.payment_banks import BANKS, write_settings
from tests.soak.payment_clock import SoakClock
from tests.soak.payment_house import FOLDER, open_house

PATIENCE_S = 90.0
REST_S = 0.4
Result = TypeVar("Result")
KINDS = (
    *("pay",) * 40, *("walk_away",) * 12, *("unpaid",) * 4, *("cancel",) * 5, *("short",) * 8,
    *("over",) * 4, *("twice",) * 6, *("switch",) * 6, *("late",) * 5, *("fee_changed",) * 3,
    *("counter",) * 3, *("two_kiosks",) * 4, *("stray",) * 3, *("advance",) * 4,
)  # fmt: skip
"""What patients do, by their share."""
MEMOS = (
    "",
    "upper",
    "strip_accents",
    "prefix",
    "suffix",
    "punct_removed+lower",
    "replaced",
    "cut(4)",
)
TROUBLE_S = 0.4
HIS_AWAY_S = 2.0


@dataclass(frozen=True, kw_only=True)
class Plan:
    payments: int
    kills: int
    """Of each: worker, web server, database (on SQLite the two first)."""
    seed: int
    speed: float
    postgres: bool = True
    clients: int = 10


@dataclass
class Report:
    plan: Plan
    took_s: float = 0.0
    done: Counter[str] = field(default_factory=Counter)
    states: Counter[str] = field(default_factory=Counter)
    held: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    kills: Counter[str] = field(default_factory=Counter)
    transactions: int = 0
    balances: dict[str, int] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)

    @property
    def good(self) -> bool:
        return not self.wrong

    def show(self) -> str:
        return "\n".join(
            [
                f"{sum(self.done.values())} patients, seed {self.plan.seed}: {dict(self.done)}",
                f"{self.took_s:.0f} s at speed {self.plan.speed:g}",
                f"faults {sum(self.faults.values())}: {dict(self.faults)}",
                f"kills {sum(self.kills.values())}: {dict(self.kills)}",
                f"payments {dict(self.states)}",
                f"{self.transactions} transactions at banks; held {dict(self.held)}",
                f"balances {self.balances}",
                f"wrong {len(self.wrong)}",
                *(f"  {each}" for each in self.wrong[:30]),
            ]
        )


class House(WebServer):
    """Our web server, with the soak's clock."""

    def __init__(self, environ: dict[str, str], port: int) -> None:
        super().__init__("", Path(), workers=2)
        self.port = port
        self._command = [
            "tests.soak.payment_house:create()" if part == "backend.app:create_app()" else part
            for part in self._command
        ]
        self._command[self._command.index("--bind") + 1] = f"127.0.0.1:{port}"
        self._environ = os.environ | environ


class Kiosks:
    """Kiosks that ask again until they are answered."""

    def __init__(self, port: int, credentials: list[str]) -> None:
        self._port = port
        self._credentials = credentials

    def ask(
        self, kiosk: int, method: str, path: str, body: Any = None
    ) -> tuple[int, dict[str, Any]]:
        """The answer; (0, {}) when there was none in a long time."""
        key, deadline = new_id(), time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=30)
            try:
                connection.request(
                    method,
                    f"/api/v1{path}",
                    json.dumps(body or {}) if method == "POST" else None,
                    {
                        "Authorization": f"Bearer {self._credentials[kiosk]}",
                        "Idempotency-Key": key,
                        "Content-Type": "application/json",
                    },
                )
                response = connection.getresponse()
                text = response.read()
                reply = json.loads(text) if text else {}
            except (OSError, http.client.HTTPException, ValueError):
                time.sleep(0.1)
                continue
            finally:
                connection.close()
            if response.status < 500 or reply.get("code") == "provider_unavailable":
                return response.status, reply
            time.sleep(0.1)
        return 0, {}


class Soak:
    def __init__(self, plan: Plan, folder: Path, postgres: PostgresServer | None) -> None:
        self.plan = plan
        self.report = Report(plan=plan)
        self._postgres = postgres
        self._folder = folder
        self.clock = SoakClock(folder)
        self.clock.start(plan.speed)
        file = f"sqlite:///{folder / 'soak.sqlite3'}"
        url = file if postgres is None else postgres.url("soak")
        self.database = Database(
            open_engine(url, pool_size=plan.clients + 4), facility_id="main", clock=self.clock
        )
        migrate(self.database.engine)
        fill_demo_folder(folder / "his", now=self.clock())
        port = find_port()
        base = f"http://127.0.0.1:{port}"
        self._ports = [find_port() for _ in BANKS]
        environ = {
            "TIEPDON_DB": url,
            "TIEPDON_DEMO": "1",
            "TIEPDON_SPEED": str(plan.speed),
            "TIEPDON_PAYMENTS_CONFIG": str(write_settings(folder, base, self._ports)),
            FOLDER: str(folder),
        }
        os.environ.update(environ)
        self.resources = open_house()
        self.his: Any = self.resources.his
        sync_catalogue(self.database, self.his)
        hospital = Hospital(self.database)
        self._kiosks = [hospital.add_kiosk(f"K{number}") for number in range(4)]
        self.kiosks = Kiosks(port, [credential for _, credential in self._kiosks])
        banks = ["tests.soak.payment_banks", str(folder), base, str(plan.seed)]
        banks += [str(each) for each in self._ports]
        self.banks = Child(banks, {}, folder / "banks.log")
        worker = ["tests.soak.payment_house"]
        self.workers = [Child(worker, environ, folder / f"worker{n}.log") for n in (1, 2)]
        self.web = House(environ, port)
        self._lock = threading.Lock()
        self._register = threading.Lock()
        self._done = threading.Event()
        self._late: list[tuple[str, dict[str, Any]]] = []
        self._seen_paid: set[str] = set()
        with contextlib.closing(sqlite3.connect(folder / "his" / REGISTER_FILE)) as register:
            last = register.execute("SELECT coalesce(max(id), 0) FROM payment").fetchone()
        self._before = int(last[0])

    def run(self) -> Report:
        started = time.monotonic()
        self.banks.start()
        self._wait_for(lambda: self._emu("bank", "speed", {"x": 1}) is not None, "no banks")
        for worker in self.workers:
            worker.start()
        self.web.start()
        trouble = [
            threading.Thread(target=self._make_trouble),
            threading.Thread(target=self._kill),
        ]
        for thread in trouble:
            thread.start()
        try:
            self._pay_all()
        finally:
            self._done.set()
            for thread in trouble:
                thread.join()
        self._calm_down()
        self.report.took_s = time.monotonic() - started
        self._check()
        return self.report

    def close(self) -> None:
        for child in (self.banks, *self.workers):
            child.kill()
        self.web.kill()
        self.resources.close()
        self.database.close()

    # --- patients

    def _pay_all(self) -> None:
        people = iter(range(self.plan.payments))

        def be_patient() -> None:
            while True:
                with self._lock:
                    number = next(people, None)
                if number is None:
                    return
                chance = random.Random(f"{self.plan.seed}:{number}")
                kind = chance.choice(KINDS)
                try:
                    self._be(kind, chance, number)
                except (StorageUnavailable, HisError, requests.RequestException):
                    kind = "gave up"  # of ours: the database or the HIS was away
                with self._lock:
                    self.report.done[kind] += 1

        threads = [threading.Thread(target=be_patient) for _ in range(self.plan.clients)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def _be(self, kind: str, chance: random.Random, number: int) -> None:
        if kind == "stray":
            memo = chance.choice(["cam on bac si", "vien phi", "VP2345678"])
            self._transfer(chance.randrange(10, 500) * 1_000, memo)
            return
        patient = self._new_patient(number)
        bills = [self._bill(patient, chance) for _ in range(chance.choice([1, 1, 2, 3]))]
        methods = [each.name for each in BANKS]
        chance.shuffle(methods)
        if kind in {"cancel", "short", "over", "twice"}:
            methods.sort(key=lambda name: name != "bank")
        quote = self._insist(lambda: self._quote(patient, kiosk=0))
        wish: dict[str, Any] = {"dues_id": quote.id, "bill_ids": quote.bill_ids}
        if kind == "advance":
            wish = {"dues_id": quote.id, "advance_vnd": chance.randrange(1, 20) * 100_000}
        if kind == "two_kiosks":
            self._pay_at_two_kiosks(patient, quote, methods)
            return
        payment = self._start(wish, methods)
        if payment is None or payment.get("offer") is None:
            return
        self._act(kind, chance, payment, methods, patient, bills)

    def _act(
        self,
        kind: str,
        chance: random.Random,
        payment: dict[str, Any],
        methods: list[str],
        patient: Ref,
        bills: list[Ref],
    ) -> None:
        by_bank = payment["offer"]["method"] == "bank"
        match kind:
            case "unpaid":
                return
            case "walk_away":
                self._pay(payment)
                return
            case "late":
                self._late.append((payment["id"], payment["offer"]))
                return
            case "cancel":
                self._ask(payment, "/cancel", {"reason": "cancelled"})
                if by_bank:
                    self._pay(payment)
                return
            case "short" if by_bank:
                part = payment["amount_vnd"] // 3_000 * 1_000 or 1_000
                self._pay(payment, part)
                self._watch(payment, until={"underpaid", "paid"})
                if chance.random() < 0.7:
                    again = self._ask(payment, "/offer", {"method": "bank"})
                    if again.get("offer"):
                        self._pay(again)
            case "over" if by_bank:
                self._pay(payment, payment["amount_vnd"] + 5_000)
            case "twice" if by_bank:
                self._pay(payment, times=2)
            case "switch":
                again = self._ask(payment, "/offer", {"method": methods[-1]})
                if again.get("offer"):
                    self._pay(again)
                self._pay(payment)
            case "fee_changed":
                with self._register:
                    self.his.clinic.cancel_invoice(bills[0])
                self._pay(payment)
            case "counter":
                self._pay_at_counter(patient, bills[0])
                self._pay(payment)
            case _:
                self._pay(payment)
        self._watch(payment, until={"paid", "ended"})

    def _start(self, wish: dict[str, Any], methods: list[str]) -> dict[str, Any] | None:
        payment = None
        for method in methods[:3]:
            if payment is None:
                status, reply = self.kiosks.ask(0, "POST", "/payments", wish | {"method": method})
                if status != 201:
                    if status != 503:
                        return None
                    continue
                payment = reply
            else:
                payment = self._ask(payment, "/offer", {"method": method}) or payment
            if payment.get("offer"):
                return payment
        return payment

    def _pay_at_two_kiosks(self, patient: Ref, quote: Quote, methods: list[str]) -> None:
        """At the same moment: one of them begins, at most."""
        other = self._insist(lambda: self._quote(patient, kiosk=1))
        begun: list[dict[str, Any]] = []

        def begin(kiosk: int, its: Quote) -> None:
            wish = {"dues_id": its.id, "bill_ids": its.bill_ids, "method": methods[kiosk]}
            status, reply = self.kiosks.ask(kiosk, "POST", "/payments", wish)
            if status == 201:
                begun.append(reply)

        threads = [
            threading.Thread(target=begin, args=(kiosk, its))
            for kiosk, its in enumerate((quote, other))
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if len(begun) > 1:
            self.report.wrong.append(f"payment {begun[1]['id']}: two kiosks pay one bill")
        for payment in begun:
            if payment.get("offer"):
                self._pay(payment)
                self._watch(payment, until={"paid", "ended"})

    def _ask(self, payment: dict[str, Any], path: str, body: Any) -> dict[str, Any]:
        status, reply = self.kiosks.ask(0, "POST", f"/payments/{payment['id']}{path}", body)
        return reply if status == 200 else {}

    def _watch(self, payment: dict[str, Any], *, until: set[str]) -> None:
        """The screen: what it says is paid has to be."""
        version, deadline = payment["version"], time.monotonic() + 3
        while time.monotonic() < deadline:
            path = f"/payments/{payment['id']}?version={version}"
            status, reply = self.kiosks.ask(0, "GET", path)
            if status == 200:
                version = reply["version"]
                if reply["stage"] == "paid":
                    self._seen_paid.add(payment["id"])
                if reply["stage"] in until:
                    return
            time.sleep(0.2)
        if self._ask(payment, "/check", {}).get("stage") == "paid":
            self._seen_paid.add(payment["id"])

    # --- what they pay with

    def _pay(self, payment: dict[str, Any], amount: int | None = None, *, times: int = 1) -> None:
        self._pay_offer(payment["id"], payment["offer"], amount, times=times)

    def _pay_offer(
        self, payment_id: str, offer: dict[str, Any], amount: int | None = None, *, times: int = 1
    ) -> None:
        name = offer["method"]
        if name == "bank":
            more = {} if amount is None else {"amount": amount}
            self._emu("bank", "pay", {"qr_text": offer["qr_text"], "times": times, **more})
            return
        attempt = tables.PaymentAttempt

        def find() -> Any:
            with self.database.read() as connection:
                return connection.execute(
                    select(attempt.__table__)
                    .where(attempt.payment_id == payment_id, attempt.qr_text == offer["qr_text"])
                    .limit(1)
                ).one_or_none()

        row = self._insist(find)
        if row is not None:
            self._emu(name, "pay", {"ref": _ref_of(name, row)})

    def _transfer(self, amount: int, memo: str) -> None:
        wanted = {"bin": "970418", "account": "1200000000001", "amount": amount, "memo": memo}
        self._emu("bank", "pay", wanted)

    def _emu(self, name: str, control: str, arguments: dict[str, Any]) -> dict[str, Any] | None:
        """None: it was refused."""
        port = self._ports[[each.name for each in BANKS].index(name)]
        address = f"http://127.0.0.1:{port}/_emu/{control}"
        try:
            reply = requests.post(address, json=arguments, timeout=30)
        except requests.ConnectionError:
            return None
        return reply.json() if reply.ok else None

    # --- the hospital

    def _new_patient(self, number: int) -> Ref:
        with self._register:
            draft = PatientDraft(full_name=f"NGUOI MAU {number}")
            return Ref(self.his.clinic.register_patient(draft).ref)

    def _bill(self, patient: Ref, chance: random.Random) -> Ref:
        amount = chance.randrange(10, 400) * 1_000
        with self._register:
            charge = Charge(code="KB", name_vi="Khám bệnh", quantity=1, amount_vnd=amount)
            self.his.clinic.charge(patient, charge)
            return Ref(self.his.clinic.issue_invoice(patient, title_vi="Khám bệnh").ref)

    def _insist(self, work: Callable[[], Result]) -> Result:
        """What this process itself asks of database and HIS, as often as it takes."""
        deadline = time.monotonic() + PATIENCE_S
        while True:
            try:
                return work()
            except (StorageUnavailable, HisError):
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)

    def _quote(self, patient: Ref, *, kiosk: int) -> Quote:
        """As `POST /dues` keeps it: cards and screens have a soak of their own."""
        bills = list_bills(self.his.read_account(patient))
        dues = Dues(
            patient_ref=patient, visit_ref=None, person_id=None, visit_id=None, number=None,
            shown_name="", readable=True, bills=bills, credit_vnd=0,
            as_of=self.clock().isoformat(),
        )  # fmt: skip
        dues_id, caller = new_id(), self._kiosks[kiosk][0]
        sealed = self.resources.keys.seal(
            json.dumps(dues.to_json()).encode(), context=f"payment_quote:{dues_id}"
        )
        with self.database.write() as unit:
            unit.add(
                tables.PaymentQuote,
                id=dues_id,
                kiosk_id=caller.id,
                sealed=sealed,
                as_of=unit.now,
                # It is kept for as long as servers may be away here.
                expires_at=unit.now.replace(year=unit.now.year + 1),
            )
        return Quote(id=dues_id, bill_ids=[bill.id for bill in bills])

    def _pay_at_counter(self, patient: Ref, invoice: Ref) -> None:
        account = self._insist(lambda: self.his.read_account(patient))
        bills = {each.ref: each.due_vnd for each in list_bills(account)}
        if invoice not in bills:
            return
        posting = PaymentPosting(
            patient=patient, visit=None, invoice=invoice, amount_vnd=bills[invoice],
            method=PaymentMethod.CASH, provider="counter", provider_reference="",
            paid_at=self.clock(),
        )  # fmt: skip
        # It was posted, whether or not its answer gets lost on this line as well.
        with contextlib.suppress(HisError):
            self.his.post_payment(posting, key=WriteKey(new_id()))

    # --- trouble

    def _make_trouble(self) -> None:
        chance = random.Random(self.plan.seed)
        his_well_at = 0.0
        while not self._done.wait(TROUBLE_S):
            if time.monotonic() > his_well_at:
                write_faults(self._folder / "his", Faults())
            name = chance.choice(BANKS).name
            switch, value = chance.choice(
                [
                    ("drop_webhook", chance.randint(1, 4)),
                    ("duplicate", chance.choice([0, 1, 3])),
                    ("reorder", chance.choice([True, False])),
                    ("bad_signature", chance.randint(1, 3)),
                    ("stale_timestamp", chance.randint(1, 3)),
                    ("slow", chance.choice([0, 0, 50, 200])),
                    ("http_500", chance.choice([1, 1, 1, 1, 2, 6])),
                    ("lose_reply", chance.randint(1, 3)),
                    ("html", 1),
                    ("truncated", 1),
                    ("oversized", 1),
                    ("fail", 1),
                    ("memo_style", chance.choice(MEMOS)),
                    ("his", chance.choice(["down", "lose"])),
                ]
            )
            self.report.faults[switch] += 1
            if switch == "his":
                his_well_at = time.monotonic() + HIS_AWAY_S
                faults = Faults(down=value == "down", lose_replies=value == "lose")
                write_faults(self._folder / "his", faults)
            else:
                self._emu(name, switch, {"value": value})

    def _kill(self) -> None:
        chance = random.Random(self.plan.seed + 1)
        ways: list[tuple[str, Callable[[], None]]] = [
            ("worker", lambda: self._revive(chance.choice(self.workers))),
            ("web", self._kill_web),
        ]
        if self._postgres is not None:
            ways.append(("database", self._kill_database))
        kills = ways * self.plan.kills
        chance.shuffle(kills)
        for index, (name, kill) in enumerate(kills, start=1):
            due = index * self.plan.payments / (len(kills) + 1)
            while sum(self.report.done.values()) < due:
                if self._done.wait(0.05):
                    return
            kill()
            self.report.kills[name] += 1
            time.sleep(REST_S)

    def _revive(self, child: Child) -> None:
        child.kill()
        time.sleep(REST_S)
        child.start()

    def _kill_database(self) -> None:
        assert self._postgres is not None
        self._postgres.kill()
        time.sleep(REST_S)
        self._postgres.start()

    def _kill_web(self) -> None:
        self.web.kill()
        time.sleep(REST_S)
        self.web.start()

    # --- the end

    def _calm_down(self) -> None:
        """All are well, the time of every QR passes, late payers pay, and lists are read."""
        write_faults(self._folder / "his", Faults())
        for each in BANKS:
            self._emu(each.name, "reset", {})
            self._emu(each.name, "pay_after_expiry", {"on": True})
        self._wait_for(self._all_answer, "a provider stays away")
        self._wait_for(self._is_quiet, "attempts or messages are left")
        self.clock.advance(17 * 60)
        self._wait_for(lambda: not self._count_open(), "payments stay open")
        for payment_id, offer in self._late:
            self._pay_offer(payment_id, offer)
        for minutes in (3, 11, 62, 24 * 60):
            self._wait_for(self._is_quiet, f"attempts or messages are left before {minutes} min")
            self.clock.advance(minutes * 60)
        self._wait_for(self._is_quiet, "attempts or messages are left")
        since = self._first_payment()
        for each in BANKS:
            if self.resources.providers[each.name].features().lists_credits:
                self._wait_for(lambda name=each.name: self._sweep(name, since), "no list")
        self._wait_for(self._is_quiet, "messages are left after the lists")

    def _first_payment(self) -> Any:
        with self.database.read() as connection:
            return connection.scalar(select(func.min(tables.Payment.created_at))) or self.clock()

    def _sweep(self, name: str, since: Any) -> bool:
        try:
            sweep_credits(self.resources, name, since=since)
        except (NoAnswer, PaymentError, StorageUnavailable):
            return False
        return True

    def _all_answer(self) -> bool:
        with self.database.read() as connection:
            return not find_away(connection, self.database.facility_id)

    def _count_open(self) -> int:
        payment = tables.Payment
        with self.database.read() as connection:
            return (
                connection.scalar(
                    select(func.count())
                    .select_from(payment)
                    .where(payment.state.in_([state.value for state in OPEN_PAYMENTS]))
                )
                or 0
            )

    def _is_quiet(self) -> bool:
        """Nobody is due to be asked, and the HIS was told of everything."""
        attempt, message = tables.PaymentAttempt, OutboxMessage
        with self.database.read() as connection:
            due = connection.scalar(
                select(func.count())
                .select_from(attempt)
                .where((attempt.next_query_at <= self.clock()) | attempt.to_cancel)
            )
            under_way = connection.scalar(
                select(func.count())
                .select_from(message)
                .where(message.state.in_(("new", "sending", "unknown")))
            )
        return not due and not under_way

    def _wait_for(self, what: Callable[[], bool], words: str) -> None:
        deadline = time.monotonic() + PATIENCE_S + self.plan.payments / 20
        while time.monotonic() < deadline:
            for worker in self.workers:
                if worker.fell:
                    self.report.wrong.append("a worker ended by itself")
                    worker.start()
            with contextlib.suppress(StorageUnavailable):
                if what():
                    return
            time.sleep(0.3)
        self.report.wrong.append(f"{words} after a long time")

    def _check(self) -> None:
        report = self.report
        with self.database.snapshot() as connection:
            verdict = verify_payments(connection, facility_id=self.database.facility_id)
            payments = connection.execute(select(tables.Payment.__table__)).all()
            money = connection.execute(select(tables.Credit.__table__)).all()
            lines = connection.execute(select(tables.PaymentLine.__table__)).all()
            items = connection.execute(select(tables.SuspenseItem.__table__)).all()
            dead = connection.execute(
                select(OutboxMessage.kind, OutboxMessage.last_error).where(
                    OutboxMessage.state != "done"
                )
            ).all()
        report.wrong += verdict.faults
        report.balances = verdict.balances
        report.states = Counter(payment.state for payment in payments)
        report.held = Counter(f"{item.reason}/{item.state}" for item in items)
        report.wrong += [
            f"a message of {row.kind} was not delivered: {row.last_error}" for row in dead
        ]
        self._compare_with_banks(money)
        self._compare_with_his(lines)
        paid = {p.id for p in payments if p.state in PAID_PAYMENTS or p.state == "refund_due"}
        report.wrong += [
            f"payment {each}: shown as paid, and is not" for each in self._seen_paid - paid
        ]
        received: Counter[str] = Counter()
        for credit in money:
            received[credit.payment_id] += credit.amount_vnd
        report.wrong += [
            f"payment {p.id}: paid without the money"
            for p in payments
            if p.id in paid and received[p.id] < p.amount_vnd
        ]
        report.wrong += [
            f"payment {p.id}: stays {p.state}"
            for p in payments
            if PaymentState(p.state) in OPEN_PAYMENTS
            or p.state in {"paid", "late_paid", "post_failed"}
        ]

    def _compare_with_banks(self, money: Any) -> None:
        for each, port in zip(BANKS, self._ports, strict=True):
            told = requests.get(f"http://127.0.0.1:{port}/_emu/books", timeout=60).json()
            theirs = Counter((str(number), amount) for number, amount in told)
            ours = Counter(
                (row.transaction_id, row.amount_vnd) for row in money if row.provider == each.name
            )
            self.report.transactions += sum(theirs.values())
            self.report.wrong += [f"{each.name}: {one[0]} is in no book" for one in theirs - ours]
            self.report.wrong += [
                f"{each.name}: {one[0]} that it does not have" for one in ours - theirs
            ]

    def _compare_with_his(self, lines: Any) -> None:
        """Each bill once, and to the đồng what was posted."""
        register = sqlite3.connect(self._folder / "his" / REGISTER_FILE)
        with contextlib.closing(register):
            told = register.execute(
                "SELECT amount_vnd FROM payment WHERE provider <> 'counter' AND id > ?",
                (self._before,),
            ).fetchall()
            twice = register.execute(
                "SELECT invoice_id FROM payment WHERE invoice_id IS NOT NULL"
                " GROUP BY invoice_id HAVING count(*) > 1"
            ).fetchall()
        self.report.wrong += [f"invoice {each[0]}: paid twice in the HIS" for each in twice]
        ours = Counter(line.amount_vnd for line in lines if line.posted_at is not None)
        theirs = Counter(int(row[0]) for row in told)
        self.report.wrong += [
            f"HIS: {n} × {amount} not told" for amount, n in (ours - theirs).items()
        ]
        self.report.wrong += [
            f"HIS: {n} × {amount} too many" for amount, n in (theirs - ours).items()
        ]
        refs = Counter(line.invoice_ref for line in lines if line.posted_at and line.invoice_ref)
        self.report.wrong += [
            f"invoice {ref}: posted {n} times" for ref, n in refs.items() if n > 1
        ]


@dataclass(frozen=True, kw_only=True)
class Quote:
    id: str
    bill_ids: list[str]


def _ref_of(name: str, attempt: Any) -> str:
    """As the stand-in names an order."""
    if name == "zalopay":
        return str(attempt.provider_ref)
    if name == "payos":
        code, _, number = attempt.key.rpartition("-")
        return str(order_code(_Named(code=code, attempt=int(number))))  # type: ignore[arg-type]  # of an order it takes the name
    return str(attempt.key)


@dataclass(frozen=True, kw_only=True)
class _Named:
    code: str
    attempt: int


@contextlib.contextmanager
def _database(plan: Plan) -> Iterator[PostgresServer | None]:
    if not plan.postgres:
        yield None
        return
    server = PostgresServer(durable=True)
    try:
        server.start()
        server.execute("CREATE DATABASE soak")
        yield server
    finally:
        server.remove()


def soak(plan: Plan) -> Report:
    before = dict(os.environ)
    with tempfile.TemporaryDirectory(prefix="tiepdon-soak-") as name, _database(plan) as postgres:
        folder = Path(name)
        run = Soak(plan, folder, postgres)
        try:
            return run.run()
        finally:
            run.close()
            os.environ.clear()
            os.environ.update(before)
            if os.environ.get("SOAK_KEEP"):
                for log in folder.glob("*.log"):
                    sys.stderr.write(f"== {log.name}\n{log.read_text()[-6000:]}\n")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.soak.payments", description=__doc__)
    parser.add_argument("--payments", type=int, default=10_000)
    parser.add_argument("--kills", type=int, default=10, help="of each kind of process")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1_000_000))
    parser.add_argument("--speed", type=float, default=20.0)
    parser.add_argument("--sqlite", action="store_true", help="one file instead of PostgreSQL")
    arguments = parser.parse_args()
    plan = Plan(
        payments=arguments.payments,
        kills=arguments.kills,
        seed=arguments.seed,
        speed=arguments.speed,
        postgres=not arguments.sqlite,
    )
    report = soak(plan)
    print(report.show())
    return 0 if report.good else 1


if __name__ == "__main__":
    sys.exit(main())
