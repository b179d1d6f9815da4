"""The one widget of the kiosk: shows scenes, slides between them, turns taps into actions."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
from kivy.clock import Clock
from kivy.graphics import InstructionGroup, PopMatrix, PushMatrix, Translate
from kivy.uix.widget import Widget

from kiosk_ui.presenters.views import Action
from kiosk_ui.widgets.camera_preview import CameraPreview
from kiosk_ui.widgets.painter import Painter, make_sliding_group
from kiosk_ui.widgets.scene import Scene, Touch

SLIDE_S = 0.18
DEAF_S = 0.3
"""After a change of screen: the second tap of a double tap was not meant for what came."""
STUCK_S = 3.0
"""A finger down for longer, whose going up was perhaps never seen, no longer counts."""
TURN_DEG_PER_S = 300.0


class Glass(Widget):
    """What it does not draw is paper, the colour the window is cleared to."""

    def __init__(
        self,
        *,
        on_action: Callable[[Action], None],
        on_touched: Callable[[], None],
        on_pressed: Callable[[Action], None] = lambda _action: None,
        slide_s: float = SLIDE_S,
        **properties: object,
    ) -> None:
        super().__init__(**properties)
        self._on_action, self._on_touched, self._on_pressed = on_action, on_touched, on_pressed
        self._slide_s = slide_s
        self.scene: Scene | None = None
        self.calm = False
        """Nothing moves by itself (WCAG 2.3.1, and for those whom movement disturbs)."""
        self._chrome, self._overlay, self._pressed = (
            InstructionGroup(),
            InstructionGroup(),
            InstructionGroup(),
        )
        self._slides = InstructionGroup()
        self._content: InstructionGroup | None = None
        self._move: Translate | None = None
        self._leaving: tuple[InstructionGroup, Translate] | None = None
        self._slide_from = 0.0
        self._slide_left_s = 0.0
        self._painters: dict[str, Painter] = {}
        self._finger: tuple[object, Touch] | None = None
        self._holding = False
        self._down_s = self._deaf_until_s = 0.0
        self._place = Translate(*self.pos)
        self.canvas.add(PushMatrix())
        self.canvas.add(self._place)
        for group in (self._slides, self._chrome, self._overlay, self._pressed):
            self.canvas.add(group)
        self.canvas.add(PopMatrix())
        self.bind(pos=self._move_to)

    def _move_to(self, *_: object) -> None:
        self._place.x, self._place.y = self.pos

    def show(self, scene: Scene, *, slide: int = 0) -> None:
        """Draws a scene. `slide` 1: the content comes from the right, -1 from the left, 0 at once."""
        before, self.scene = self.scene, scene
        if before is None or before.chrome != scene.chrome:
            self._repaint("chrome", self._chrome, scene)
        if before is None or before.content != scene.content or slide:
            self._change_content(scene, slide)
        if before is None or before.overlay != scene.overlay:
            self._repaint("overlay", self._overlay, scene)
        self._pressed.clear()
        if slide and self._slide_s:
            self._deaf_until_s = time.monotonic() + DEAF_S
        if self._finger and scene.find_touch(self._finger[1].action) is None:
            self._finger = None

    def hold(self, *, holding: bool) -> None:
        """While it holds the button touched last stays pressed: what it leads to is on its way."""
        if self._holding and not holding and self._finger is None:
            self._pressed.clear()
        self._holding = holding

    def _repaint(self, layer: str, group: InstructionGroup, scene: Scene) -> None:
        group.clear()
        painter = Painter(group, int(self.height))
        painter.paint(getattr(scene, layer))
        self._painters[layer] = painter

    def _change_content(self, scene: Scene, slide: int) -> None:
        self._end_slide()
        outer, move, inner = make_sliding_group()
        painter = Painter(inner, int(self.height))
        painter.paint(scene.content)
        if before := self._painters.get("content"):
            for old, new in zip(before.previews, painter.previews, strict=False):
                new.take_over(old)
        self._painters["content"] = painter
        if self._content is not None and self._move is not None:
            if slide and self._slide_s and not self.calm:
                self._leaving = (self._content, self._move)
                self._slide_from = slide * self.width
                self._slide_left_s = self._slide_s
                move.x = self._slide_from
                Clock.schedule_interval(self._slide, 0)
            else:
                self._slides.remove(self._content)
        self._content, self._move = outer, move
        self._slides.add(outer)

    def _slide(self, elapsed_s: float) -> bool:
        self._slide_left_s -= elapsed_s
        if self._slide_left_s <= 0 or self._move is None or self._leaving is None:
            self._end_slide()
            return False
        left = (self._slide_left_s / self._slide_s) ** 3
        self._move.x = self._slide_from * left
        self._leaving[1].x = self._slide_from * (left - 1)
        return True

    def _end_slide(self) -> None:
        Clock.unschedule(self._slide)
        if self._leaving is not None:
            self._slides.remove(self._leaving[0])
            self._leaving = None
        if self._move is not None:
            self._move.x = 0

    @property
    def deaf(self) -> bool:
        """Taps do nothing for a moment: the screen has just changed."""
        return time.monotonic() < self._deaf_until_s

    @property
    def sliding(self) -> bool:
        return self._leaving is not None

    @property
    def previews(self) -> list[CameraPreview]:
        return [preview for painter in self._painters.values() for preview in painter.previews]

    def show_picture(self, picture: np.ndarray, now_s: float) -> None:
        """The camera's newest; the soft line moves with it, for a frame of its own costs as much."""
        for preview in self.previews:
            preview.show(picture)
            if not self.calm:
                preview.sweep(now_s)

    def animate(self, now_s: float) -> None:
        """Turns what turns. The angle follows from the time, so a late call does not jump."""
        if self.calm:
            return
        for painter in self._painters.values():
            for turn in painter.turning:
                turn.angle = -(now_s * TURN_DEG_PER_S) % 360

    def on_touch_down(self, touch: object) -> bool:
        """One finger counts: a second one while it is down is a palm or a sleeve."""
        x, y = touch.pos  # type: ignore[attr-defined]
        if not self.collide_point(x, y):
            return False
        self._on_touched()
        now_s = time.monotonic()
        if self._finger is not None and now_s - self._down_s > STUCK_S:
            self._finger = None
        if self._finger is None and not self.deaf:
            found = self._find(x, y)
            if found is not None:
                self._finger, self._down_s = (touch, found), now_s
                self._pressed.clear()
                Painter(self._pressed, int(self.height)).paint(found.pressed)
                self._on_pressed(found.action)
        return True

    def on_touch_up(self, touch: object) -> bool:
        if self._finger is None or self._finger[0] is not touch:
            return False
        _, element = self._finger
        self._finger = None
        x, y = touch.pos  # type: ignore[attr-defined]
        on_it = element.rect.has(x - self.x, self.height - y)
        if on_it:
            self._on_action(element.action)
        if not (on_it and self._holding):
            self._pressed.clear()
        return True

    def _find(self, x: float, y: float) -> Touch | None:
        if self.scene is None:
            return None
        for element in self.scene.tappable():
            if element.rect.has(x - self.x, self.height - y):
                return element
        return None
