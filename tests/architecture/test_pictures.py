"""Documents show the pages that exist, and the pictures they show exist."""

from __future__ import annotations

import re
from pathlib import Path

from flask import Flask

from backend.web import staff

ROOT = Path(__file__).parents[2]
PICTURES = ROOT / "docs" / "pictures"
MOST_BYTES = 6_000_000
DOCUMENTS = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]
_LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")

NO_PAGES = {
    "/",
    "/staff/announcements/<announcement_id>/sound.wav",
    "/staff/callback",
    "/staff/fleet/<kiosk_id>/live",
    "/staff/fleet/<kiosk_id>/orders/<order_id>/file",
    "/staff/fleet/live",
    "/staff/help/live",
    "/staff/language/<code>",
    "/staff/alerts/live",
    "/staff/outbox/live",
    "/staff/payments/days/<day>/figures.<any(csv,xlsx):form>",
    "/staff/payments/held/live",
    "/staff/payments/live",
    "/staff/payments/reconcile/<reconciliation_id>/report.<any(csv,xlsx):form>",
    "/staff/payments/shifts/<shift_id>/figures.<any(csv,xlsx):form>",
    "/staff/reports",
    "/staff/reports/<any(day,week,month,quarter,year):span>/<day>/figures.<any(csv,xlsx):form>",
    "/staff/rooms/<room_id>/shell",
    "/staff/rooms/worker.js",
    "/staff/session",
    "/staff/settings/settings.json",
    "/staff/setup",
    "/staff/sso",
    "/staff/sso/callback",
}
"""Answers to scripts and turns on the way: nobody looks at them."""


def test_every_link_of_a_document_leads_somewhere() -> None:
    broken = [
        f"{path.relative_to(ROOT)}: {target}"
        for path in DOCUMENTS
        for target in _LINK.findall(path.read_text(encoding="utf-8"))
        if "://" not in target and not (path.parent / target).exists()
    ]
    assert broken == []


def test_every_picture_is_shown_somewhere_and_all_are_small() -> None:
    text = "".join(path.read_text(encoding="utf-8") for path in DOCUMENTS)
    pictures = sorted(PICTURES.glob("*.png"))
    assert [each.name for each in pictures if f"pictures/{each.name})" not in text] == []
    assert 0 < sum(each.stat().st_size for each in pictures) < MOST_BYTES


def test_every_page_of_staff_has_a_line_and_a_picture() -> None:
    lines = (ROOT / "docs" / "pages.md").read_text(encoding="utf-8").splitlines()
    shown = {
        line.split("`")[1] for line in lines if line.startswith("| `") and "](pictures/" in line
    }
    app = Flask("pages", static_folder=None)
    for blueprint in staff.BLUEPRINTS:
        app.register_blueprint(blueprint)
    pages = {rule.rule for rule in app.url_map.iter_rules() if "GET" in (rule.methods or set())}
    assert pages - NO_PAGES - shown == set()
