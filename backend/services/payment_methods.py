"""The ways of paying that work now: configured, within their limits, and not away."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from sqlalchemy import Connection

from backend.domain.outbox import Breaker, CallGroup
from backend.errors import MethodUnavailable
from backend.services.remote_party import NoAnswer
from backend.services.resources import Resources
from backend.storage.parties import list_party_states
from payments.config_file import ProviderEntry
from payments.models import Money
from payments.ports import PaymentProvider

Answer = TypeVar("Answer")

PROVIDER_WAIT_S = 6.0
"""A patient stands there; what a provider says later is found by asking again."""


def party_of(provider: str) -> str:
    """The provider among all other systems whose answering is watched."""
    return f"pay:{provider}"


def name_payers(resources: Resources, language: str) -> dict[str, str]:
    """Party → what its way of paying is called."""
    return {
        party_of(entry.name): entry.label_vi if language == "vi" else entry.label_en
        for entry in resources.config.payments
    }


def list_methods(resources: Resources, connection: Connection) -> list[ProviderEntry]:
    """In the order of the settings."""
    away = find_away(connection, resources.database.facility_id)
    return [
        entry
        for entry in resources.config.payments
        if entry.offered and party_of(entry.name) not in away
    ]


def find_away(connection: Connection, facility_id: str) -> set[str]:
    """Parties that do not answer at the moment."""
    states = list_party_states(connection, facility_id=facility_id)
    return {
        state.party
        for state in states
        if state.call_group == CallGroup.READ and state.breaker != Breaker.CLOSED
    }


def method_to_json(resources: Resources, entry: ProviderEntry) -> dict[str, Any]:
    features = resources.providers[entry.name].features()
    return {
        "name": entry.name,
        "kind": features.kind.value,
        "label": {"vi": entry.label_vi, "en": entry.label_en},
        "min_vnd": features.min_vnd,
        "max_vnd": features.max_vnd,
    }


def find_entry(resources: Resources, name: str) -> ProviderEntry | None:
    return next((entry for entry in resources.config.payments if entry.name == name), None)


def get_method(resources: Resources, name: str, amount: Money) -> PaymentProvider:
    """Raises MethodUnavailable for one that is not offered, is away, or takes other amounts."""
    with resources.database.read() as connection:
        offered = {entry.name for entry in list_methods(resources, connection)}
    if name not in offered:
        raise MethodUnavailable
    provider = resources.providers[name]
    features = provider.features()
    if not features.min_vnd <= amount.amount_vnd <= features.max_vnd:
        raise MethodUnavailable("this way of paying takes other amounts")
    return provider


def ask_provider(
    resources: Resources, name: str, question: Callable[[PaymentProvider], Answer], *, wait_s: float
) -> Answer:
    """Puts a question to a provider that may hang. Raises NoAnswer when nothing came in time (it
    may have been done), and what of PaymentError says something about the question.
    """
    provider = resources.providers[name]
    pending = resources.provider_parties[name].ask(lambda: question(provider))
    if not pending.was_put:
        raise NoAnswer
    return pending.wait(wait_s)
