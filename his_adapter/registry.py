"""The only door to adapters: entry points, loaded on demand.

`his_adapter.gateways` holds the ways to a HIS, `his_adapter.insurers` those to an insurer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib.metadata import entry_points
from typing import Any, cast

from his_adapter.errors import UnknownGateway
from his_adapter.ports import HisGateway, Insurer

GROUP = "his_adapter.gateways"
INSURERS = "his_adapter.insurers"


def gateway_names() -> tuple[str, ...]:
    """Adapters installed here, in alphabetical order."""
    return tuple(sorted({entry.name for entry in entry_points(group=GROUP)}))


def open_gateway(name: str, settings: Mapping[str, Any]) -> HisGateway:
    """The adapter with that name, ready for calls.

    Raises UnknownGateway, or GatewayMisconfigured for settings the adapter cannot use; whether
    the HIS answers is for `health` to say.
    """
    for entry in entry_points(group=GROUP, name=name):
        build = cast("Callable[[Mapping[str, Any]], HisGateway]", entry.load())
        return build(settings)
    raise UnknownGateway(f"no adapter {name!r}; installed: {', '.join(gateway_names())}")


def insurer_names() -> tuple[str, ...]:
    """Insurers installed here, in alphabetical order."""
    return tuple(sorted({entry.name for entry in entry_points(group=INSURERS)}))


def open_insurer(name: str, settings: Mapping[str, Any]) -> Insurer:
    """As `open_gateway`, for the insurer with that name."""
    for entry in entry_points(group=INSURERS, name=name):
        build = cast("Callable[[Mapping[str, Any]], Insurer]", entry.load())
        return build(settings)
    raise UnknownGateway(f"no insurer {name!r}; installed: {', '.join(insurer_names())}")
