"""Everything people and staff may do with visits, in any order: what must hold always holds."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import HealthCheck, Phase, note, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import event, func, select

from backend.domain.rooms import RoomReason, RoomState, list_queue_rooms, list_room_queues
from backend.domain.visit import (
    OPEN_STATES,
    HoldReason,
    StepState,
    check_step_move,
    check_undo_move,
)
from backend.errors import BackendError
from backend.services.act_on_step import StepAct, StepReason
from backend.services.cancel_visit import cancel_visit
from backend.services.change_visit import ChangeWish, change_visit
from backend.services.follow_events import EventFeed, LiveMessage
from backend.services.keep_act import REMEMBERED
from backend.services.move_step import KEEPS_STATE
from backend.services.remote_party import RemoteParty
from backend.services.resources import Resources
from backend.services.return_to_line import return_to_line
from backend.services.show_room import load_room, room_to_text
from backend.services.step_out import step_in, step_out
from backend.storage.audit_tables import AuditEvent
from backend.storage.catalogue import CatalogueSource
from backend.storage.database import Database, open_engine
from backend.storage.number_tables import Ticket
from backend.storage.outbox_tables import LiveEvent
from backend.storage.queue_tables import Call, StaffAct, Step, StepChange
from backend.web.room_schemas import RoomNowReply
from his_adapter.ports import HisGateway
from tests.conftest import SettableClock
from tests.factories.desk import Desk, read
from tests.factories.hospital import Hospital, make_config, make_person, make_scan
from tests.factories.rooms import Console
from tests.postgres import PostgresServer

SERVER_FAULT = 500
ROOMS = ("101", "102", "X1", "H1", "H2", "T1")
FIRST = ("NOI", "CHUNG")
LATER = ("XN", "SA", "THU", "CHUNG")
PEOPLE = 3
PHASES = (Phase.explicit, Phase.generate, Phase.shrink)
SHORT, LONG = 14, 40
_databases = itertools.count()

picks = st.integers(min_value=0, max_value=7)

flags = st.booleans()
reasons = st.sampled_from([StepReason.OTHER, StepReason.NO_ANSWER, StepReason.OTHER, None])
people = {"person": st.integers(0, PEOPLE - 1), "service": st.sampled_from(FIRST), "two": flags}
onwards = st.lists(st.sampled_from(LATER), min_size=1, max_size=3, unique=True)
here = st.sampled_from([StepAct.SERVE, StepAct.FINISH, StepAct.MISS])
DEEDS: tuple[tuple[int, str, dict[str, st.SearchStrategy[Any]]], ...] = (
    (4, "take_number", people),
    (1, "cancel", {"pick": picks}),
    (1, "change", {"pick": picks, "service": st.sampled_from(FIRST)}),
    (3, "come_back", {"pick": picks}),
    (2, "leave_for_a_moment", {"pick": picks}),
    (1, "return_from_outside", {"pick": picks}),
    (2, "time_passes", {"minutes": st.sampled_from([0.1, 0.6, 7, 70])}),
    (5, "call_next", {"pick": picks}),
    (1, "call_next_from_an_old_page", {"pick": picks, "finish": flags}),
    (
        4,
        "act",
        {
            "pick": picks,
            "which": picks,
            "kind": st.sampled_from(list(StepAct)),
            "reason": reasons,
            "old": flags,
        },
    ),
    (4, "act_on_who_is_here", {"pick": picks, "kind": here}),
    (
        4,
        "send_on",
        {"pick": picks, "to": onwards, "come_back": st.sampled_from([None, True, False])},
    ),
    (2, "transfer", {"pick": picks, "which": picks, "to": st.sampled_from(ROOMS), "old": flags}),
    (3, "undo", {"pick": picks}),
    (
        1,
        "stop_a_room",
        {
            "code": st.sampled_from(ROOMS),
            "state": st.sampled_from([RoomState.PAUSED, RoomState.CLOSED]),
        },
    ),
    (1, "open_the_rooms", {}),
    (1, "move_people", {"pick": picks, "count": st.sampled_from([None, 1])}),
)
"""How often, what, with which values. One rule for all: else most runs would lack most of them."""
deeds = st.one_of(
    [
        st.tuples(st.just(name), st.fixed_dictionaries(values))
        for weight, name, values in DEEDS
        for _ in range(weight)
    ]
)
NewDatabase = Callable[[SettableClock], Database]


class Way(RuleBasedStateMachine):
    """A small hospital: every use case that moves a step, against the rows it leaves."""

    new_database: NewDatabase

    def __init__(self) -> None:
        super().__init__()
        self.clock = SettableClock()
        self.database = type(self).new_database(self.clock)
        hospital = self.hospital = Hospital(self.database).set_up()
        for code in ROOMS:
            hospital.add_room(code)
        hospital.add_service("NOI", "101", "102")
        hospital.add_service("CHUNG", "101", "102", pooled=True, series_letter="C")
        hospital.add_service("XN", "X1", kind="laboratory")
        hospital.add_service("SA", "H1", "H2", kind="imaging", pooled=True)
        hospital.add_service("THU", "T1", kind="cashier")
        self.resources = Resources(
            config=make_config(),
            database=self.database,
            keys=hospital.keys,
            catalogue=CatalogueSource(self.database),
            his=cast("HisGateway", None),
            his_party=cast("RemoteParty", None),
            insurer_party=cast("RemoteParty", None),
        )
        self.catalogue = self.resources.catalogue.get()
        self.desk = Desk(self.resources, hospital)
        self.consoles = {code: Console(self.resources, hospital, code) for code in ROOMS}
        self.feed = EventFeed(self.database)
        self.feed.start()
        self.steps: dict[str, Any] = {}
        self.changed = True
        self.numbers: dict[str, str] = {}
        self.closed: list[Console] = []
        self.before_act: dict[str, dict[str, Any]] = {}
        self.traces = self._count_traces()

    def teardown(self) -> None:
        self.database.close()

    @rule(deed=deeds)
    def go(self, deed: tuple[str, dict[str, Any]]) -> None:
        name, values = deed
        getattr(self, name)(**values)

    # --- what people do ---------------------------------------------------------------------------

    def take_number(self, person: int, service: str, two: bool) -> None:
        def take() -> None:
            scan = make_scan(person=make_person(person))
            wish = self.desk.wish(
                service,
                self.hospital.add_scan(self.desk.kiosk, scan),
                also_service_id=self.hospital.services["THU"] if two else None,
            )
            self.desk.start(wish)

        self._try(take)

    def cancel(self, pick: int) -> None:
        def go(visit_id: str) -> None:
            cancel_visit(self.resources, visit_id, **self._at_kiosk(visit_id))

        self._with_visit(pick, go)

    def change(self, pick: int, service: str) -> None:
        def go(visit_id: str) -> None:
            kiosk = self._at_kiosk(visit_id)
            wish = ChangeWish(
                scan_id=kiosk.pop("scan_id"), service_id=self.hospital.services[service]
            )
            change_visit(self.resources, visit_id, wish, **kiosk)

        self._with_visit(pick, go)

    def come_back(self, pick: int) -> None:
        def go(visit_id: str) -> None:
            answer = return_to_line(self.resources, visit_id, **self._at_kiosk(visit_id))
            assert "return" not in read(answer).actions or len(read(answer).steps) > 1

        self._with_visit(pick, go)

    def leave_for_a_moment(self, pick: int) -> None:
        self._with_visit(pick, lambda visit_id: step_out(self.resources, visit_id))

    def return_from_outside(self, pick: int) -> None:
        self._with_visit(pick, lambda visit_id: step_in(self.resources, visit_id))

    def time_passes(self, minutes: float) -> None:
        self.clock.advance(minutes=minutes)

    # --- what staff do ------------------------------------------------------------------------------

    def call_next(self, pick: int) -> None:
        console = self._busy_room(pick)
        self._refresh(console)
        self._act(console, Console.next)

    def call_next_from_an_old_page(self, pick: int, finish: bool) -> None:
        self._act(self._busy_room(pick), lambda console: console.next(finish=finish))

    def act(
        self, pick: int, which: int, kind: StepAct, reason: StepReason | None, old: bool
    ) -> None:
        self._with_step(pick, which, old, lambda console, step: console.act(step, kind, reason))

    def act_on_who_is_here(self, pick: int, kind: StepAct) -> None:
        self._with_current(
            pick, lambda console, step: console.act(step, kind, StepReason.NO_ANSWER)
        )

    def send_on(self, pick: int, to: list[str], come_back: bool | None) -> None:
        self._with_current(
            pick, lambda console, step: console.send_on(step, *to, come_back=come_back)
        )

    def transfer(self, pick: int, which: int, to: str, old: bool) -> None:
        self._with_step(pick, which, old, lambda console, step: console.transfer(step, to))

    def undo(self, pick: int) -> None:
        """Also from an old page, when others went on from there."""
        may = [each for each in self.consoles.values() if each.seen and each.seen.undo]
        if not may:
            return
        console = may[pick % len(may)]
        assert console.seen is not None
        assert console.seen.undo is not None
        act_id = console.seen.undo.id
        before = self.before_act.get(act_id)
        if self._try(lambda: console.undo(act_id)) and before is not None:
            now = self._load_steps()
            for step_id, row in before.items():
                assert [getattr(now[step_id], name) for name in REMEMBERED] == [
                    getattr(row, name) for name in REMEMBERED
                ]

    def stop_a_room(self, code: str, state: RoomState) -> None:
        """Somebody opens it again before long: a hospital that stands still shows nothing."""
        console = self.consoles[code]
        self._act(console, lambda console: console.change(state=state, reason=RoomReason.BREAK))
        self.closed.append(console)

    def open_the_rooms(self) -> None:
        while self.closed:
            self._act(self.closed.pop(), lambda console: console.change(state=RoomState.OPEN))

    def move_people(self, pick: int, count: int | None) -> None:
        self._act(
            self._busy_room(pick),
            lambda console: console.move(reason=RoomReason.BALANCE, count=count),
        )

    # --- how it is done -------------------------------------------------------------------------------

    def _at_kiosk(self, visit_id: str) -> dict[str, Any]:
        return {
            "scan_id": self.desk.scan_ticket(visit_id),
            "kiosk": self.desk.kiosk,
            "intent": self.desk.intent(),
        }

    def _with_visit(self, pick: int, go: Callable[[str], object]) -> None:
        visits = sorted(self.numbers)
        if visits:
            self._try(lambda: go(visits[pick % len(visits)]))

    def _busy_room(self, pick: int) -> Console:
        """One with people, if there is any."""
        busy = {
            room
            for step in self.steps.values()
            if StepState(step.state) in OPEN_STATES
            for room in list_queue_rooms(self.catalogue, step.queue_id)
        }
        consoles = [each for each in self.consoles.values() if not busy or each.room_id in busy]
        return consoles[pick % len(consoles)]

    def _with_step(
        self, pick: int, which: int, old: bool, go: Callable[[Console, Any], object]
    ) -> None:
        console = self._busy_room(pick)
        if not old or console.seen is None:
            self._refresh(console)
        assert console.seen is not None
        shown = [*console.seen.current, *console.seen.waiting, *console.seen.aside]
        if shown:
            self._act(console, lambda console: go(console, shown[which % len(shown)]))

    def _with_current(self, pick: int, go: Callable[[Console, Any], object]) -> None:
        """Somebody who was called; nobody was: somebody is."""
        rooms = sorted(
            {
                step.room_id
                for step in self.steps.values()
                if step.state in {StepState.CALLED, StepState.SERVING}
            }
        )
        if not rooms:
            self.call_next(pick)
            return
        console = next(
            each for each in self.consoles.values() if each.room_id == rooms[pick % len(rooms)]
        )
        self._refresh(console)
        assert console.seen is not None
        step = console.seen.current[0]
        self._act(console, lambda console: go(console, step))

    def _act(self, console: Console, go: Callable[[Console], object]) -> None:
        before = self._load_steps()
        last = self._last_act()
        if not self._try(lambda: go(console)):
            self._refresh(console)
            return
        act = self._last_act()
        if act is not None and act != last:
            self.before_act[act.id] = {
                each["id"]: before[each["id"]] for each in act.steps if each["before"] is not None
            }

    def _last_act(self) -> Any:
        with self.database.read() as connection:
            return connection.execute(
                select(StaffAct.id, StaffAct.steps).order_by(StaffAct.id.desc()).limit(1)
            ).one_or_none()

    def _refresh(self, console: Console) -> None:
        with self.database.read() as connection:
            room = load_room(self.resources, connection, console.room_id, now=self.clock.now)
        console.seen = RoomNowReply.model_validate_json(room_to_text(room))

    def _try(self, go: Callable[[], object]) -> bool:
        """A refusal is an answer too, and leaves nothing behind. A fault is neither."""
        self.clock.advance(seconds=1)
        try:
            go()
        except BackendError as refusal:
            if refusal.status >= SERVER_FAULT:
                raise
            note(f"refused: {type(refusal).__name__}")
            assert self._load_steps() == self.steps
            assert self._count_traces() == self.traces
            return False
        return True

    def _load_steps(self) -> dict[str, Any]:
        with self.database.read() as connection:
            return {row.id: row for row in connection.execute(select(Step.__table__))}

    def _count_traces(self) -> tuple[int, ...]:
        kinds = (StepChange, AuditEvent, LiveEvent, StaffAct)
        with self.database.read() as connection:
            return tuple(
                connection.scalar(select(func.count()).select_from(each)) or 0 for each in kinds
            )

    # --- what always holds ------------------------------------------------------------------------------

    @invariant()
    def every_change_leaves_its_traces(self) -> None:
        before, now = self.steps, self._load_steps()
        traces = self._count_traces()
        heard = self.feed.read()
        changed = [step for id_, step in now.items() if before.get(id_) != step]
        if changed:
            assert traces[1] > self.traces[1], "no audit row"
            assert traces[2] > self.traces[2], "no live event"
        topics = frozenset().union(*(message.topics for message in heard))
        for step in changed:
            old = before.get(step.id)
            assert step.visit_id in topics, ("visit is not told", names(heard))
            for queue in {step.queue_id, old.queue_id if old else step.queue_id}:
                assert queue in topics, ("queue is not told", names(heard))
            assert old is None or step.version > old.version
        assert set(before) <= set(now)
        self.changed = bool(changed)
        self.steps, self.traces = now, traces

    @invariant()
    def every_step_came_here_move_by_move(self) -> None:
        with self.database.read() as connection:
            rows = connection.execute(select(StepChange.__table__).order_by(StepChange.id)).all()
        changes: dict[str, list[Any]] = {}
        for row in rows:
            changes.setdefault(row.step_id, []).append(row)
        for step in self.steps.values():
            mine = changes[step.id]
            assert step.version == len(mine) - 1
            assert mine[0].from_state is None
            assert mine[-1].to_state == step.state
            for earlier, later in itertools.pairwise(mine):
                assert later.from_state == earlier.to_state
                state, to = StepState(later.from_state), StepState(later.to_state)
                if later.reason == "undo" and to is not StepState.CANCELLED:
                    check_undo_move(state, to)
                elif state is not to or state not in KEEPS_STATE:
                    check_step_move(state, to)
            assert (step.hold_reason is not None) == (step.state == StepState.HOLD)

    @invariant()
    def who_is_called_is_called_to_one_room(self) -> None:
        with self.database.read() as connection:
            calls = connection.execute(
                select(Call.step_id, Call.room_id).where(Call.undone_at.is_(None)).order_by(Call.id)
            ).all()
        last = dict(calls)  # type: ignore[arg-type]  # pairs
        for step in self.steps.values():
            if step.state in {StepState.CALLED, StepState.SERVING}:
                assert step.room_id is not None
                assert last.get(step.id) == step.room_id
                assert step.calls > 0

    @invariant()
    def a_person_waits_once_for_a_service(self) -> None:
        still_open = [
            (step.person_id, step.service_id)
            for step in self.steps.values()
            if StepState(step.state) in OPEN_STATES
        ]
        assert len(still_open) == len(set(still_open))

    @invariant()
    def nobody_is_lost(self) -> None:
        if not self.changed:
            return
        shown: dict[str, set[str]] = {}
        with self.database.read() as connection:
            for code in ROOMS:
                room_id = self.hospital.rooms[code]
                room = load_room(self.resources, connection, room_id, now=self.clock.now)
                for each in (*room.current, *room.waiting, *room.aside):
                    shown.setdefault(each.step_id, set()).add(room_id)
        for step in self.steps.values():
            if StepState(step.state) not in OPEN_STATES:
                assert step.id not in shown
                continue
            assert step.id in shown, (step.state, step.hold_reason)
            if step.state in {StepState.CALLED, StepState.SERVING}:
                assert shown[step.id] == {step.room_id}
                assert step.queue_id in list_room_queues(self.catalogue, step.room_id)
            else:
                assert shown[step.id] == set(list_queue_rooms(self.catalogue, step.queue_id))

    @invariant()
    def no_visit_waits_for_nothing(self) -> None:
        """What waits for an earlier step has an earlier step that is open."""
        visits: dict[str, list[Any]] = {}
        for step in self.steps.values():
            if StepState(step.state) in OPEN_STATES:
                visits.setdefault(step.visit_id, []).append(step)
        for steps in visits.values():
            assert any(step.hold_reason != HoldReason.EARLIER_STEP for step in steps)

    @invariant()
    def a_number_is_for_the_whole_day(self) -> None:
        with self.database.read() as connection:
            now = {
                row.visit_id: row.number
                for row in connection.execute(select(Ticket.visit_id, Ticket.number))
            }
        assert now.items() >= self.numbers.items()
        assert len(set(now.values())) == len(now)
        self.numbers = now


def names(heard: Sequence[LiveMessage]) -> list[str]:
    return [message.event for message in heard]


def play(new_database: NewDatabase, *, examples: int, steps: int) -> None:
    machine = type("Way", (Way,), {"new_database": staticmethod(new_database)})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            phases=PHASES,
            suppress_health_check=list(HealthCheck),
            database=None,
            print_blob=True,
        ),
    )


@pytest.fixture
def on_sqlite(sqlite_template: Path, tmp_path: Path) -> NewDatabase:
    def new_database(clock: SettableClock) -> Database:
        path = tmp_path / f"way-{next(_databases)}.sqlite3"
        shutil.copy(sqlite_template, path)
        engine = open_engine(f"sqlite:///{path}", pool_size=2)
        # Nobody cuts the power here, and waiting for the disk is most of the time.
        event.listen(engine, "connect", lambda raw, _: raw.execute("PRAGMA synchronous=OFF"))
        return Database(engine, facility_id="main", clock=clock)

    return new_database


@pytest.fixture
def on_postgres(postgres_server: PostgresServer) -> Iterator[NewDatabase]:
    made: list[str] = []

    def new_database(clock: SettableClock) -> Database:
        made.append(f"way_{next(_databases)}")
        postgres_server.execute(f"CREATE DATABASE {made[-1]} TEMPLATE template_tiepdon")
        engine = open_engine(postgres_server.url(made[-1]), pool_size=2)
        return Database(engine, facility_id="main", clock=clock)

    yield new_database
    for name in made:
        postgres_server.execute(f"DROP DATABASE {name} WITH (FORCE)")


def test_a_few_ways(on_sqlite: NewDatabase) -> None:
    play(on_sqlite, examples=8, steps=SHORT)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_many_ways(on_sqlite: NewDatabase) -> None:
    play(on_sqlite, examples=100, steps=LONG)


@pytest.mark.slow
@pytest.mark.postgres
@pytest.mark.timeout(600)
def test_some_ways_on_postgres(on_postgres: NewDatabase) -> None:
    play(on_postgres, examples=6, steps=LONG)
