"""What the ids in figures are called, and what belongs together."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class Names:
    """What ids are called. Those that are gone from the catalogue keep their id."""

    rooms: Mapping[str, str] = field(default_factory=dict)
    services: Mapping[str, str] = field(default_factory=dict)
    kiosks: Mapping[str, str] = field(default_factory=dict)
    clinics: Mapping[str, str] = field(default_factory=dict)
    """Room to the clinic it belongs to."""
    sensitive_rooms: AbstractSet[str] = frozenset()
    sensitive_services: AbstractSet[str] = frozenset()
    service_rooms: Mapping[str, AbstractSet[str]] = field(default_factory=dict)
    service_kinds: Mapping[str, str] = field(default_factory=dict)

    def find_foreign_services(self, own_rooms: AbstractSet[str]) -> frozenset[str]:
        """Sensitive ones that none of these rooms takes people for."""
        return frozenset(
            service
            for service in self.sensitive_services
            if own_rooms.isdisjoint(self.service_rooms.get(service, ()))
        )
