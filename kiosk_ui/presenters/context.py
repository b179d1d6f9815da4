"""What the presenters of one kiosk share: the visit, the words, the moves, the questions asked."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Generic, TypeVar
from zoneinfo import ZoneInfo

from devices.ports import CodeScanner
from kiosk_ui import flow, i18n
from kiosk_ui.current_visit import AskedAhead, CurrentVisit, Trouble
from kiosk_ui.errors import GatewayError, ServerAway, ServerRefused
from kiosk_ui.events import KioskEvent
from kiosk_ui.flow import Screen
from kiosk_ui.gateway.models import KioskSettings, Label, Ticket
from kiosk_ui.gateway.payment_models import Receipt
from kiosk_ui.gateway.ports import Gateway
from kiosk_ui.presenters.ports import Clock, OfflineNumbers, Place, PrintReports, TicketPrinting
from kiosk_ui.presenters.tally import STEP_AT, TICKET, Tally
from kiosk_ui.presenters.views import Phrase
from kiosk_ui.worker import Worker

T = TypeVar("T")
Paper = TypeVar("Paper", Ticket, Receipt)
RETRY_AFTER_S = 1.0
NAME_SHOWN_S = 30.0
GRACE_S = 0.15
"""An answer that comes sooner replaces the screen directly: nothing flickers."""
OUR_FAULT = "trouble.title"
"""Happened nothing that has a name: the patient did nothing wrong, and neither did the hospital."""
FRESH_S = 2.0
"""An answer asked for ahead is shown for so long: what is open and full changes by the minute."""

_log = logging.getLogger(__name__)


def _not_dealt_with(_code: str, _key: str | None) -> bool:
    return False


@dataclass(frozen=True, kw_only=True)
class Look(Generic[T]):
    """A question that changes nothing. `about` names all that its answer depends on."""

    about: tuple[str | None, ...]
    call: Callable[[], T]


@dataclass(frozen=True, kw_only=True)
class Later:
    at_s: float
    run: Callable[[], None]


@dataclass(kw_only=True)
class Context:
    """One kiosk at work. Everything here happens on the UI thread."""

    gateway: Gateway
    worker: Worker
    scanner: CodeScanner
    printer: TicketPrinting
    reports: PrintReports
    offline: OfflineNumbers
    clock: Clock
    place: Place
    visit: CurrentVisit = field(default_factory=lambda: CurrentVisit(screen=Screen.OUT_OF_SERVICE))
    settings: KioskSettings | None = None
    server_up: bool = False
    profile: str = "reception"
    """Where this kiosk stands, as staff said; decides what it offers."""
    out_words: Label | None = None
    """Staff took it out of service, with these words; known again after a restart."""
    orders_known: bool = False
    """The server was asked whether it is: until then nobody begins anything."""
    tally: Tally = field(default_factory=Tally)
    out_reason: str = "out.starting"
    """Key of the sentence on the screen out of service."""
    touched_s: float = 0.0
    later: list[Later] = field(default_factory=list)
    entered: Callable[[Screen], None] = lambda _screen: None
    """Told of each screen a patient arrives at; set by the kiosk."""

    @property
    def connected(self) -> bool:
        """The server answers, and knows this kiosk."""
        return self.server_up and self.settings is not None

    @property
    def ready(self) -> bool:
        """A visit can be begun."""
        return self.connected and self.orders_known and self.out_words is None

    @property
    def visit_open(self) -> bool:
        """Somebody is in the middle of something, or something of theirs may be on the glass."""
        return self.visit.overlay is not None or self.visit.screen not in flow.NOBODY_AT

    @property
    def practising(self) -> bool:
        """Nothing here is real, and all that is seen must say so."""
        return self.settings is not None and self.settings.practice

    def paper(self, made: Paper) -> Paper:
        """As it is printed: marked while staff train, whatever its maker knew of that."""
        if not self.practising or made.practice:
            return made
        return made.model_copy(update={"practice": True})

    # --- words --------------------------------------------------------------------------------

    def say(self, key: str, **values: object) -> Phrase:
        return i18n.say(self.visit.language, key, **values)

    def label(self, label: Label) -> Phrase:
        return i18n.shown(label.in_language(self.visit.language))

    def local(self, moment: datetime) -> datetime:
        """In the zone of the facility, for display."""
        return moment.astimezone(ZoneInfo(self.settings.timezone if self.settings else "UTC"))

    @property
    def hotline(self) -> str:
        return self.settings.hotline if self.settings else ""

    @property
    def name_shown(self) -> bool:
        return self.clock.ticks_s() < self.visit.name_shown_until_s

    def show_name(self) -> None:
        self.visit.name_shown_until_s = self.clock.ticks_s() + NAME_SHOWN_S

    # --- moves --------------------------------------------------------------------------------

    def go(self, screen: Screen) -> None:
        """A step forward. Raises ValueError for a move the flow does not know."""
        visit = self.visit
        if not flow.may_move(visit.screen, screen):
            raise ValueError(f"no move from {visit.screen} to {screen}")
        self._count_move(screen)
        if visit.screen not in flow.PASSED_THROUGH:
            visit.trail.append(visit.screen)
        if screen in flow.FINAL:
            visit.trail.clear()
        self._arrive(screen, forward=True)

    def _count_move(self, screen: Screen) -> None:
        visit = self.visit
        if visit.screen is Screen.WELCOME and screen in flow.BEGIN_A_VISIT:
            visit.begun_s = self.clock.ticks_s()
            self.tally.note_visit(self.clock.now())
        if screen is Screen.DONE and visit.begun_s is not None:
            self.tally.note_time(TICKET, self.clock.ticks_s() - visit.begun_s)
            visit.begun_s = None

    def back(self) -> None:
        """To the screen before; to the start when there is none."""
        if not self.visit.trail:
            self.end()
            return
        self._arrive(self.visit.trail.pop(), forward=False)

    def back_to(self, screen: Screen) -> None:
        """Back along the way to `screen`, or forward to it when the patient never was there."""
        trail = self.visit.trail
        if screen not in trail:
            self.go(screen)
            return
        while trail.pop() is not screen:
            pass
        self._arrive(screen, forward=False)

    def open(self, overlay: Screen) -> None:
        self.visit.overlay = overlay
        self.touched_s = self.clock.ticks_s()
        self.entered(overlay)

    def close_overlay(self) -> None:
        self.visit.overlay = None
        self.touched_s = self.clock.ticks_s()

    def end(self) -> None:
        """Forgets the patient; the next one finds the start screen as it always is."""
        self.visit = CurrentVisit()
        self.later.clear()
        self._arrive(Screen.WELCOME if self.ready else Screen.OUT_OF_SERVICE, forward=False)

    def fail(self, trouble: Trouble) -> None:
        """Shows what happened and what to do."""
        self.visit.trouble = trouble
        if trouble.happened == OUR_FAULT:
            self.tally.note_error()
        if self.visit.screen is not Screen.TROUBLE:
            self.go(Screen.TROUBLE)

    def _arrive(self, screen: Screen, *, forward: bool) -> None:
        visit = self.visit
        visit.screen = screen
        visit.forward = forward
        visit.page = 0
        visit.entry = ""
        visit.problem = None
        visit.awaiting = None
        visit.reconnecting = False
        self.touched_s = self.clock.ticks_s()
        self.entered(screen)

    # --- questions to the server ----------------------------------------------------------------

    @property
    def busy(self) -> bool:
        return self.visit.awaiting is not None

    def waited_s(self) -> float:
        """Since the last question to the server, answered or not."""
        return self.clock.ticks_s() - self.visit.awaiting_since_s

    def ask(
        self,
        call: Callable[[], T],
        done: Callable[[T], None],
        refused: Callable[[str, str | None], bool] = _not_dealt_with,
    ) -> None:
        """Asks the server and waits, without holding up the screen.

        While the server is away the same call is repeated until it is answered, so a write must
        carry its key in `call`. `refused(problem_code, message_key)` says whether it dealt with
        a refusal; otherwise the screen `trouble` does. The answer is dropped when the patient
        went elsewhere meanwhile.
        """
        self._send(self._start_waiting(), call, done, refused)

    def foresee(self, look: Look[T]) -> None:
        """Asks now what `look` will ask in a moment, if the finger that is down stays its course.

        Nobody waits for the answer and nobody is told of a failure.
        """
        ahead = AskedAhead(about=look.about, at_s=self.clock.ticks_s())
        self.visit.ahead = ahead
        self.worker.submit(look.call, done=ahead.take, failed=ahead.fail)

    def look(self, look: Look[T], done: Callable[[T], None]) -> None:
        """`ask`, unless the same was asked ahead a moment ago: then that answer counts."""
        ahead, self.visit.ahead = self.visit.ahead, None
        token = self._start_waiting()

        def arrived() -> None:
            if self.visit.awaiting is not token:
                return
            if ahead is None or ahead.failed:
                self._send(token, look.call, done, _not_dealt_with)
                return
            self._stop_waiting()
            done(ahead.answer)

        if ahead is None or ahead.about != look.about or not self._is_fresh(ahead):
            self._send(token, look.call, done, _not_dealt_with)
        elif ahead.is_over:
            arrived()
        else:
            ahead.ended = arrived

    def _is_fresh(self, ahead: AskedAhead) -> bool:
        return self.clock.ticks_s() - ahead.at_s <= FRESH_S

    def _start_waiting(self) -> object:
        token = object()
        self.visit.awaiting = token
        self.visit.awaiting_since_s = self.clock.ticks_s()
        return token

    def _send(
        self,
        token: object,
        call: Callable[[], T],
        done: Callable[[T], None],
        refused: Callable[[str, str | None], bool],
    ) -> None:
        def answered(result: T) -> None:
            if self.visit.awaiting is token:
                self._stop_waiting()
                done(result)

        def again() -> None:
            if self.visit.awaiting is token:
                self._send(token, call, done, refused)

        def failed(error: Exception) -> None:
            if self.visit.awaiting is not token:
                return
            if isinstance(error, ServerAway):
                self.visit.reconnecting = True
                self.run_later(RETRY_AFTER_S, again)
                return
            self._stop_waiting()
            self._refused(error, refused)

        self.worker.submit(call, done=answered, failed=failed)

    def _stop_waiting(self) -> None:
        self.tally.note_time(STEP_AT.get(self.visit.screen), self.waited_s())
        self.visit.awaiting = None
        self.visit.reconnecting = False
        self.touched_s = self.clock.ticks_s()

    def _refused(self, error: Exception, refused: Callable[[str, str | None], bool]) -> None:
        match error:
            case ServerRefused():
                if refused(error.problem_code, error.message_key):
                    return
                self.fail(trouble_for(error.problem_code))
            case _:
                # An error of ours too: the patient is told where help is, the log what it was.
                code = error.code if isinstance(error, GatewayError) else type(error).__name__
                _log.error("%s code=%s", KioskEvent.REPLY_REFUSED, code)
                self.fail(Trouble(happened=OUR_FAULT, do="trouble.staff"))

    def run_later(self, delay_s: float, run: Callable[[], None]) -> None:
        """Within this visit only."""
        self.later.append(Later(at_s=self.clock.ticks_s() + delay_s, run=run))

    def run_due(self) -> bool:
        now = self.clock.ticks_s()
        due = [job for job in self.later if job.at_s <= now]
        self.later = [job for job in self.later if job.at_s > now]
        for job in due:
            job.run()
        return bool(due)


def new_key() -> str:
    """Names one intent; random, so no two kiosks ever choose the same."""
    return uuid.uuid4().hex


def trouble_for(problem_code: str) -> Trouble:
    """What to say about a refusal of the server, and where trying again leads."""
    return _TROUBLES.get(problem_code, Trouble(happened=OUR_FAULT, do="trouble.staff"))


def _choose_again(happened: str) -> Trouble:
    return Trouble(happened=happened, do="trouble.choose_other", again=Screen.DEPARTMENT)


_TROUBLES = {
    "notice_required": Trouble(happened="trouble.expired", do="trouble.restart"),
    "visit_not_found": Trouble(
        happened="trouble.old_ticket", do="trouble.other_card", again=Screen.SCAN
    ),
    "rate_limited": Trouble(happened=OUR_FAULT, do="trouble.too_often"),
    "scan_expired": Trouble(happened="trouble.expired", do="trouble.scan_again", again=Screen.SCAN),
    "service_full": _choose_again("trouble.full"),
    "slot_taken": _choose_again("trouble.full"),
    "service_closed": _choose_again("trouble.closed"),
    "not_for_this_person": _choose_again("trouble.not_for_you"),
    "return_not_allowed": Trouble(happened="trouble.no_return", do="trouble.to_desk"),
    "change_not_allowed": Trouble(happened="trouble.no_change", do="trouble.staff"),
    "move_not_allowed": Trouble(happened="trouble.no_change", do="trouble.staff"),
    "person_needs_staff": Trouble(happened="trouble.see_staff", do="trouble.staff"),
    "fee_changed": Trouble(
        happened="trouble.fee_changed", do="trouble.fees_again", again=Screen.PAY_BILLS
    ),
    "being_paid": Trouble(
        happened="trouble.being_paid", do="trouble.fees_again", again=Screen.PAY_BILLS
    ),
    "his_unavailable": Trouble(happened="trouble.fees_unread", do="trouble.to_cashier"),
    "appointment_not_due": Trouble(happened="trouble.not_due", do="trouble.staff"),
}
