"""Pages for staff, below /staff. A module per page; each tells `home` of its card."""

from __future__ import annotations

from backend.web.staff import (
    alerts,
    announcements,
    calling_words,
    checkins,
    displays,
    fleet,
    head,
    held_money,
    home,
    login,
    money_days,
    outbox,
    password,
    payments,
    reception,
    reconciliations,
    refunds,
    rooms,
    second_factor,
    single_sign_on,
)
from backend.web.staff import help as help_page

BLUEPRINTS = (
    login.blueprint,
    password.blueprint,
    second_factor.blueprint,
    single_sign_on.blueprint,
    home.blueprint,
    help_page.blueprint,
    displays.blueprint,
    fleet.blueprint,
    rooms.blueprint,
    head.blueprint,
    reception.blueprint,
    checkins.blueprint,
    alerts.blueprint,
    outbox.blueprint,
    payments.blueprint,
    held_money.blueprint,
    refunds.blueprint,
    money_days.blueprint,
    reconciliations.blueprint,
    announcements.blueprint,
    calling_words.blueprint,
)
