"""What the contract of adapters to a HIS is tried with."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from threading import Barrier
from typing import Any
from uuid import uuid4

from his_adapter.builtin.clinic import Clinic
from his_adapter.errors import HisError
from his_adapter.models import (
    BirthDate,
    Gender,
    Identifier,
    IdentifierKind,
    PatientDraft,
    PatientQuery,
    Ref,
    Slot,
    WriteKey,
)
from his_adapter.ports import HisGateway

MONDAY_MORNING = datetime(2026, 1, 5, 2, 0, tzinfo=UTC)  # 09:00 in Việt Nam
keys = (WriteKey(f"contract-{number:06d}") for number in count())
RACERS = 16


@dataclass(frozen=True, kw_only=True)
class Harness:
    """A gateway at `MONDAY_MORNING`, and the settings another process opens the same HIS with.

    `hourly` is a service whose hours can be booked, `walk_in` another one.
    """

    gateway: HisGateway
    name: str
    settings: Mapping[str, Any]
    hourly: Ref
    walk_in: Ref
    now: datetime = MONDAY_MORNING
    clinic: Clinic | None = None
    """The inside of the HIS, where the tests can reach it: places orders, releases results."""
    inside: Callable[[Ref], Ref] = field(default=lambda ref: ref)
    """What `clinic` calls the record that the gateway calls so."""


def draft(serial: int = 0, *, name: str = "Nguyễn Thị Đặng Ỷ", **fields: Any) -> PatientDraft:
    fields.setdefault(
        "identifiers",
        (Identifier(kind=IdentifierKind.ID12, value=f"099190{serial:06d}"),),
    )
    return PatientDraft(
        full_name=name,
        birth_date=BirthDate.from_iso("1990-02-28"),
        gender=Gender.FEMALE,
        **fields,
    )


def by_number(serial: int) -> PatientQuery:
    return PatientQuery(
        identifiers=(Identifier(kind=IdentifierKind.ID12, value=f"099190{serial:06d}"),)
    )


def race(job: Callable[[int], object]) -> Counter[str]:
    """What became of the job done by many at once: `ok` or the name of the error."""
    barrier = Barrier(RACERS)

    def run(racer: int) -> str:
        barrier.wait()
        try:
            job(racer)
        except HisError as error:
            return type(error).__name__
        return "ok"

    with ThreadPoolExecutor(RACERS) as pool:
        return Counter(pool.map(run, range(RACERS)))


def free_slots(harness: Harness, days: int = 1) -> tuple[Slot, ...]:
    start = harness.now
    page = harness.gateway.find_slots(
        harness.hourly, None, start, start + timedelta(days=days), limit=500
    )
    return page.items


def next_key() -> WriteKey:
    """From any thread: a generator must not be advanced by two at once."""
    return WriteKey(str(uuid4()))
