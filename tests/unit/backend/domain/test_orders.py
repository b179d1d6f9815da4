from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from backend.domain.orders import (
    KnownOrder,
    OrderStatus,
    PlacedOrder,
    are_results_ready,
    choose_visit,
    plan_orders,
)
from backend.domain.settings import Words

NOW = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
ACTIVE, COMPLETED, CANCELLED = OrderStatus


@dataclass(frozen=True, kw_only=True)
class Step:
    id: str = "s1"
    kind: str = "laboratory"
    service_id: str = "XN"
    state: str = "waiting"
    state_at: datetime = NOW


def placed(ref: str = "o1", **changes: Any) -> PlacedOrder:
    values: dict[str, Any] = {
        "version": "1",
        "kind": "laboratory",
        "status": ACTIVE,
        "service_id": "XN",
        "room_id": None,
        "preparation": Words(vi="", en=""),
        "ordered_at": NOW,
        "released": False,
    }
    return PlacedOrder(ref=ref, **(values | changes))


def known(ref: str = "o1", **changes: Any) -> KnownOrder:
    values: dict[str, Any] = {"version": "1", "status": ACTIVE, "step_id": "s1", "released": False}
    return KnownOrder(ref=ref, **(values | changes))


def test_several_orders_of_one_service_are_one_step() -> None:
    plan = plan_orders(
        [placed("o1"), placed("o2", room_id="r"), placed("o3", service_id="SA")], {}, []
    )
    assert [(each.service_id, each.room_id, each.refs) for each in plan.openings] == [
        ("XN", "r", ("o1", "o2")),
        ("SA", None, ("o3",)),
    ]


def test_a_known_order_opens_nothing_again_whatever_became_of_its_step() -> None:
    for state in ("waiting", "done", "cancelled"):
        plan = plan_orders([placed(version="2")], {"o1": known()}, [Step(state=state)])
        assert plan.openings == ()
        assert plan.joined == {"o1": "s1"}


def test_what_staff_opened_before_is_joined() -> None:
    assert plan_orders([placed()], {}, [Step()]).joined == {"o1": "s1"}
    later = Step(state="done", state_at=NOW + timedelta(minutes=5))
    assert plan_orders([placed()], {}, [later]).joined == {"o1": "s1"}
    earlier = Step(state="done", state_at=NOW - timedelta(minutes=5))
    assert len(plan_orders([placed()], {}, [earlier]).openings) == 1
    way_back = Step(kind="return")
    assert len(plan_orders([placed()], {}, [way_back]).openings) == 1


def test_a_step_closes_once_all_its_orders_are_taken_back() -> None:
    both = {"o1": known(), "o2": known("o2")}
    one = plan_orders([placed(status=CANCELLED), placed("o2")], both, [Step()])
    assert one.close == ()
    all_ = plan_orders([placed(status=CANCELLED), placed("o2", status=CANCELLED)], both, [Step()])
    assert all_.close == ("s1",)
    served = [Step(state="serving")]
    assert plan_orders([placed(status=CANCELLED)], {"o1": known()}, served).close == ()


def test_an_order_given_again_is_a_new_one() -> None:
    plan = plan_orders([placed()], {"o1": known(status=CANCELLED)}, [Step(state="cancelled")])
    assert len(plan.openings) == 1


def test_a_new_order_that_is_over_opens_nothing() -> None:
    for order in (placed(status=CANCELLED), placed(status=COMPLETED), placed(released=True)):
        assert plan_orders([order], {}, []).openings == ()


def test_a_place_nobody_knows_is_said() -> None:
    plan = plan_orders([placed(service_id=None)], {}, [])
    assert (plan.openings, plan.unplaced) == ((), ("o1",))


def test_results_are_ready_once_every_order_is_settled() -> None:
    done = Step(state="done")
    assert not are_results_ready([done], [known()])
    assert not are_results_ready([done], [known(status=COMPLETED)])
    assert are_results_ready([done], [known(released=True)])
    assert are_results_ready([Step(state="cancelled")], [known(status=CANCELLED)])
    assert not are_results_ready([Step()], [known(released=True)])
    assert not are_results_ready([done], [])
    by_staff = Step(id="s2", service_id="SA", state="done")
    assert not are_results_ready([done, by_staff], [known(released=True)])


def test_an_order_belongs_to_the_visit_it_names() -> None:
    refs = {"v1": frozenset({"LK1"}), "v2": frozenset({"LK2"})}
    assert choose_visit("LK1", refs, newest="v2") == "v1"
    assert choose_visit(None, refs, newest="v2") == "v2"
    assert choose_visit("LK9", refs, newest="v2") == "v2"


orders = st.lists(
    st.builds(
        placed,
        ref=st.sampled_from(["o1", "o2", "o3"]),
        status=st.sampled_from(list(OrderStatus)),
        service_id=st.sampled_from(["XN", "SA", None]),
        released=st.booleans(),
    ),
    unique_by=lambda order: order.ref,
)


@given(orders)
def test_planning_again_changes_nothing(placed_orders: list[PlacedOrder]) -> None:
    first = plan_orders(placed_orders, {}, [])
    steps = [Step(id=each.service_id, service_id=each.service_id) for each in first.openings]
    step_of = {ref: each.service_id for each in first.openings for ref in each.refs}
    seen = {
        order.ref: known(order.ref, status=order.status, step_id=step_of.get(order.ref),
                         released=order.released)
        for order in placed_orders
    }  # fmt: skip
    again = plan_orders(placed_orders, seen, steps)
    assert again.openings == ()
    assert again.close == ()
