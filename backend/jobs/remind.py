"""Reminds of incidents and of requests about data before their time limits are over."""

from __future__ import annotations

from backend.services.keep_data_requests import remind_of_requests
from backend.services.keep_incidents import remind_of_incidents
from backend.services.resources import Resources


def remind(resources: Resources) -> int:
    """How many are due. Raises StorageUnavailable."""
    database = resources.database
    today = resources.catalogue.get().today(database.clock())
    return remind_of_incidents(database) + remind_of_requests(database, today=today)
