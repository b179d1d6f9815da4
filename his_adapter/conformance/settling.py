"""What a careful caller does on a line that should be calm: a lost answer is looked up.

A busy machine drops a connection now and then; that is for the notes of the report, not a verdict
on the HIS. Cases about lost answers use gateways of their own.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from his_adapter.conformance.faulty import WRITES
from his_adapter.errors import OutcomeUnknown
from his_adapter.ports import HisGateway

_TRIES = 3


class _Settling:
    def __init__(self, gateway: HisGateway, lost: Callable[[str], None]) -> None:
        self._gateway = gateway
        self._lost = lost

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._gateway, name)
        if name not in WRITES:
            return method

        def call(*args: Any, **options: Any) -> Any:
            for _ in range(_TRIES - 1):
                try:
                    return method(*args, **options)
                except OutcomeUnknown:
                    self._lost(name)
                found = self._gateway.find_by_key(options["key"])
                if found is not None:
                    return found
            return method(*args, **options)

        return call


def settling(gateway: HisGateway, lost: Callable[[str], None]) -> HisGateway:
    """The same gateway; `lost` is told of each write whose answer never came."""
    return cast("HisGateway", _Settling(gateway, lost))
