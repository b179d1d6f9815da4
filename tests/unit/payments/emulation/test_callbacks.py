from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest

from payments.emulation.callbacks import (
    CallbackQueue,
    DeliveryState,
    HospitalAnswer,
    Message,
    RetryPlan,
    accepts_2xx,
)
from payments.emulation.clock import EmulatedClock
from payments.emulation.faults import Faults
from tests.unit.payments.emulation.hospital import HospitalStandIn

START = datetime(2026, 11, 20, 2, 15, 30, tzinfo=UTC)
PLAN = RetryPlan(at_s=(0, 60, 120, 240), time_out_s=2)


class Desk:
    """A queue whose clock stands still unless it is advanced."""

    def __init__(self, accepts: Callable[[HospitalAnswer], bool] = accepts_2xx) -> None:
        self.clock = EmulatedClock(lambda: START)
        self.faults = Faults()
        self.queue = CallbackQueue(clock=self.clock, faults=self.faults, plan=PLAN, accepts=accepts)


@pytest.fixture
def desk() -> Iterator[Desk]:
    desk = Desk()
    desk.queue.start()
    yield desk
    desk.queue.close()


def message(hospital: HospitalStandIn, body: str) -> Callable[[], Message]:
    return lambda: Message(url=hospital.url, body=body.encode())


def test_an_accepted_callback_is_not_repeated(desk: Desk) -> None:
    with HospitalStandIn() as hospital:
        delivery = desk.queue.add("A", message(hospital, "A"))
        assert desk.queue.settle()
        desk.clock.advance(10_000)
        assert desk.queue.settle()
    assert delivery.state is DeliveryState.ACCEPTED
    assert hospital.bodies == ["A"]


def test_repeats_follow_the_plan_of_the_provider_and_then_end(desk: Desk) -> None:
    with HospitalStandIn((500, "")) as hospital:
        delivery = desk.queue.add("A", message(hospital, "A"))
        counts = []
        for step_s in (0, 59, 1, 60, 119, 1, 10_000):
            desk.clock.advance(step_s)
            assert desk.queue.settle()
            counts.append(len(hospital.seen))
    assert counts == [1, 1, 2, 3, 3, 4, 4]
    assert delivery.state is DeliveryState.GIVEN_UP


def test_what_counts_as_accepted_is_the_providers_own() -> None:
    desk = Desk(lambda answer: b'"success": true' in answer.body)
    desk.queue.start()
    with HospitalStandIn((200, "OK"), (200, '{"success": true}')) as hospital:
        delivery = desk.queue.add("A", message(hospital, "A"))
        assert desk.queue.settle()
        assert delivery.state is DeliveryState.PENDING
        desk.clock.advance(60)
        assert desk.queue.settle()
    desk.queue.close()
    assert [each["accepted"] for each in delivery.sendings] == [False, True]


def test_each_sending_is_signed_anew(desk: Desk) -> None:
    with HospitalStandIn((500, ""), (200, "")) as hospital:
        desk.queue.add(
            "A", lambda: Message(url=hospital.url, body=desk.clock().isoformat().encode())
        )
        assert desk.queue.settle()
        desk.clock.advance(60)
        assert desk.queue.settle()
    assert hospital.bodies == ["2026-11-20T02:15:30+00:00", "2026-11-20T02:16:30+00:00"]


def test_nobody_there_is_no_answer(desk: Desk) -> None:
    delivery = desk.queue.add("A", lambda: Message(url="http://127.0.0.1:9/x"))
    nowhere = desk.queue.add("B", lambda: None)
    assert desk.queue.settle()
    assert [each.sendings[0]["status"] for each in (delivery, nowhere)] == [0, 0]


def test_a_dropped_callback_never_leaves(desk: Desk) -> None:
    desk.faults.drop_webhook = 1
    with HospitalStandIn() as hospital:
        assert desk.queue.add("A", message(hospital, "A")).state is DeliveryState.DROPPED
        desk.queue.add("B", message(hospital, "B"))
        assert desk.queue.settle()
    assert hospital.bodies == ["B"]


def test_duplicates(desk: Desk) -> None:
    desk.faults.duplicate = 2
    with HospitalStandIn() as hospital:
        desk.queue.add("A", message(hospital, "A"))
        assert desk.queue.settle()
    assert hospital.bodies == ["A", "A", "A"]


def test_pairs_are_swapped(desk: Desk) -> None:
    desk.faults.reorder = True
    with HospitalStandIn() as hospital:
        for body in "ABCD":
            desk.queue.add(body, message(hospital, body))
        assert desk.queue.settle()
    assert hospital.bodies == ["B", "A", "D", "C"]


def test_one_that_waits_for_a_second_goes_alone_in_the_end(desk: Desk) -> None:
    desk.faults.reorder = True
    with HospitalStandIn() as hospital:
        delivery = desk.queue.add("A", message(hospital, "A"))
        assert delivery.state is DeliveryState.HELD
        desk.clock.advance(6)
        assert desk.queue.settle()
    assert hospital.bodies == ["A"]


def test_release_lets_go_of_what_is_held(desk: Desk) -> None:
    desk.faults.reorder = True
    with HospitalStandIn() as hospital:
        desk.queue.add("A", message(hospital, "A"))
        desk.queue.release()
        assert desk.queue.settle()
    assert hospital.bodies == ["A"]


def test_a_replay_sends_the_same_once_more(desk: Desk) -> None:
    with HospitalStandIn() as hospital:
        first = desk.queue.add("A", message(hospital, "A"))
        assert desk.queue.settle()
        desk.queue.replay(first.id)
        assert desk.queue.settle()
    assert hospital.bodies == ["A", "A"]
    with pytest.raises(LookupError):
        desk.queue.replay(99)


def test_a_delayed_callback_waits(desk: Desk) -> None:
    with HospitalStandIn() as hospital:
        desk.queue.add("A", message(hospital, "A"), delay_s=30)
        assert desk.queue.settle()
        assert hospital.bodies == []
        desk.clock.advance(30)
        assert desk.queue.settle()
    assert hospital.bodies == ["A"]


def test_a_fast_clock_makes_repeats_come_soon() -> None:
    clock = EmulatedClock(speed=1_000)
    queue = CallbackQueue(clock=clock, faults=Faults(), plan=PLAN, accepts=accepts_2xx)
    queue.start()
    with HospitalStandIn((503, "")) as hospital:
        queue.add("A", message(hospital, "A"))
        ends = time.monotonic() + 10
        while len(hospital.seen) < 4 and time.monotonic() < ends:
            time.sleep(0.02)
    queue.close()
    assert len(hospital.seen) == 4


def test_several_senders_do_not_wait_for_each_other() -> None:
    queue = CallbackQueue(
        clock=EmulatedClock(), faults=Faults(), plan=PLAN, accepts=accepts_2xx, senders=4
    )
    together = threading.Barrier(4)

    def build() -> None:
        together.wait(10)  # none is built before all four are

    queue.start()
    deliveries = [queue.add(str(number), build) for number in range(4)]
    assert queue.settle()
    queue.close()
    assert not together.broken
    assert [len(each.sendings) for each in deliveries] == [1, 1, 1, 1]
