"""Raises an alert for what is wrong with the service itself, and ends it when it is right again."""

from __future__ import annotations

from backend.services.raise_alert import clear_alert, raise_alert
from backend.services.resources import Resources
from backend.services.watch_server import watch


def watch_server(resources: Resources) -> int:
    """How many alerts began or ended. Writes nothing while all is as it was.

    Two workers at once: of the same alert one is the first. Raises StorageUnavailable.
    """
    watched, open_ = watch(resources)
    new = [found for found in watched.wrong if found not in open_]
    over = [each for each in open_ if each not in watched.wrong and watched.looked_at(*each)]
    if not new and not over:
        return 0
    with resources.database.write() as unit:
        changes = [
            raise_alert(unit, kind, subject=subject, detail=watched.wrong[kind, subject])
            for kind, subject in sorted(new)
        ]
        changes += [clear_alert(unit, kind, subject=subject) for kind, subject in sorted(over)]
    return sum(changes)
