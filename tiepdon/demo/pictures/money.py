"""Pages of the cashier and the finance office."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from tiepdon.demo.hall import Hall
from tiepdon.demo.money import Story, bring_money
from tiepdon.demo.pictures.picture import DESK, DESK_LONG, DESK_TALL, Picture, choose_file, press

if TYPE_CHECKING:
    from playwright.sync_api import Page


def list_pictures(hall: Hall) -> list[Picture]:
    """Pages of the cashier and the finance office. The first one brings the money."""
    story: list[Story] = []

    def bring(page: Page) -> None:
        story.append(bring_money(hall.server.database_url))
        page.reload()

    def open_one(address: str) -> Callable[[Page], None]:
        def go(page: Page) -> None:
            if not story:
                bring(page)
            page.goto(address.format(**vars(story[0])))

        return go

    cash = Picture(
        name="payments", path="/staff/payments", account="thungan", size=DESK_TALL, ready=".tabs"
    )
    office = replace(cash, account="ketoan")

    def reconcile(page: Page) -> None:
        open_one("/staff/payments/reconcile")(page)
        page.select_option("[name=provider]", "bidv")
        choose_file(page, "sao-ke.csv", "text/csv", story[0].statement)
        press("form[enctype] button", shows=".facts.three")(page)

    return [
        replace(cash, prepare=bring),
        replace(cash, prepare=open_one("/staff/payments")).in_english(),
        replace(cash, name="payments-list", prepare=open_one("/staff/payments/list")),
        replace(cash, name="payment", prepare=open_one("/staff/payments/{payment_id}")),
        replace(cash, name="held-money", prepare=open_one("/staff/payments/held")),
        replace(
            cash,
            name="held-item",
            size=DESK_LONG,
            prepare=open_one("/staff/payments/held/{unknown_id}"),
        ),
        replace(office, name="refunds", prepare=open_one("/staff/payments/refunds")),
        replace(cash, name="refund-by-hand", prepare=open_one("/staff/payments/refunds")),
        replace(cash, name="shift", prepare=open_one("/staff/payments/shifts/{shift_id}")),
        replace(office, name="money-days", size=DESK, prepare=open_one("/staff/payments/days")),
        replace(office, name="reconciliation", prepare=reconcile),
        replace(office, name="reconcile", prepare=open_one("/staff/payments/reconcile")),
        replace(
            office,
            name="money-day",
            size=DESK_LONG,
            prepare=open_one("/staff/payments/days/{yesterday}"),
        ),
    ]
