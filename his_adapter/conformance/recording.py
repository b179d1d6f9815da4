"""Every call of the port as it went by: method, duration, outcome and our own key, nothing else."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

from his_adapter.errors import HisError
from his_adapter.models import Feature
from his_adapter.ports import HisGateway

RECORDED = frozenset({feature.value for feature in Feature} | {"capabilities", "health", "close"})


@dataclass(frozen=True, kw_only=True)
class PortCall:
    method: str
    duration_ms: float
    outcome: str
    """`ok`, or the code of the error."""
    key: str | None


class AdapterCrashed(Exception):
    """Something other than a HisError came out of the port: the adapter breaks the contract."""

    def __init__(self, method: str, kind: str) -> None:
        super().__init__(f"{method} let {kind} out")
        self.method = method
        self.kind = kind


class _Recorder:
    """Every method of the port, by delegation. An adapter's further methods are not seen here."""

    def __init__(self, gateway: HisGateway, record: Callable[[PortCall], None]) -> None:
        self._gateway = gateway
        self._record = record

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._gateway, name)
        if name not in RECORDED:
            return method

        def call(*args: Any, **options: Any) -> Any:
            started = time.monotonic()
            outcome = "crashed"
            try:
                result = method(*args, **options)
                outcome = "ok"
            except HisError as error:
                outcome = error.code
                raise
            except Exception as error:
                # Whatever else an adapter lets out is a finding, told without its text.
                raise AdapterCrashed(name, type(error).__name__) from error
            finally:
                self._record(
                    PortCall(
                        method=name,
                        duration_ms=round((time.monotonic() - started) * 1000, 1),
                        outcome=outcome,
                        key=options.get("key"),
                    )
                )
            return result

        return call


def recorded(gateway: HisGateway, record: Callable[[PortCall], None]) -> HisGateway:
    """The same gateway; `record` is told of each call after it, from whatever thread."""
    return cast("HisGateway", _Recorder(gateway, record))
