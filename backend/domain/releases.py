"""Which release a kiosk shall run: what is said of it alone wins, then its profile, then all."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Scope = Literal["kiosk", "profile", "all"]
SCOPES: tuple[Scope, ...] = ("kiosk", "profile", "all")
"""The narrower first."""
ReleaseState = Literal["installed", "rolled_back", "refused"]
STATES: tuple[ReleaseState, ...] = ("installed", "rolled_back", "refused")


@dataclass(frozen=True, kw_only=True)
class Target:
    scope: str
    name: str
    version: str


def choose_version(targets: Iterable[Target], *, kiosk_id: str, profile: str) -> str | None:
    """None: nobody decided, the kiosk stays as it is."""
    wanted = {("kiosk", kiosk_id): 0, ("profile", profile): 1, ("all", ""): 2}
    fitting = [each for each in targets if (each.scope, each.name) in wanted]
    if not fitting:
        return None
    return min(fitting, key=lambda each: wanted[each.scope, each.name]).version
