"""Beside the kiosk's glass: feed a scan, steer the printer, cut the network, see the ticket."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from kivy.clock import Clock
from kivy.core.image import Image as CoreImage
from kivy.graphics import Color, InstructionGroup, Rectangle
from kivy.uix.widget import Widget

from kiosk_ui.presenters.views import Action, Choice, Phrase, Tone
from kiosk_ui.theme import colours, typeface
from kiosk_ui.theme.metrics import Panel
from kiosk_ui.widgets.controls import Draft, command, paragraph
from kiosk_ui.widgets.glass import Glass
from kiosk_ui.widgets.scene import Block, Rect, Scene, beside, get_height, stack

TICKET_LOOK_S = 0.5
COLUMNS = 3
PX_PER_MM = (4.0, 3.5, 3.0, 2.6, 2.3, 2.0, 1.8)
"""The dock is drawn for a monitor on a desk, not for the kiosk's panel: as large as it fits."""
TICKET_SHARE = 0.3
"""Of the height, left for the ticket."""
SCALE = 0.7


class DockRefusedError(RuntimeError):
    """The dock is for development; a production kiosk does not have one."""


@dataclass(frozen=True, kw_only=True)
class DockActions:
    """What the dock's buttons do: (label, what to call). `last_ticket` is the newest picture."""

    scans: Sequence[tuple[str, Callable[[], None]]]
    printer: Sequence[tuple[str, Callable[[], None]]]
    network: Sequence[tuple[str, Callable[[], None]]]
    insurance: Sequence[tuple[str, Callable[[], None]]]
    money: Sequence[tuple[str, Callable[[], None]]] = ()
    last_ticket: Callable[[], Path | None]


class DockPanel(Widget):
    """Raises DockRefusedError when told that this is production."""

    def __init__(self, actions: DockActions, *, production: bool, **properties: object) -> None:
        if production:
            raise DockRefusedError("no development dock in production")
        super().__init__(**properties)
        self._actions = actions
        self._calls: dict[Action, Callable[[], None]] = {}
        self._glass = Glass(on_action=self._call, on_touched=lambda: None, slide_s=0)
        self._ticket = InstructionGroup()
        self._ticket_rect = Rect(0, 0, 1, 1)
        self._shown: tuple[Path, float] | None = None
        self._ground = Rectangle()
        for instruction in (Color(*colours.QUIET), self._ground):
            self.canvas.before.add(instruction)
        self.add_widget(self._glass)
        self.canvas.after.add(self._ticket)
        self.bind(size=self._lay_out, pos=self._lay_out)
        Clock.schedule_interval(self._show_ticket, TICKET_LOOK_S)

    def _call(self, action: Action) -> None:
        self._calls[action]()

    def _lay_out(self, *_: object) -> None:
        for part in (self._glass, self._ground):
            part.pos, part.size = self.pos, self.size
        width, height = int(self.width), int(self.height)
        for px_per_mm in PX_PER_MM:
            draft = Draft(
                panel=Panel(width_px=width, height_px=height, width_mm=width / px_per_mm),
                scale=SCALE,
                floor_share=SCALE,
            )
            whole = Rect(0, 0, width, height).inset(draft.panel.px(4))
            blocks = self._sections(draft, whole.width)
            used = get_height(blocks) + draft.px(6)
            if used <= whole.height * (1 - TICKET_SHARE):
                break
        self._ticket_rect = Rect(whole.x, whole.y + used, whole.width, whole.height - used)
        self._glass.show(Scene(chrome=(), content=tuple(stack(blocks, whole))))

    def _sections(self, draft: Draft, width_px: int) -> list[Block]:
        actions = self._actions
        return [
            *self._section(draft, width_px, "Đưa mã", actions.scans),
            *self._section(draft, width_px, "Trả tiền", actions.money),
            *self._section(draft, width_px, "Máy in", actions.printer),
            *self._section(draft, width_px, "Mạng", actions.network),
            *self._section(draft, width_px, "Cổng bảo hiểm", actions.insurance),
        ]

    def _section(
        self,
        draft: Draft,
        width_px: int,
        title: str,
        buttons: Sequence[tuple[str, Callable[[], None]]],
    ) -> list[Block]:
        if not buttons:
            return []
        gap = draft.panel.px(2)
        cell = (width_px - gap * (COLUMNS - 1)) // COLUMNS
        heading = Phrase(key="", text=title)
        blocks = [paragraph(draft, heading, typeface.SMALL_BOLD, width_px, colour=colours.INK_SOFT)]
        made = [self._button(draft, title, name, call, cell) for name, call in buttons]
        blocks += [
            beside(made[i : i + COLUMNS], [cell] * len(made[i : i + COLUMNS]), gap)
            for i in range(0, len(made), COLUMNS)
        ]
        return [
            Block(
                height_px=block.height_px,
                draw=block.draw,
                before_px=gap if index else draft.px(6),
            )
            for index, block in enumerate(blocks)
        ]

    def _button(
        self, draft: Draft, title: str, name: str, call: Callable[[], None], width_px: int
    ) -> Block:
        action = Action("dock", f"{title}: {name}")
        self._calls[action] = call
        choice = Choice(action=action, label=Phrase(key="", text=name), tone=Tone.PLAIN)
        return command(draft, choice, width_px, style=typeface.SMALL_BOLD, least_mm=11)

    def _show_ticket(self, _: float) -> None:
        """The newest ticket below the buttons, as it came out of the printer."""
        file = self._actions.last_ticket()
        if file is None or not file.is_file():
            return
        state = (file, file.stat().st_mtime)
        if state == self._shown:
            return
        self._shown = state
        texture = CoreImage(str(file), nocache=True).texture
        room = self._ticket_rect
        share = min(room.width / texture.width, room.height / texture.height)
        size = (texture.width * share, texture.height * share)
        left = self.x + room.x + (room.width - size[0]) / 2
        bottom = self.height - room.y - size[1]
        self._ticket.clear()
        self._ticket.add(Color(1, 1, 1, 1))
        self._ticket.add(Rectangle(texture=texture, pos=(left, bottom), size=size))
