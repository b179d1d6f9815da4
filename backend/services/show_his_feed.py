"""How well this server keeps in step with the HIS: for the people who look after computers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from backend.domain.catalogue import Catalogue
from backend.services.resources import Resources
from backend.storage.his_watch import count_unread, find_feed
from his_adapter.models import Feature


class Following(StrEnum):
    FEED = "feed"
    """The HIS tells of its changes."""
    TURNS = "turns"
    """It does not: open visits are read in turn."""
    OFF = "off"
    """It lists no orders: there is nothing to follow."""


@dataclass(frozen=True, kw_only=True)
class ShownFeed:
    """`lag_ms` is the 95th percentile of the last delays between a change there and its being
    applied here; `missing` are the methods of the port this HIS does not have.
    """

    following: Following
    answered_at: datetime | None
    away: bool
    last_error: str | None
    last_error_at: datetime | None
    lag_ms: int | None
    unread: int
    missing: Sequence[str]


def show_his_feed(resources: Resources) -> ShownFeed:
    """Raises StorageUnavailable."""
    catalogue = resources.catalogue.get()
    database = resources.database
    with database.read() as connection:
        feed = find_feed(connection, database.facility_id)
        unread = count_unread(connection, database.facility_id)
    lags = sorted(feed.lags_ms) if feed is not None else []
    return ShownFeed(
        following=_following(catalogue),
        answered_at=feed.answered_at if feed else None,
        away=feed is not None and feed.failures > 0,
        last_error=feed.last_error if feed else None,
        last_error_at=feed.last_error_at if feed else None,
        lag_ms=int(lags[min(len(lags) - 1, len(lags) * 95 // 100)]) if lags else None,
        unread=unread,
        missing=sorted(set(Feature) - (catalogue.his_features or set(Feature))),
    )


def _following(catalogue: Catalogue) -> Following:
    features = catalogue.his_features or frozenset()
    if Feature.LIST_ORDERS not in features:
        return Following.OFF
    return Following.FEED if Feature.CHANGES in features else Following.TURNS
