"""Whatever is touched, held up, unplugged or cut, in any order: there is always a way on."""

from __future__ import annotations

import time

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from devices.models import PrinterState, PrintState, ScannerState
from kiosk_ui.flow import Screen
from kiosk_ui.gateway import models
from kiosk_ui.gateway.models import Question
from kiosk_ui.presenters.views import Action, ChoiceView
from tests.flows.stand_ins import Bench
from tests.flows.steps import (
    TO_BILLS,
    TO_DEPARTMENT,
    TO_METHOD,
    TO_QR,
    TO_SCAN,
    TO_SUMMARY,
    Step,
    offered,
    walk,
)

SLOWEST_TOUCH_S = 0.05
BEGINNINGS: tuple[tuple[Step, ...], ...] = (
    (),
    ((Screen.WELCOME, "info"),),
    ((Screen.WELCOME, "info"), (Screen.INFO, "prices")),
    ((Screen.WELCOME, "info"), (Screen.INFO, "map")),
    TO_SCAN,
    (*TO_SCAN, (Screen.SCAN, "type"), (Screen.TYPED_NUMBER, "digits", "079085000000")),
    (*TO_SCAN, (Screen.SCAN, "other")),
    (*TO_SCAN, (Screen.SCAN, "other"), (Screen.ON_BEHALF, "relation", "child")),
    (*TO_SCAN, (Screen.SCAN, "scan"), (Screen.CONFIRM_IDENTITY, "yes")),
    TO_DEPARTMENT[:-1],
    TO_DEPARTMENT,
    (*TO_DEPARTMENT, (Screen.DEPARTMENT, "department", "internal")),
    TO_SUMMARY[:-1],
    TO_SUMMARY,
    (*TO_SUMMARY, (Screen.SUMMARY, "confirm")),
    (*TO_BILLS[:1], (Screen.PAY_WHO, "code")),
    TO_BILLS,
    (*TO_BILLS, (Screen.PAY_BILLS, "lines")),
    (*TO_BILLS, (Screen.PAY_BILLS, "advance"), (Screen.PAY_ADVANCE, "other")),
    TO_METHOD,
    TO_QR,
    (*TO_METHOD, (Screen.PAY_METHOD, "cash")),
    (*TO_QR, (Screen.PAY_QR, "other")),
    (*TO_QR, (Screen.PAY_QR, "cancel")),
)
seen: set[str] = set()


class Monkey(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.bench = Bench()

    @initialize(steps=st.sampled_from(BEGINNINGS), paid=st.booleans())
    def begin(self, steps: tuple[Step, ...], *, paid: bool) -> None:
        walk(self.bench, steps)
        if paid and self.bench.gateway.money.payment is not None:
            self.bench.gateway.money.receive()
            self.bench.wait(1)

    @rule(pick=st.integers(min_value=0, max_value=60), settle=st.booleans())
    def touch_something(self, pick: int, settle: bool) -> None:
        choices = [choice for choice in offered(self.bench.kiosk.frame) if choice.enabled]
        self._act(choices[-1 - pick % len(choices)].action)
        if settle:
            self.bench.settle()

    @rule(
        name=st.sampled_from(
            [
                *("yes", "next", "confirm", "kind", "department", "group", "reprint", "cancel"),
                *("page", "pay", "bill", "amount", "method", "cash", "renew", "check", "print"),
            ]
        ),
        value=st.sampled_from(["", "new", "internal", "99", "-1", "x" * 500, "²"]),
    )
    def touch_what_is_not_there(self, name: str, value: str) -> None:
        """A touch that belongs to a frame already gone."""
        self._act(Action(name, value))
        self.bench.settle()

    @rule(
        payload=st.one_of(
            st.binary(max_size=64), st.sampled_from([b"invented payload", b"E_UNKNOWN_QR"])
        ),
        outcome=st.sampled_from(list(models.ScanOutcome)),
        ask=st.lists(st.sampled_from(list(Question)), max_size=9),
        visits=st.integers(min_value=0, max_value=2),
    )
    def hold_up_a_code(
        self, payload: bytes, outcome: models.ScanOutcome, ask: list[Question], visits: int
    ) -> None:
        gateway = self.bench.gateway
        gateway.scan_reply = gateway.reply(
            outcome=outcome,
            ask=ask,
            visits=[gateway.visit() for _ in range(visits)],
            appointments=[gateway.appointment()] if visits else [],
        )
        self.bench.scanner.hold_up(payload)
        self.bench.settle()

    @rule(
        deed=st.sampled_from(
            ["all", "part", "expire", "decline", "fees", "hospital", "bank_away", "bank_back"]
        )
    )
    def something_happens_at_the_bank(self, deed: str) -> None:
        money = self.bench.gateway.money
        money.away = {"bank"} if deed == "bank_away" else set()
        if deed == "fees":
            money.change_fees(12_000)
        if money.payment is None or money.payment.stage in {"paid", "ended"}:
            return
        match deed:
            case "all":
                money.receive()
            case "part":
                money.receive(1_000)
            case "expire":
                money.expire()
            case "decline":
                money.end("declined")
            case "hospital":
                money.hospital_enters_it()
        self.bench.wait(1)

    @rule(seconds=st.sampled_from([0.5, 3.0, 20.0, 70.0]))
    def time_passes(self, seconds: float) -> None:
        self.bench.time.elapsed_s += seconds
        self.bench.settle()

    @rule(down=st.booleans(), lost=st.integers(min_value=0, max_value=1))
    def server(self, down: bool, lost: int) -> None:
        self.bench.gateway.down = down
        self.bench.gateway.lose_replies = lost

    @rule(held=st.booleans())
    def answers(self, held: bool) -> None:
        self.bench.worker.held = held

    @rule(
        method=st.sampled_from(
            [
                "scan",
                "start_visit",
                "list_services",
                "cancel_visit",
                "read_dues",
                "start_payment",
                "find_payment_news",
                "change_offer",
                "check_payment",
                "cancel_payment",
                "take_cash_slip",
            ]
        ),
        code=st.sampled_from(
            [
                "service_full",
                "scan_expired",
                "rate_limited",
                "E_NEW",
                "other",
                "his_unavailable",
                "provider_unavailable",
                "fee_changed",
                "being_paid",
                "payment_not_found",
            ]
        ),
    )
    def server_refuses(self, method: str, code: str) -> None:
        self.bench.gateway.refusals[method] = code

    @rule(
        scanner=st.sampled_from([ScannerState.READY, ScannerState.ABSENT, ScannerState.STALE]),
        printer=st.sampled_from(list(PrinterState)),
        ends=st.sampled_from(list(PrintState)),
    )
    def devices(self, scanner: ScannerState, printer: PrinterState, ends: PrintState) -> None:
        self.bench.scanner.state = scanner
        self.bench.printer.printer_state = printer
        self.bench.printer.ends = ends

    def _act(self, action: Action) -> None:
        begun = time.process_time()
        self.bench.kiosk.touched()
        self.bench.kiosk.pressed(action)
        self.bench.kiosk.act(action)
        assert time.process_time() - begun < SLOWEST_TOUCH_S * 4  # a shared machine stalls

    @invariant()
    def there_is_a_way_out_and_help(self) -> None:
        frame = self.bench.kiosk.frame
        seen.add(frame.screen)
        actions = {choice.action.name for choice in offered(frame) if choice.enabled}
        assert {"help", "emergency", "language"} <= actions
        if frame.screen not in {Screen.WELCOME, Screen.OUT_OF_SERVICE, "help", "emergency"}:
            assert "finish" in actions
        if frame.screen in {"help", "emergency"}:
            assert "close" in actions

    @invariant()
    def nobody_has_to_scroll(self) -> None:
        view = self.bench.kiosk.frame.view
        if isinstance(view, ChoiceView):
            assert len(view.choices) <= (4 if self.bench.kiosk.frame.screen == "welcome" else 6)

    @invariant()
    def paid_is_only_what_the_server_calls_paid(self) -> None:
        payment = self.bench.gateway.money.payment
        if self.bench.kiosk.frame.screen == Screen.PAID:
            assert payment is not None
            assert payment.stage == "paid"

    @invariant()
    def no_job_is_printed_twice(self) -> None:
        assert len(self.bench.printer.jobs) == len(set(self.bench.printer.jobs))


def test_there_is_always_a_way_on() -> None:
    run_state_machine_as_test(
        Monkey,
        settings=settings(
            max_examples=200,
            stateful_step_count=30,
            deadline=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
    assert len(seen) > len(Screen) // 2  # else it only knocked at the door


def test_building_a_frame_is_cheap() -> None:
    """It happens four times a second while nobody is there."""
    bench = Bench()
    walk(bench, TO_SUMMARY)
    begun = time.process_time()
    for _ in range(100):
        bench.time.elapsed_s += 0.25
        bench.kiosk.tick()
    assert (time.process_time() - begun) / 100 < 0.03
