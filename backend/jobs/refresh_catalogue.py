"""Takes the catalogue from the HIS again and again; the last good copy stays in use meanwhile."""

from __future__ import annotations

from backend.events import Event
from backend.logging import log
from backend.services.resources import Resources
from backend.services.sync_catalogue import sync_catalogue
from his_adapter.errors import HisError


def refresh_catalogue(resources: Resources) -> bool:
    """False when the HIS did not answer: the copy keeps its date. Raises StorageUnavailable."""
    try:
        sync_catalogue(resources.database, resources.his)
    except HisError as error:
        log(Event.CATALOGUE_REFRESH_FAILED, code=error.code)
        return False
    return True
