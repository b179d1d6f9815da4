"""The gateway of the social insurance (Cổng tiếp nhận dữ liệu giám định BHYT) as an `Insurer`.

Calls leave from the hospital's server, whose address the gateway has to know; never from a kiosk.
"""

from __future__ import annotations

import hashlib
import logging
import secrets
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any, TypeVar

from his_adapter.bhxh.client import Account, BhxhClient, CardQuestion
from his_adapter.bhxh.config import BhxhConfig, read_config, read_password_md5
from his_adapter.bhxh.mapping import (
    USABLE,
    judge_stays,
    to_copayment,
    to_coverage,
    to_questions,
    to_receipt,
    to_stays,
)
from his_adapter.bhxh.transport import HttpReply, Transport
from his_adapter.errors import (
    BrokenReply,
    Forbidden,
    GatewayMisconfigured,
    HisError,
    LoginFailed,
    Throttled,
    Unavailable,
)
from his_adapter.events import HisEvent
from his_adapter.models import (
    Copayment,
    Coverage,
    CoverageOutcome,
    CoverageQuery,
    Exchange,
    Health,
    HealthState,
    PastStay,
    SubmissionReceipt,
    WriteKey,
)
from his_adapter.ports import Witness

MAX_EVIDENCE_BYTES = 16_384
_MAX_CARD_CALLS = 3
_MAX_REMEMBERED = 5_000
_NOT_FOUND = frozenset({"050", "051"})
_BIRTH_DATE_WRONG = "070"
_OLD_CARD = "003"
_NEEDS_TECHNICIAN = (LoginFailed, GatewayMisconfigured, Forbidden)

_log = logging.getLogger(__name__)

Result = TypeVar("Result")


def open_insurer(settings: Mapping[str, Any]) -> BhxhInsurer:
    """Raises GatewayMisconfigured; asks nothing yet."""
    config = read_config(settings)
    return BhxhInsurer(config, password_md5=read_password_md5(config))


class BhxhInsurer:
    def __init__(
        self,
        config: BhxhConfig,
        *,
        password_md5: str,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        ticks: Callable[[], float] = time.monotonic,
    ) -> None:
        self._config = config
        self._outcomes = config.outcome_table()
        self._clock = clock
        self._ticks = ticks
        self._client = BhxhClient(
            Transport(
                config.address,
                connect_timeout_s=config.connect_timeout_s,
                ca_file=config.ca_file,
            ),
            Account(
                username=config.account,
                password_md5=password_md5,
                facility_code=config.facility_code,
            ),
            clock=clock,
            ticks=ticks,
            history_as_form=config.history_as_form,
        )
        self._state = _State()
        self._good = _GoodAnswers()

    def health(self) -> Health:
        started_at = self._ticks()
        try:
            self._client.tokens.get(timeout_s=2 * self._config.connect_timeout_s)
        except HisError as error:
            is_ours = isinstance(error, _NEEDS_TECHNICIAN)
            state = HealthState.DEGRADED if is_ours else HealthState.DOWN
            return Health(state=state, cause=error.code)
        cause = self._state.trouble
        return Health(
            state=HealthState.DEGRADED if cause else HealthState.OK,
            latency_ms=(self._ticks() - started_at) * 1000,
            cause=cause,
        )

    def close(self) -> None:
        """Forgets good answers; connections are not kept between calls."""
        self._good.forget()

    def check_card(
        self,
        query: CoverageQuery,
        *,
        on: date,
        timeout_s: float,
        asked_by: str | None = None,
        witness: Witness | None = None,
    ) -> Coverage:
        """A good answer is remembered for that person until the day is over."""
        give_up_at = self._ticks() + timeout_s
        questions = to_questions(query, self._config.employee_for(asked_by))
        known = self._good.find(questions[0], on)
        if known is not None:
            return known
        coverage = self._check(questions, query, on, give_up_at, witness)
        if coverage.outcome in USABLE and self._config.look_elsewhere:
            coverage = self._look_elsewhere(coverage, questions[0], give_up_at)
        if coverage.outcome in USABLE:
            self._good.keep(questions[0], on, coverage)
        return coverage

    def history(
        self, query: CoverageQuery, *, timeout_s: float, asked_by: str | None = None
    ) -> tuple[PastStay, ...]:
        question = to_questions(query, self._config.employee_for(asked_by))[0]
        return self._noting(lambda: to_stays(self._client.history(question, timeout_s=timeout_s)))

    def copayment(self, query: CoverageQuery, *, on: date, timeout_s: float) -> Copayment:
        question = to_questions(query, self._config.employee)[0]
        document = self._noting(lambda: self._client.copayment(question, timeout_s=timeout_s))
        code = document.get("MaKetQua")
        if code == "400":
            raise BrokenReply("the insurer did not understand our question")
        if code == "401":
            raise LoginFailed("the insurer refuses our session")
        if code not in {"200", "204"}:
            raise Unavailable("the insurer could not look up co-payments")
        return to_copayment(document, on=on, base_salaries=self._config.base_salaries)

    def send_checkin(
        self, document: bytes, *, key: WriteKey, timeout_s: float
    ) -> SubmissionReceipt:
        receipt = to_receipt(
            self._noting(lambda: self._client.send_checkin(document, key=key, timeout_s=timeout_s))
        )
        if receipt.code == "401":
            self._state.note_refusal("401")
            raise LoginFailed("the insurer refuses our session")
        if receipt.code == "403":
            self._state.note_refusal("403")
            raise Forbidden("the insurer takes no files of this facility from our account")
        return receipt

    # --- one card ----------------------------------------------------------------------------

    def _check(
        self,
        questions: list[CardQuestion],
        query: CoverageQuery,
        on: date,
        give_up_at: float,
        witness: Witness | None,
    ) -> Coverage:
        """The first answer, or a second opinion where the letters say that one helps.

        An old card leads to the new one, a number that is not known to the next number, a birth
        date that differs to the year alone. A second opinion that fails changes nothing.
        """
        question, *others = questions
        document = self._ask(question, give_up_at, witness)
        coverage = self._judge(document, query, question, on)
        for _ in range(_MAX_CARD_CALLS - 1):
            again: CardQuestion | None = None
            if coverage.code == _OLD_CARD and coverage.card_number not in {None, question.number}:
                again = replace(question, number=coverage.card_number or "")
            elif coverage.code in _NOT_FOUND and others:
                again = others.pop(0)
            elif coverage.code == _BIRTH_DATE_WRONG and "/" in question.birth_date:
                again = replace(question, birth_date=question.birth_date[-4:])
            if again is None:
                break
            try:
                document = self._ask(again, give_up_at, witness)
            except HisError:
                break
            second = self._judge(document, query, again, on)
            if second.outcome in USABLE and coverage.code == _OLD_CARD:
                return replace(second, outcome=CoverageOutcome.USE_NEW, code=_OLD_CARD)
            if second.outcome in USABLE or coverage.code in _NOT_FOUND:
                coverage = second
            question = again
            if coverage is not second:
                break
        self._note_code(coverage)
        return coverage

    def _judge(
        self, document: Mapping[str, Any], query: CoverageQuery, question: CardQuestion, on: date
    ) -> Coverage:
        return to_coverage(
            document,
            query,
            number=question.number,
            on=on,
            own_codes=self._config.own_codes,
            checked_at=self._clock(),
            outcomes=self._outcomes,
        )

    def _ask(
        self, question: CardQuestion, give_up_at: float, witness: Witness | None
    ) -> dict[str, Any]:
        """One question, witnessed whatever becomes of it."""
        asked_at = self._clock()
        seen: list[tuple[HttpReply, str | None]] = []
        failure: str | None = None
        try:
            return self._noting(
                lambda: self._client.check_card(
                    question,
                    timeout_s=give_up_at - self._ticks(),
                    on_reply=lambda reply, code: seen.append((reply, code)),
                )
            )
        except HisError as error:
            failure = error.code
            raise
        finally:
            if witness is not None:
                reply, code = seen[-1] if seen else (None, None)
                witness(
                    Exchange(
                        asked_at=asked_at,
                        answered_at=self._clock() if reply is not None else None,
                        http_status=reply.status if reply is not None else None,
                        code=code,
                        failure=failure,
                        answer=reply.body[:MAX_EVIDENCE_BYTES] if reply is not None else b"",
                        answer_sha256=hashlib.sha256(reply.body).hexdigest()
                        if reply is not None
                        else None,
                    )
                )

    def _look_elsewhere(
        self, coverage: Coverage, question: CardQuestion, give_up_at: float
    ) -> Coverage:
        """The card is good whatever becomes of this second question."""
        try:
            stays = to_stays(self._client.history(question, timeout_s=give_up_at - self._ticks()))
        except HisError:
            return coverage
        found = judge_stays(stays, own_codes=self._config.own_codes, now=self._clock())
        if found is None:
            return coverage
        return replace(coverage, outcome=CoverageOutcome.OK_DESK_NOTE, stays=found)

    # --- the state of the line ---------------------------------------------------------------

    def _noting(self, call: Callable[[], Result]) -> Result:
        try:
            result = call()
        except (Unavailable, Throttled, BrokenReply) as error:
            self._state.note_lost(error.code)
            raise
        except _NEEDS_TECHNICIAN as error:
            self._state.note_refusal(error.code)
            raise
        self._state.note_answer()
        return result

    def _note_code(self, coverage: Coverage) -> None:
        if coverage.code not in self._outcomes:
            _log.warning(HisEvent.INSURER_CODE_UNKNOWN, extra={"code": coverage.code})
        if coverage.outcome is CoverageOutcome.CONFIG_ERROR:
            self._state.note_refusal(coverage.code)
        elif coverage.outcome is not CoverageOutcome.LATER:
            self._state.note_settled()


class _State:
    """Says once that something is wrong, and once that it is right again."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lost = False
        self._refusal: str | None = None

    @property
    def trouble(self) -> str | None:
        with self._lock:
            return self._refusal or ("transient" if self._lost else None)

    def note_lost(self, cause: str) -> None:
        with self._lock:
            if not self._lost:
                _log.warning(HisEvent.INSURER_LOST, extra={"cause": cause})
            self._lost = True

    def note_answer(self) -> None:
        with self._lock:
            if self._lost:
                _log.info(HisEvent.INSURER_RETURNED)
            self._lost = False

    def note_refusal(self, code: str) -> None:
        with self._lock:
            if self._refusal != code:
                _log.error(HisEvent.INSURER_REFUSES_US, extra={"code": code})
            self._refusal = code

    def note_settled(self) -> None:
        """A question was answered on its merits: account and employee are in order."""
        with self._lock:
            self._refusal = None


class _GoodAnswers:
    """Good answers of today. Who they are about is a digest with a salt of this process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._salt = secrets.token_bytes(32)
        self._day: date | None = None
        self._answers: dict[bytes, Coverage] = {}

    def find(self, question: CardQuestion, on: date) -> Coverage | None:
        with self._lock:
            return self._answers.get(self._key(question)) if self._day == on else None

    def keep(self, question: CardQuestion, on: date, coverage: Coverage) -> None:
        with self._lock:
            if self._day != on:
                self._day, self._answers = on, {}
            if len(self._answers) < _MAX_REMEMBERED:
                self._answers[self._key(question)] = coverage

    def forget(self) -> None:
        with self._lock:
            self._answers = {}

    def _key(self, question: CardQuestion) -> bytes:
        parts = (question.number, question.full_name, question.birth_date)
        return hashlib.blake2b("\0".join(parts).encode(), key=self._salt).digest()
