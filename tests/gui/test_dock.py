"""The developers' panel beside the kiosk."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from kiosk_ui.devdock.panel import DockActions, DockPanel, DockRefusedError
from kiosk_ui.presenters.views import Action
from tests.factories.window import open_window

pytestmark = pytest.mark.gui


def actions(called: list[str], ticket: Path | None = None) -> DockActions:
    def call(name: str):
        return name, lambda: called.append(name)

    return DockActions(
        scans=[call("Nguyễn Thị Ngọc Ánh, căn cước"), call("thẻ bảo hiểm")],
        printer=[call(name) for name in ("ok", "paper out", "near end", "cover", "stall", "drop")],
        network=[call("cut"), call("restore")],
        insurance=[call("silent"), call("answers")],
        money=[call("pay"), call("twice")],
        last_ticket=lambda: ticket,
    )


def test_production_has_no_dock() -> None:
    open_window()
    with pytest.raises(DockRefusedError):
        DockPanel(actions([]), production=True)


def test_its_buttons_do_what_they_say_and_the_ticket_is_shown(tmp_path: Path) -> None:
    open_window()
    ticket = tmp_path / "ticket.png"
    Image.new("L", (576, 900), 255).save(ticket)
    called: list[str] = []
    panel = DockPanel(actions(called, ticket), production=False)
    panel.pos, panel.size = (1080, 0), (420, 1920)
    glass = panel.children[0]
    for button in list(glass.scene.tappable()):
        glass._on_action(button.action)
    assert len(called) == 14
    assert glass.scene.find_touch(Action("dock", "Máy in: paper out"))
    panel._show_ticket(0)
    assert panel._ticket.length() > 0
    kept = panel._ticket.children[-1]
    panel._show_ticket(0)
    assert panel._ticket.children[-1] is kept
