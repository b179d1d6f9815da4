"""Whatever the HIS does, however often workers die: each message arrives once and in order."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import delete, select

from backend.domain.outbox import DEAD_LETTERS, MOVES, UNDER_WAY, MessageState, Pace
from backend.jobs import deliver_outbox as module
from backend.jobs.deliver_outbox import claim, deliver_outbox
from backend.services.keep_outbox import discard_message, replay_message
from backend.services.resources import Resources
from backend.services.settle_messages import PARTY_FAULTS
from backend.storage.outbox_tables import OutboxMessage, PartyState
from tests.conftest import SettableClock
from tests.factories.deliveries import AFTER_WRITE, WRITE, Mood, WatchedHis
from tests.factories.outbox import add_message

# A breaker that opens would only make the walk slower; it has tests of its own.
PACE = Pace(failures_to_open=10_000, refusals_alone=2)
EXAMPLES, STEPS = 12, 40
LANES = st.sampled_from(["a", "b", "c"])


def reachable(state: MessageState) -> set[MessageState]:
    """What one pass may make of a state: a claim and an end, or an end of the lease."""
    found = {state}
    for _ in range(3):
        found |= {after for before in found for after in MOVES[before]}
    return found


class Walk(RuleBasedStateMachine):
    resources: Resources
    clock: SettableClock
    his: WatchedHis

    @initialize()
    def begin(self) -> None:
        with self.resources.database.write() as unit:
            for table in (OutboxMessage, PartyState):
                unit.connection.execute(delete(table))
        self.his.written.clear()
        self.his.faults.clear()
        self.his.mood = lambda _: Mood.GOOD
        self.discarded: set[str] = set()
        self.replayed: set[str] = set()
        self.before: dict[str, MessageState] = {}

    @rule(lane=LANES, kind=st.sampled_from([WRITE, AFTER_WRITE]))
    def ask(self, lane: str, kind: str) -> None:
        add_message(self.resources.database, kind=kind, lane=lane)

    @rule(moods=st.lists(st.sampled_from(Mood), min_size=1, max_size=4))
    def work(self, moods: list[Mood]) -> None:
        turn = iter(moods)
        self.his.mood = lambda _: next(turn, Mood.GOOD)
        deliver_outbox(self.resources, pace=PACE)

    @rule(wrote=st.booleans())
    def die(self, wrote: bool) -> None:
        """A worker takes messages up and is killed, before or after the HIS wrote them."""
        with self.resources.database.write() as unit:
            messages = claim(unit, "his", PACE, limit=2)
        for message in messages:
            if wrote and not self.his.has(message.id):
                self.his.write(message)

    @rule(seconds=st.sampled_from([1, 30, 61, 120]))
    def rest(self, seconds: int) -> None:
        self.clock.advance(seconds=seconds)

    @precondition(lambda self: any(state in DEAD_LETTERS for state in self.states().values()))
    @rule(data=st.data())
    def decide(self, data: st.DataObject) -> None:
        letters = sorted(id_ for id_, state in self.states().items() if state in DEAD_LETTERS)
        chosen = data.draw(st.sampled_from(letters))
        if data.draw(st.booleans()):
            self.replayed.add(chosen)
            replay_message(self.resources.database, chosen, actor="staff:lan")
        else:
            self.discarded.add(chosen)
            discard_message(self.resources.database, chosen, reason="x", actor="staff:lan")

    @invariant()
    def states_move_along_the_machine(self) -> None:
        states = self.states()
        for id_, state in states.items():
            assert state in reachable(self.before.get(id_, MessageState.NEW)), (id_, state)
        self.before = states

    @invariant()
    def nothing_is_written_twice_or_out_of_order(self) -> None:
        ids = [id_ for _, id_ in self.his.written]
        assert len(ids) == len(set(ids))
        assert self.his.faults == []
        for lane in ("a", "b", "c"):
            # A letter that waited for a person while others passed comes late by design.
            mine = [
                id_ for its, id_ in self.his.written if its == lane and id_ not in self.replayed
            ]
            assert mine == sorted(mine)

    @invariant()
    def a_fault_of_the_party_ends_only_who_met_it_alone(self) -> None:
        with self.resources.database.read() as connection:
            tries = connection.scalars(
                select(OutboxMessage.failed_alone).where(
                    OutboxMessage.state.in_(DEAD_LETTERS),
                    OutboxMessage.last_error.in_(PARTY_FAULTS),
                )
            ).all()
        assert all(count >= PACE.refusals_alone for count in tries)

    @invariant()
    def one_of_a_lane_is_under_way(self) -> None:
        with self.resources.database.read() as connection:
            lanes = connection.scalars(
                select(OutboxMessage.lane).where(OutboxMessage.state == "sending")
            ).all()
        assert len(lanes) == len(set(lanes))

    def teardown(self) -> None:
        """A calm HIS and patient staff: everything arrives, once."""
        if not hasattr(self, "before"):
            return
        self.his.mood = lambda _: Mood.GOOD
        for _ in range(2 * len(self.states()) + 4):
            for id_, state in self.states().items():
                if state in DEAD_LETTERS:
                    replay_message(self.resources.database, id_, actor="staff:lan")
            self.clock.advance(seconds=120)
            deliver_outbox(self.resources, pace=PACE)
        states = self.states()
        assert not [id_ for id_, state in states.items() if state in (*UNDER_WAY, *DEAD_LETTERS)]
        ids = [id_ for _, id_ in self.his.written]
        assert len(ids) == len(set(ids))
        assert {id_ for id_, state in states.items() if state == "done"} <= set(ids)

    def states(self) -> dict[str, MessageState]:
        with self.resources.database.read() as connection:
            rows = connection.execute(select(OutboxMessage.id, OutboxMessage.state))
            return {row.id: MessageState(row.state) for row in rows}


@pytest.mark.slow
def test_any_walk(
    resources: Resources, clock: SettableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    his = WatchedHis().install(monkeypatch)

    class ThisWalk(Walk):
        pass

    ThisWalk.resources, ThisWalk.clock, ThisWalk.his = resources, clock, his
    run_state_machine_as_test(  # type: ignore[no-untyped-call]  # hypothesis
        ThisWalk,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_only_moves_of_the_machine_are_known() -> None:
    assert set(MOVES) == set(MessageState)
    settled: Any = {state for state, moves in MOVES.items() if not moves}
    assert settled == {MessageState.DONE, MessageState.DISCARDED}
    assert module.WAITS["his.cancel_visit"] == {"his.check_in"}
