"""A view cut in two: what it tells, and what a person does about it.

Upright they stand under each other; on a wide panel side by side; on a lowered screen what is
done moves to the lower two fifths and what is told stays above.
"""

from __future__ import annotations

from dataclasses import dataclass

from kiosk_ui.presenters.views import Phrase
from kiosk_ui.theme import colours, typeface
from kiosk_ui.widgets.controls import Draft, paragraph
from kiosk_ui.widgets.scene import Align, Block


@dataclass(frozen=True, kw_only=True)
class Space:
    """Widths at hand. `split`: telling and doing do not share a column."""

    draft: Draft
    tell_px: int
    do_px: int
    split: bool

    @property
    def wide(self) -> bool:
        """Room to do things beside each other."""
        return self.draft.panel.is_lowered


@dataclass(frozen=True, kw_only=True)
class Parts:
    """The two halves, each a column of blocks, and where the room left over goes."""

    tell: list[Block]
    do: list[Block]
    lead: float = 0.0
    """Share of the room left over that stays above, 0 for a list, more for a message."""


def headline(
    space: Space, title: Phrase, subtitle: Phrase | None, *, align: Align = "left"
) -> list[Block]:
    """The question of the screen and the line that helps to answer it."""
    draft, width = space.draft, space.tell_px
    blocks = [paragraph(draft, title, typeface.TITLE, width, align=align)]
    if subtitle and not draft.terse:
        blocks.append(
            paragraph(
                draft,
                subtitle,
                typeface.BODY,
                width,
                colour=colours.INK_SOFT,
                align=align,
                before_mm=2.5,
            )
        )
    return blocks
