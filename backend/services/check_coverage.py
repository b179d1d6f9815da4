"""What the insurance says, as far as a patient may wait for it.

The insurer's own gateway is asked where there is one, otherwise the HIS. Silence and faults give
a provisional visit, never a refusal (NĐ 188/2025/NĐ-CP Điều 38 khoản 2: when the look-up fails
the hospital receives the patient and looks up later), and leave evidence.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from backend.domain.coverage_evidence import STILL_OPEN, Problem
from backend.domain.ids import new_id
from backend.domain.scan import CardFacts, CoverageFacts, PersonFacts
from backend.services.remote_party import NoAnswer, PendingAnswer
from backend.services.resources import Resources
from his_adapter.errors import HisError, NotSupported
from his_adapter.models import (
    BirthDate,
    Coverage,
    CoverageOutcome,
    CoverageQuery,
    Exchange,
    Gender,
    Identifier,
    IdentifierKind,
)

LATER = CoverageFacts(outcome=CoverageOutcome.LATER.value)
NO_COVERAGE = CoverageFacts(outcome=CoverageOutcome.NONE.value)
_INSURED_BY = (IdentifierKind.ID12, IdentifierKind.BHYT15, IdentifierKind.BHXH10)


@dataclass(kw_only=True, repr=False)
class Lookup:
    """A question that was put to whoever knows about cards, and what has come of it so far."""

    id: str
    party: str
    asked_at: datetime
    pending: PendingAnswer[Coverage]
    exchanges: list[Exchange] = field(default_factory=list)
    """What passed, the last one last; grows while the question is under way."""
    problem: Problem | None = None
    failure: str | None = None
    answer: Coverage | None = None

    @property
    def leaves_evidence(self) -> bool:
        """Not where the HIS cannot look cards up at all: then nothing has failed."""
        return self.problem is not None and self.failure != NotSupported.code

    def wait(self, within_s: float) -> Coverage | None:
        """None when it cannot be known in time; `problem` then says why."""
        try:
            self.answer = self.pending.wait(within_s)
        except NoAnswer as error:
            cause = error.__cause__
            self.failure = cause.code if isinstance(cause, HisError) else None
            is_put = self.pending.was_put
            self.problem = Problem.SILENT if is_put else Problem.NOT_ASKED
        except HisError as error:
            self.failure, self.problem = error.code, Problem.FAILED
        else:
            self.problem = Problem.UNCLEAR if self.answer.outcome in STILL_OPEN else None
        if self.problem is Problem.SILENT and self.exchanges and self.exchanges[-1].http_status:
            self.problem = Problem.FAILED
        return self.answer


def can_be_insured(identifiers: Sequence[Identifier]) -> bool:
    """Whether there is a number the insurer can be asked with."""
    return any(identifier.kind in _INSURED_BY for identifier in identifiers)


def identifiers_of(facts: PersonFacts) -> tuple[Identifier, ...]:
    return tuple(
        Identifier(kind=IdentifierKind(kind), value=number)
        for kind, number in facts.numbers.items()
    )


def coverage_query(facts: PersonFacts) -> CoverageQuery:
    return CoverageQuery(
        identifiers=identifiers_of(facts),
        full_name=facts.full_name,
        birth_date=BirthDate.from_iso(facts.birth_date) if facts.birth_date else None,
        gender=Gender(facts.gender) if facts.gender else None,
    )


def ask_insurer(
    resources: Resources, query: CoverageQuery, *, asked_by: str | None = None
) -> Lookup:
    """Asks in the background, for as long as the insurer's own time limit.

    `asked_by` is the kiosk or counter: another employee may answer for it there.
    """
    now = resources.database.clock()
    today = resources.catalogue.get().today(now)
    timeout_s = resources.config.coverage_timeout_s
    insurer, exchanges = resources.insurer, list[Exchange]()

    def ask() -> Coverage:
        if insurer is None:
            return resources.his.check_coverage(query, on=today, timeout_s=timeout_s)
        return insurer.check_card(
            query, on=today, timeout_s=timeout_s, asked_by=asked_by, witness=exchanges.append
        )

    return Lookup(
        id=new_id(),
        party=resources.config.insurer or "his",
        asked_at=now,
        pending=resources.insurer_party.ask(ask),
        exchanges=exchanges,
    )


def wait_for_coverage(lookup: Lookup, *, within_s: float) -> CoverageFacts:
    """Never raises: what cannot be known in time is known later."""
    answer = lookup.wait(within_s)
    return LATER if answer is None else coverage_facts(answer)


def coverage_facts(answer: Coverage) -> CoverageFacts:
    """Without card number and history; a fault of our own settings looks like `later`."""
    outcome = answer.outcome
    if outcome is CoverageOutcome.CONFIG_ERROR:
        outcome = CoverageOutcome.LATER
    return CoverageFacts(
        outcome=outcome.value,
        code=answer.code,
        valid_to=answer.valid_to.isoformat() if answer.valid_to else None,
        registered_here=answer.registered_here,
    )


def card_facts(answer: Coverage | None) -> CardFacts | None:
    """The card to use today, None when there is none."""
    if answer is None or answer.card_number is None:
        return None
    return CardFacts(
        number=answer.card_number,
        valid_from=answer.valid_from.isoformat() if answer.valid_from else None,
        valid_to=answer.valid_to.isoformat() if answer.valid_to else None,
        facility_code=answer.facility_code,
        five_years_on=answer.five_years_on.isoformat() if answer.five_years_on else None,
    )
