"""What every part of the adapter has in hand, and how each finds its own writes again."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

from his_adapter.builtin.checks import MAX_LIMIT, checked_limit
from his_adapter.errors import BrokenReply, HisError
from his_adapter.fhir_r4.client import FhirClient, Params, SearchResult
from his_adapter.fhir_r4.config import FhirConfig
from his_adapter.fhir_r4.mapping.reading import Resource, identifiers_in, object_of, text_of
from his_adapter.models import Page

Clock = Callable[[], datetime]
Sleep = Callable[[float], None]
Item = TypeVar("Item")

WHOLE = MAX_LIMIT
"""A list that is read whole ends here."""


@dataclass(frozen=True, kw_only=True)
class Hospital:
    client: FhirClient
    config: FhirConfig
    clock: Clock
    sleep: Sleep = field(default=time.sleep)

    def search(self, kind: str, params: Params, *, limit: int = WHOLE) -> SearchResult:
        return self.client.search(kind, params, limit=limit)

    def with_key(self, kind: str, key: str) -> tuple[Resource, ...]:
        """Records of that kind which our key made or changed, the earliest first."""
        system = self.config.system("request_key")
        found = self.search(kind, [("identifier", f"{system}|{key}")], limit=20).matches
        # A server that forgets a parameter it does not know gives everything.
        if any(key not in identifiers_in(resource, system) for resource in found):
            raise BrokenReply(f"a search for a key gave another {kind}")
        return earliest_first(found)

    def if_new(self, key: str) -> str:
        return f"identifier={self.config.system('request_key')}|{key}"

    def carries(self, resource: Resource, key: str) -> bool:
        return key in identifiers_in(resource, self.config.system("request_key"))

    def undo(self, resource: Resource, *, key: str, instead: Resource | None = None) -> None:
        """Takes a record back that we made a moment ago: deleted, or marked as in `instead`."""
        kind, ref = resource["resourceType"], resource["id"]
        try:
            self.client.delete(kind, ref, key=key)
        except HisError:
            if instead is None:
                raise
            self.client.update(instead, version=None, key=key)


def earliest_first(resources: Iterable[Resource]) -> tuple[Resource, ...]:
    """The same order for everybody who asks: it decides who was first."""
    return tuple(
        sorted(
            resources,
            key=lambda item: (
                text_of(object_of(item.get("meta")).get("lastUpdated")),
                str(item.get("id")),
            ),
        )
    )


def page_of(items: Sequence[Item], limit: int, *, complete: bool = True) -> Page[Item]:
    checked_limit(limit)
    return Page(items=tuple(items[:limit]), complete=complete and len(items) <= limit)
