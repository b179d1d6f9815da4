"""Whatever cashiers and the finance office do, in whatever order: no đồng is lost or doubled."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import cast

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from backend.domain.ids import new_id
from backend.domain.ledger import is_bank
from backend.domain.roles import StaffRole
from backend.errors import Conflict, NotFound
from backend.services.approve_refund import approve_refund
from backend.services.check_books import find_faults
from backend.services.close_shift import close_shift
from backend.services.confirm_manual_refund import confirm_manual_refund
from backend.services.count_money import count_balances
from backend.services.hand_over_suspense import hand_over_suspense
from backend.services.list_suspense import count_suspense, list_refunds
from backend.services.match_suspense import match_suspense
from backend.services.open_shift import open_shift
from backend.services.pay_refund import settle_refund
from backend.services.recognise_caller import Caller
from backend.services.reject_refund import reject_refund
from backend.services.remote_party import RemoteParty
from backend.services.request_refund import request_refund
from backend.services.resources import Resources
from backend.services.show_shifts import list_shifts
from backend.services.verify_payments import verify_payments
from backend.storage import payment_tables as tables
from backend.storage.catalogue import CatalogueSource
from backend.storage.database import Database, open_engine
from his_adapter.ports import HisGateway
from payments.models import Money, RefundReport, RefundState
from tests.conftest import SettableClock
from tests.factories.hospital import Hospital, make_config
from tests.factories.money import Till, make_staff

CASHIERS = (make_staff(), make_staff("Lý Thị Thu"))
OFFICE = make_staff("Đặng Thị Toán", StaffRole.ACCOUNTANT)
AMOUNTS = st.sampled_from([1, 50_000, 100_000, 150_000, 200_000])
WHO = st.sampled_from(CASHIERS)
BILLS = st.sampled_from(["HD-A", "HD-B", "HD-C"])


class Cashiers(RuleBasedStateMachine):
    """Several people, old pages among them: versions are guessed as often as known."""

    template: Path
    payments = Bundle("payments")
    items = Bundle("items")
    refunds = Bundle("refunds")

    @initialize()
    def set_up(self) -> None:
        self.folder = TemporaryDirectory()
        path = Path(self.folder.name) / "tiepdon.sqlite3"
        shutil.copy(self.template, path)
        engine = open_engine(f"sqlite:///{path}", pool_size=2)
        self.clock = SettableClock()
        database = Database(engine, facility_id="main", clock=self.clock)
        hospital = Hospital(database).set_up()
        self.resources = Resources(
            config=make_config(),
            database=database,
            keys=hospital.keys,
            catalogue=CatalogueSource(database),
            his=cast("HisGateway", None),
            his_party=cast("RemoteParty", None),
            insurer_party=cast("RemoteParty", None),
        )
        self.till = Till(database, hospital.keys)
        self.came_vnd = 0

    def teardown(self) -> None:
        if hasattr(self, "till"):
            self.till.database.close()
            self.folder.cleanup()

    @rule(target=payments, amount=AMOUNTS, ended=st.booleans())
    def begin(self, amount: int, ended: bool) -> str:
        return self.till.add_payment(amount, state="expired" if ended else "waiting")

    @rule(target=payments, amount=AMOUNTS, bill=BILLS)
    def begin_again(self, amount: int, bill: str) -> str:
        """A payment of a bill that others of these may be of as well; all but one have ended."""
        return self.till.add_payment(amount, state="expired", bill=bill)

    @rule(target=items, amount=AMOUNTS)
    def receive_unknown(self, amount: int) -> str:
        self.came_vnd += amount
        return self.till.hold(amount)

    @rule(payment=payments, amount=AMOUNTS)
    def receive(self, payment: str, amount: int) -> None:
        self.came_vnd += amount
        self.till.receive(amount, payment_id=payment)

    @rule(target=items)
    def look(self) -> str:
        """Any item there is: parts that were split off, parts that came too late."""
        rows = self.till.rows(tables.SuspenseItem)
        return str(rows[-1].id) if rows else new_id()

    @rule(item=items, payment=payments, who=WHO, old=st.booleans())
    def match(self, item: str, payment: str, who: Caller, old: bool) -> None:
        version = self._version(item, old=old)
        self._try(
            lambda: match_suspense(
                self.till.database, item, version=version, payment_id=payment, staff=who
            )
        )

    @rule(target=refunds, item=items, amount=AMOUNTS, who=WHO, old=st.booleans())
    def ask(self, item: str, amount: int, who: Caller, old: bool) -> str:
        refund_id = new_id()
        version = self._version(item, old=old)
        for _ in range(2):  # the form is sent twice
            self._try(
                lambda: request_refund(
                    self.resources,
                    item,
                    refund_id=refund_id,
                    version=version,
                    amount=Money(amount),
                    reason="trả nhầm",
                    staff=who,
                )
            )
        return refund_id

    @rule(refund=refunds, who=st.sampled_from([OFFICE, *CASHIERS]))
    def approve(self, refund: str, who: Caller) -> None:
        self._try(lambda: approve_refund(self.till.database, refund, staff=who))

    @rule(refund=refunds)
    def reject(self, refund: str) -> None:
        self._try(lambda: reject_refund(self.till.database, refund, reason="không", staff=OFFICE))

    @rule(refund=refunds, who=WHO)
    def pay_out(self, refund: str, who: Caller) -> None:
        self._try(lambda: confirm_manual_refund(self.till.database, refund, proof="FT1", staff=who))

    @rule(refund=refunds, done=st.booleans())
    def provider_says(self, refund: str, done: bool) -> None:
        """As the job that carries refunds out hears it; only what was approved is asked for."""
        states = {each.id: each.state for each in list_refunds(self.till.database)}
        if states.get(refund) in {"approved", "processing"}:
            report = RefundReport(state=RefundState.DONE if done else RefundState.FAILED)
            self.till.database.transact(
                lambda unit: settle_refund(unit, refund, report, actor="job:pay_refund")
            )

    @rule(item=items, who=WHO, old=st.booleans())
    def hand_over(self, item: str, who: Caller, old: bool) -> None:
        version = self._version(item, old=old)
        self._try(
            lambda: hand_over_suspense(
                self.till.database, item, version=version, note="TU-1", staff=who
            )
        )

    @rule(who=WHO, closes=st.booleans())
    def change_shift(self, who: Caller, closes: bool) -> None:
        self.clock.advance(minutes=1)
        self._try(
            lambda: (
                close_shift(
                    self.till.database, open_shift(self.till.database, staff=who), staff=who
                )
                if closes
                else open_shift(self.till.database, staff=who)
            )
        )

    @invariant()
    def no_dong_is_lost(self) -> None:
        if not hasattr(self, "till"):
            return
        database = self.till.database
        with database.engine.connect() as connection:
            assert find_faults(connection, "main") == []
            assert verify_payments(connection, facility_id="main").faults == []
            balances = count_balances(connection, "main")
        owed = sum(amount for account, amount in balances.items() if not is_bank(account))
        at_banks = sum(amount for account, amount in balances.items() if is_bank(account))
        given_back = sum(
            each.amount_vnd for each in self.till.rows(tables.PaymentRefund) if each.state == "done"
        )
        assert at_banks == owed == self.came_vnd - given_back
        here = balances.get("suspense", 0) + balances.get("refund", 0)
        assert count_suspense(database).amount_vnd == here
        in_shifts = sum(each.figures.received.amount_vnd for each in list_shifts(database))
        assert in_shifts <= self.came_vnd

    def _version(self, item: str, *, old: bool) -> int:
        rows = {row.id: row.version for row in self.till.rows(tables.SuspenseItem)}
        return 0 if old else rows.get(item, 0)

    def _try(self, deed: Callable[[], object]) -> None:
        """Refused is fine; anything else is not."""
        try:
            deed()
        except (Conflict, NotFound):
            return


def test_no_order_of_deeds_loses_a_dong(sqlite_template: Path) -> None:
    machine = cast("type[Cashiers]", type("Machine", (Cashiers,), {"template": sqlite_template}))
    run_state_machine_as_test(
        machine, settings=settings(max_examples=15, stateful_step_count=25, deadline=None)
    )
