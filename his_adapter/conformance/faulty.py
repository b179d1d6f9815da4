"""Faults at the port itself, for adapters without a wire.

Nothing about a protocol is shown this way; that one key leaves one record is.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, cast

from his_adapter.errors import OutcomeUnknown, Unavailable
from his_adapter.models import Feature
from his_adapter.ports import HisGateway

WRITES = frozenset(
    {
        Feature.CREATE_PATIENT,
        Feature.UPDATE_PATIENT,
        Feature.MERGE_PATIENTS,
        Feature.SUBMIT_HISTORY,
        Feature.BOOK_APPOINTMENT,
        Feature.CHANGE_APPOINTMENT,
        Feature.CHECK_IN,
        Feature.CANCEL_VISIT,
        Feature.POST_PAYMENT,
        Feature.RECORD_CONSENT,
    }
)


class PortFaultKind(StrEnum):
    REFUSED = "refused"
    """Nothing was done."""
    ANSWER_LOST = "answer_lost"
    """Done, but the caller does not know."""


@dataclass(frozen=True, kw_only=True)
class PortFault:
    kind: PortFaultKind | None = None
    delay_s: float = 0.0


PortPlan = Callable[[str], PortFault | None]
"""From the name of the method to what befalls this call."""


class _Faulty:
    def __init__(self, gateway: HisGateway, plan: PortPlan) -> None:
        self._gateway = gateway
        self._plan = plan

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._gateway, name)
        if name not in set(Feature):
            return method

        def call(*args: Any, **options: Any) -> Any:
            fault = self._plan(name) or PortFault()
            time.sleep(fault.delay_s)
            if fault.kind is PortFaultKind.REFUSED:
                raise Unavailable("refused by the kit")
            result = method(*args, **options)
            if fault.kind is PortFaultKind.ANSWER_LOST and name in WRITES:
                raise OutcomeUnknown("lost by the kit", key=options["key"])
            return result

        return call


def faulty(gateway: HisGateway, plan: PortPlan) -> HisGateway:
    """The same gateway, to which happens what `plan` says."""
    return cast("HisGateway", _Faulty(gateway, plan))
