"""Every picture of the pages, in the order it is taken."""

from __future__ import annotations

from tiepdon.demo.hall import Hall, play_morning
from tiepdon.demo.pictures import (
    accounts,
    desk,
    displays,
    fleet,
    head,
    his,
    money,
    notices,
    phones,
    reports,
    room,
    settings,
    trail,
)
from tiepdon.demo.pictures.picture import Picture

IN_DEMO = frozenset(
    {
        "board",
        "board-upright",
        "door",
        "room",
        "room-phone",
        "reception",
        "head",
        "fleet",
        "report",
    }
)
"""Enough to see what it is; the others take a minute more."""


def list_pictures(hall: Hall) -> list[Picture]:
    """After a morning has been played: what there is to see, in the order it is to be seen.

    Pages of those who only look come first; what changes the morning comes last.
    """
    play_morning(hall)
    desk.ask_for_help(hall)
    agent = desk.enrol_print_agent(hall)
    return [
        *displays.list_boards(hall),
        *phones.list_pictures(hall),
        *head.list_pictures(),
        *desk.list_help(),
        *room.list_pictures(hall),
        *desk.list_pictures(hall, agent),
        *head.list_log(),
        *accounts.list_home(),
        *displays.list_pictures(),
        *trail.list_pictures(),
        *accounts.list_pictures(),
        *notices.list_pictures(),
        *his.list_checkins(hall),
        *settings.list_pictures(),
        *reports.list_pictures(hall),
        *money.list_pictures(hall),
        *fleet.list_pictures(hall),
        *fleet.list_alerts(hall),
        # The HIS is away from here on.
        *his.list_outbox(hall),
    ]
