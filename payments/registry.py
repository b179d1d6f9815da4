"""The only door to providers: entry points `payments.providers`, loaded on demand."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from importlib.metadata import entry_points
from typing import Any, cast

from payments.config_file import ProviderEntry
from payments.errors import ProviderMisconfigured, UnknownProvider
from payments.ports import PaymentProvider

GROUP = "payments.providers"
Clock = Callable[[], datetime]
OpenProvider = Callable[..., PaymentProvider]
"""`open_provider(name, settings, *, clock)` of each provider's folder."""


def system_clock() -> datetime:
    return datetime.now(UTC)


def provider_names() -> tuple[str, ...]:
    """Kinds of providers installed here, in alphabetical order."""
    return tuple(sorted({entry.name for entry in entry_points(group=GROUP)}))


def open_provider(
    kind: str, name: str, settings: Mapping[str, Any], *, clock: Clock = system_clock
) -> PaymentProvider:
    """A provider of that kind under that name. Raises UnknownProvider, ProviderMisconfigured.

    Nothing is asked of the provider: whether it answers is for `check` to say.
    """
    for entry in entry_points(group=GROUP, name=kind):
        build = cast("OpenProvider", entry.load())
        return build(name, settings, clock=clock)
    raise UnknownProvider(f"no provider {kind!r}; installed: {', '.join(provider_names())}")


def open_providers(
    entries: tuple[ProviderEntry, ...], *, clock: Clock = system_clock
) -> dict[str, PaymentProvider]:
    """By name, in the order they are offered to patients. Raises as `open_provider`."""
    providers: dict[str, PaymentProvider] = {}
    for entry in entries:
        if entry.name in providers:
            raise ProviderMisconfigured(f"two providers are named {entry.name}")
        providers[entry.name] = open_provider(entry.kind, entry.name, entry.settings, clock=clock)
    return providers
