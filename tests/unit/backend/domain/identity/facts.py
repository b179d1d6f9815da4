"""Identities as plain data, so that a test can compare and show them."""

from __future__ import annotations

import dataclasses

from backend.domain.identity import BirthDate, Identity


def facts(identity: Identity) -> dict[str, object]:
    """Every value that is not empty; dates in ISO form."""
    values = {f.name: getattr(identity, f.name) for f in dataclasses.fields(identity)}
    return {name: _plain(value) for name, value in values.items() if value}


def _plain(value: object) -> object:
    if isinstance(value, BirthDate):
        return value.isoformat()
    if isinstance(value, tuple):
        return list(value)
    return value if isinstance(value, int) else str(value)
