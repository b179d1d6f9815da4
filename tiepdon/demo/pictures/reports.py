"""Reports of a day and a month."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tiepdon.demo.hall import Hall
from tiepdon.demo.past import bring_past
from tiepdon.demo.pictures.picture import DESK, DESK_LONG, Picture, press

if TYPE_CHECKING:
    from playwright.sync_api import Page


def list_pictures(hall: Hall) -> list[Picture]:
    """Two months behind us; the newest day that is over, and its month."""
    newest = bring_past(hall.server.database_url)
    month = Picture(
        name="report",
        path=f"/staff/reports/month/{newest.replace(day=1)}",
        account="chatluong",
        size=DESK_LONG,
        ready=".tiles",
    )
    return [
        month,
        month.in_english(),
        replace(month, name="report-rooms", prepare=lambda page: _scroll_to(page, "#room_hours")),
        replace(month, name="report-touch", prepare=lambda page: _scroll_to(page, "#touch")),
        replace(month, name="report-day", path=f"/staff/reports/day/{newest}"),
        replace(
            month,
            name="report-sign",
            path=f"/staff/reports/day/{newest}",
            size=DESK,
            prepare=_sign_report,
        ),
    ]


def _scroll_to(page: Page, selector: str) -> None:
    page.locator(selector).evaluate("each => each.scrollIntoView()")


def _sign_report(page: Page) -> None:
    press("#sign button", shows="#sign p")(page)
    _scroll_to(page, "#sign")
