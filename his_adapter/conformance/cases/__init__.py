"""All cases; importing this fills `CASES`."""

from his_adapter.conformance.cases import (
    catalogue,
    faults,
    money,
    people,
    results,
    security,
    slots,
    visits,
)

__all__ = ["catalogue", "faults", "money", "people", "results", "security", "slots", "visits"]
