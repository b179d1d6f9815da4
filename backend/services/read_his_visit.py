"""What the HIS has of one visit now: remote calls only, outside any transaction."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar

from backend.domain.catalogue import Catalogue
from backend.services.apply_orders import SeenOrders
from his_adapter.models import Feature, Page, Ref
from his_adapter.ports import HisGateway

PAGE, LONGEST_PAGE = 50, 500
"""More orders than that on one day are not one person's."""

Item = TypeVar("Item")


def read_orders(
    his: HisGateway, catalogue: Catalogue, patient: str, *, since: datetime
) -> SeenOrders | None:
    """Orders and released results since then; None when the HIS lists no orders.

    Raises HisError.
    """
    if not catalogue.his_can(Feature.LIST_ORDERS):
        return None
    orders = _list_all(lambda limit: his.list_orders(Ref(patient), since, limit=limit))
    reports = None
    if orders and catalogue.his_can(Feature.LIST_REPORTS):
        reports = _list_all(lambda limit: his.list_reports(Ref(patient), since, limit=limit))
    return SeenOrders(orders=orders, reports=reports)


def _list_all(read: Callable[[int], Page[Item]]) -> tuple[Any, ...]:
    """The page as it is, asked for once more and longer when there is more."""
    page = read(PAGE)
    return page.items if page.complete else read(LONGEST_PAGE).items
