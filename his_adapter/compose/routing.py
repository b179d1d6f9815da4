"""References that pass between members: pure.

`read` and `write` share the references of one HIS, which pass through as they are. Results of
other members get the name of their member in front (`pacs!…`), so that a part is asked where it
was listed. People of a member that knows them by a number are asked for by that number.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from his_adapter.errors import BrokenReply
from his_adapter.models import Health, HealthState, Order, Ref, Report

_MARK = "!"
_STATES = (HealthState.OK, HealthState.DEGRADED, HealthState.DOWN)


def of_member(member: str, ref: Ref) -> Ref:
    return Ref(f"{member}{_MARK}{ref}")


def split_ref(ref: Ref, members: Iterable[str]) -> tuple[str | None, Ref]:
    """The member named in front, if it is one of these; else None and the reference as it is."""
    name, mark, rest = ref.partition(_MARK)
    return (name, Ref(rest)) if mark and name in set(members) else (None, ref)


def foreign_report(
    report: Report, member: str, *, asked: Ref, patient: Ref, order: Order | None = None
) -> Report:
    """A result of a member with people of its own, as one of ours, of that order of ours.

    Orders and visits of that member say nothing here. Raises BrokenReply for another person's.
    """
    if report.patient != asked:
        raise BrokenReply(f"{member} answered about another patient")
    return replace(
        report,
        ref=of_member(member, report.ref),
        patient=patient,
        order=None if order is None else order.ref,
        visit=None if order is None else order.visit,
    )


def foreign_order(order: Order, member: str, *, asked: Ref, patient: Ref) -> Order:
    """Raises BrokenReply for another person's."""
    if order.patient != asked:
        raise BrokenReply(f"{member} answered about another patient")
    return replace(order, ref=of_member(member, order.ref), patient=patient, visit=None)


def worst(healths: Iterable[tuple[str, Health]]) -> Health:
    """The worst state of all, the longest latency, and who is the cause."""
    by_member = list(healths)
    state = max((health.state for _, health in by_member), key=_STATES.index)
    causes = [
        f"{name}: {health.cause or health.state}"
        for name, health in by_member
        if health.state is not HealthState.OK
    ]
    latencies = [h.latency_ms for _, h in by_member if h.latency_ms is not None]
    skews = [h.clock_skew_s for _, h in by_member if h.clock_skew_s is not None]
    return Health(
        state=state,
        latency_ms=max(latencies, default=None),
        clock_skew_s=max(skews, key=abs, default=None),
        cause="; ".join(causes) or None,
    )
