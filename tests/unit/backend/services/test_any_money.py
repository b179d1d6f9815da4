"""Whatever patients, banks and the HIS do, in whatever order: every đồng is where the books say.

A machine of hypothesis plays them all over the real services: payers who pay short, twice, late or
to nobody, callbacks lost, repeated, forged and out of order, statements that tell of the same money
once more, providers and a HIS whose answers get lost. After each step the books are proven, and
nothing counts as paid that the banks do not have; in the end nothing of what they have is missing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import select

from backend.domain.ids import new_id
from backend.jobs.pursue_payments import pursue_payments
from backend.services import remote_party
from backend.services.check_payment import book_credit, sweep_credits
from backend.storage import payment_tables as tables
from backend.storage.database import Database
from backend.storage.outbox_tables import OutboxMessage
from his_adapter.demo.faults import Faults, write_faults
from his_adapter.errors import Duplicate, InvalidData
from his_adapter.models import InvoiceStatus, PaymentMethod, PaymentPosting, WriteKey
from payments.errors import OutcomeUnknown, Unavailable
from payments.models import CallbackRequest, Credit
from payments.providers.sandbox.provider import SandboxProvider
from tests.conftest import SettableClock
from tests.factories.till import Till, open_till

NAMES = ("bank", "wallet")
AMOUNTS = st.integers(5, 400).map(lambda thousands: thousands * 1_000)
METHODS = st.sampled_from(NAMES)


@dataclass(frozen=True, kw_only=True)
class Told:
    """Money that came at a provider, and the callback about it."""

    provider: str
    credit: Credit
    request: CallbackRequest


class MoneyMachine(RuleBasedStateMachine):
    """One hospital for all examples: what an example leaves behind is brought to its end."""

    payments = Bundle("payments")
    told = Bundle("told")

    def __init__(self, till: Till, folder: Path) -> None:
        super().__init__()
        self.till = till
        self.folder = folder
        self.since = till.clock() - timedelta(hours=1)

    # --- patients

    @initialize(target=payments, amounts=st.lists(AMOUNTS, min_size=1, max_size=2), method=METHODS)
    def begin(self, amounts: list[int], method: str) -> Any:
        return self.pay_bills(amounts, method)

    @rule(target=payments, amounts=st.lists(AMOUNTS, min_size=1, max_size=3), method=METHODS)
    def begin_another(self, amounts: list[int], method: str) -> Any:
        return self.pay_bills(amounts, method)

    def pay_bills(self, amounts: list[int], method: str) -> Any:
        codes = {self.till.bill(amount).code for amount in amounts}
        return self._start(codes, method)

    @rule(target=payments, payment=payments, method=METHODS)
    def pay_the_same_bills_elsewhere(self, payment: dict[str, Any], method: str) -> Any:
        return self._start({line["code"] for line in payment["lines"]}, method)

    @rule(target=payments, thousands=st.integers(1, 20), method=METHODS)
    def pay_an_advance(self, thousands: int, method: str) -> Any:
        dues = self._dues()
        if dues is None:
            return multiple()
        wish = {"dues_id": dues["dues_id"], "advance_vnd": thousands * 100_000, "method": method}
        return self._post(wish)

    @rule(payment=payments, method=METHODS)
    def choose_another_way(self, payment: dict[str, Any], method: str) -> None:
        self.till.post(f"/payments/{payment['id']}/offer", {"method": method})

    @rule(payment=payments)
    def say_it_is_paid(self, payment: dict[str, Any]) -> None:
        self.till.post(f"/payments/{payment['id']}/check")

    @rule(payment=payments)
    def walk_away(self, payment: dict[str, Any]) -> None:
        self.till.post(f"/payments/{payment['id']}/cancel", {"reason": "cancelled"})

    @rule(
        target=told,
        payment=payments,
        which=st.sampled_from([-1, -1, 0]),
        share=st.sampled_from(["all", "all", "half", "rest", "more"]),
        by=st.sampled_from(["order", "memo"]),
        referred=st.booleans(),
        at_once=st.sampled_from([True, True, False]),
    )
    def transfer(
        self,
        payment: dict[str, Any],
        which: int,
        share: str,
        by: str,
        referred: bool,
        at_once: bool,
    ) -> Told:
        return self._transfer(payment, which, share, by, referred, at_once)

    @rule(target=told, payment=payments)
    def pay_what_shows(self, payment: dict[str, Any]) -> Told:
        return self._transfer(payment, -1, "all", "order", referred=True, at_once=True)

    @rule(target=told, payment=payments, share=st.sampled_from(["half", "rest", "more"]))
    def pay_something_else(self, payment: dict[str, Any], share: str) -> Told:
        return self._transfer(payment, -1, share, "order", referred=False, at_once=True)

    @rule(target=told, name=METHODS, amount=AMOUNTS, memo=st.sampled_from(["", "cam on", "VP0"]))
    def transfer_for_nobody(self, name: str, amount: int, memo: str) -> Told:
        return self._come(name, None, amount, memo, referred=False)

    @rule(target=told, one=payments, other=payments, name=METHODS)
    def transfer_with_two_codes(
        self, one: dict[str, Any], other: dict[str, Any], name: str
    ) -> Told:
        memo = f"{one['code']}{other['code']}"
        return self._come(name, None, one["amount_vnd"], memo, referred=False)

    # --- banks and wallets

    @rule(told=told)
    def call_back_now(self, told: Told) -> None:
        """For the first time or once more; callbacks that never come are lost."""
        self.call_back(told)

    def call_back(self, told: Told) -> None:
        self.till.call_back(told.request, told.provider)

    @rule(told=told)
    def call_back_with_another_amount(self, told: Told) -> None:
        before = self.till.count(tables.Credit)
        forged = told.request.untrusted_body.replace(b'"amount": ', b'"amount": 9')
        refused = self.till.call_back(replace(told.request, untrusted_body=forged), told.provider)
        assert refused.status_code == 401
        assert self.till.count(tables.Credit) == before

    @rule(told=told)
    def tell_in_a_statement(self, told: Told) -> None:
        """Once or more: a line of a statement keeps its own id, and two ids would be two credits."""
        if told.credit.bank_reference:
            number = f"S{told.credit.transaction_id}"
            line = replace(told.credit, transaction_id=number, order_key=None)
            book_credit(self.till.resources, line, source="statement")

    @rule(payment=payments, which=st.integers(0, 3), end=st.sampled_from(["fail", "expire"]))
    def end_an_order(self, payment: dict[str, Any], which: int, end: str) -> None:
        attempts = self._attempts(payment["id"])
        attempt = attempts[which % len(attempts)]
        request = getattr(self._provider(attempt.provider), end)(attempt.key)
        self.till.call_back(request, attempt.provider)

    @rule(name=METHODS, how=st.sampled_from(["answer lost", "unknown", "away"]))
    def trouble(self, name: str, how: str) -> None:
        if how == "answer lost":
            self._provider(name).lose_answers(1)
        else:
            error = OutcomeUnknown("played") if how == "unknown" else Unavailable("played")
            self._provider(name).fail_next(error)

    # --- the hospital

    @rule(lose=st.booleans(), down=st.booleans())
    def trouble_of_the_his(self, lose: bool, down: bool) -> None:
        write_faults(self.folder, Faults(lose_replies=lose, down=down))

    @rule()
    def the_his_is_well(self) -> None:
        write_faults(self.folder, Faults())

    @rule(payment=payments)
    def pay_at_the_counter(self, payment: dict[str, Any]) -> None:
        """In cash, past us: the HIS refuses what comes for that bill later."""
        write_faults(self.folder, Faults())
        ref = self._attempts_line(payment["id"])
        if ref is None:
            return
        invoices = {each.ref: each for each in self._account().invoices}
        posting = PaymentPosting(
            patient=self.till.patient(),
            visit=None,
            invoice=ref,
            amount_vnd=max(1, invoices[ref].due_vnd),
            method=PaymentMethod.CASH,
            provider="counter",
            provider_reference="",
            paid_at=self.till.clock(),
        )
        try:
            self.till.resources.his.post_payment(posting, key=WriteKey(new_id()))
        except (Duplicate, InvalidData):
            return
        self.at_counter += posting.amount_vnd

    @rule(payment=payments)
    def cancel_a_bill(self, payment: dict[str, Any]) -> None:
        ref = self._attempts_line(payment["id"])
        if ref is not None:
            self.till.clinic.cancel_invoice(ref)

    @rule(seconds=st.sampled_from([1, 6, 31, 90, 700, 1300]))
    def wait(self, seconds: int) -> None:
        self.till.clock.advance(seconds=seconds)

    @rule()
    def set_the_clock_back(self) -> None:
        self.till.clock.advance(seconds=-45)

    @rule()
    def pursue(self) -> None:
        pursue_payments(self.till.resources)

    @rule()
    def post(self) -> None:
        self.till.deliver()

    # --- what always holds

    @invariant()
    def books_are_right(self) -> None:
        verdict = self.till.verify()
        assert verdict.faults == []
        in_books, at_banks = self._in_books(), self._at_banks()
        assert not in_books - at_banks, "money that no bank has"

    def teardown(self) -> None:
        """Everybody is well again, and time passes: then nothing may be missing or waiting."""
        till = self.till
        write_faults(self.folder, Faults())
        for name in NAMES:
            self._provider(name).come_back()
        for _ in range(4):
            till.clock.advance(minutes=20)
            pursue_payments(till.resources)
            till.deliver()
            till.deliver()
        for name in NAMES:
            sweep_credits(till.resources, name, since=self.since)
        till.deliver()
        self.books_are_right()
        assert self._in_books() == self._at_banks(), "money that is in no book"
        self._his_has_each_once()
        for invoice in self._account().invoices:
            if invoice.status is InvoiceStatus.ISSUED:
                till.clinic.cancel_invoice(invoice.ref)

    def _his_has_each_once(self) -> None:
        payment, line, message = tables.Payment, tables.PaymentLine, OutboxMessage
        with self.till.resources.database.read() as connection:
            states = Counter(connection.scalars(select(payment.state)))
            posted = connection.execute(
                select(line.invoice_ref, line.amount_vnd).where(line.posted_at.is_not(None))
            ).all()
            waiting = connection.scalars(
                select(message.last_error).where(
                    message.kind == "his.post_payment", message.state != "done"
                )
            ).all()
        assert not waiting
        assert not {"created", "waiting", "underpaid", "paid", "late_paid", "post_failed"} & set(
            states
        )
        account = self._account()
        bills = sum(row.amount_vnd for row in posted if row.invoice_ref)
        assert account.paid_vnd - self.at_counter == bills
        assert account.advances_vnd == sum(row.amount_vnd for row in posted if not row.invoice_ref)
        most = Counter(row.invoice_ref for row in posted if row.invoice_ref).most_common(1)
        assert not most or most[0][1] == 1, "a bill that was paid twice"

    # --- helpers

    @property
    def at_counter(self) -> int:
        return cast("int", getattr(self.till, "at_counter", 0))

    @at_counter.setter
    def at_counter(self, amount_vnd: int) -> None:
        self.till.at_counter = amount_vnd  # type: ignore[attr-defined]  # outlives the example

    def _provider(self, name: str) -> SandboxProvider:
        return cast("SandboxProvider", self.till.resources.providers[name])

    def _account(self) -> Any:
        return self.till.resources.his.read_account(self.till.patient())

    def _dues(self) -> dict[str, Any] | None:
        reply = self.till.post("/dues", {"scan_id": self.till.scan()})
        return reply.json if reply.status_code == 200 else None

    def _start(self, codes: set[str], method: str) -> Any:
        dues = self._dues()
        bills = [] if dues is None else [b["id"] for b in dues["bills"] if b["code"] in codes]
        if dues is None or not bills:
            return multiple()
        return self._post({"dues_id": dues["dues_id"], "bill_ids": bills, "method": method})

    def _post(self, wish: dict[str, Any]) -> Any:
        reply = self.till.post("/payments", wish)
        assert reply.status_code in {201, 409, 503}, reply.json
        if reply.status_code != 201 or not self._attempts(reply.json["id"]):
            return multiple()
        return reply.json

    def _attempts(self, payment_id: str) -> list[Any]:
        attempt = tables.PaymentAttempt
        with self.till.resources.database.read() as connection:
            return list(
                connection.execute(
                    select(attempt.__table__)
                    .where(attempt.payment_id == payment_id)
                    .order_by(attempt.attempt)
                )
            )

    def _attempts_line(self, payment_id: str) -> Any:
        line = tables.PaymentLine
        with self.till.resources.database.read() as connection:
            return connection.scalar(
                select(line.invoice_ref).where(line.payment_id == payment_id, line.position == 0)
            )

    def _transfer(
        self,
        payment: dict[str, Any],
        which: int,
        share: str,
        by: str,
        referred: bool,
        at_once: bool,
    ) -> Told:
        attempts = self._attempts(payment["id"])
        attempt = attempts[which]
        shown = self.till.show(payment)
        amount = {
            "all": attempt.amount_vnd,
            "half": attempt.amount_vnd // 2_000 * 1_000 or 1_000,
            "rest": shown["remaining_vnd"] or attempt.amount_vnd,
            "more": attempt.amount_vnd + 7_000,
        }[share]
        key = attempt.key if by == "order" else None
        told = self._come(attempt.provider, key, amount, f"ck {payment['code']}", referred)
        if at_once:
            self.call_back(told)
        return told

    def _come(self, name: str, key: str | None, amount: int, memo: str, referred: bool) -> Told:
        provider = self._provider(name)
        number = new_id()
        request = provider.pay(
            key,
            amount,
            memo=memo,
            transaction_id=number,
            bank_reference=f"FT{number}" if referred else "",
        )
        credit = next(each for each in provider.credits() if each.transaction_id == number)
        return Told(provider=name, credit=credit, request=request)

    def _at_banks(self) -> Counter[tuple[str, int]]:
        return Counter(
            (each.bank_reference or each.transaction_id, each.amount.amount_vnd)
            for name in NAMES
            for each in self._provider(name).credits()
        )

    def _in_books(self) -> Counter[tuple[str, int]]:
        row = tables.Credit
        with self.till.resources.database.read() as connection:
            found = connection.execute(
                select(row.bank_reference, row.transaction_id, row.amount_vnd)
            ).all()
        return Counter(
            (each.bank_reference or each.transaction_id, each.amount_vnd) for each in found
        )


@pytest.fixture
def till(database: Database, clock: SettableClock, tmp_path: Path) -> Iterator[Till]:
    with open_till(database, clock, tmp_path / "his") as till:
        yield till


def test_every_dong_ends_where_it_belongs(
    till: Till, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Its pauses are real time, and what it closes depends on threads: that is tested elsewhere.
    monkeypatch.setattr(remote_party, "FAILURES_TO_OPEN", 10**9)
    patient = till.patient()
    monkeypatch.setattr(till, "patient", lambda: patient)  # also while the HIS is away
    is_postgres = till.resources.database.engine.dialect.name == "postgresql"
    run_state_machine_as_test(
        lambda: MoneyMachine(till, tmp_path / "his"),
        settings=settings(
            max_examples=6 if is_postgres else 20,
            stateful_step_count=40,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
