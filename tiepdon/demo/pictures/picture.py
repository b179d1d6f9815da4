"""What a picture of a page is, and what is pressed before many of them are taken."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import FilePayload, Page

DESK, DESK_TALL, DESK_LONG = (1280, 800), (1280, 1120), (1280, 1420)
DESK_FULL = (1280, 2020)
TABLET, TABLET_LONG = (1024, 768), (1024, 1240)
PHONE, PHONE_TALL, PHONE_LONG = (390, 844), (390, 1180), (390, 1760)
TV, TV_UPRIGHT = (1920, 1080), (1080, 1920)
LONGEST_MS = 60_000
"""No picture waits longer: within that time a page notices that its server is away."""


def nothing(_page: Page) -> None:
    """As it opens."""


@dataclass(frozen=True, kw_only=True)
class Picture:
    """One page: its address, who is signed in, on what screen, and what is pressed there.

    `ready` is a selector of what shows that the page is there.
    """

    name: str
    path: str
    ready: str
    account: str | None = None
    size: tuple[int, int] = DESK
    lang: str = "vi"
    prepare: Callable[[Page], None] = nothing

    @property
    def file(self) -> str:
        return f"{self.name}.png" if self.lang == "vi" else f"{self.name}.{self.lang}.png"

    def in_english(self) -> Picture:
        return replace(self, lang="en")


def press(button: str, *, shows: str | None = None) -> Callable[[Page], None]:
    """Presses the first such button and waits for what shows that it was taken."""

    def prepare(page: Page) -> None:
        page.locator(button).first.click()
        if shows is not None:
            page.wait_for_selector(shows, timeout=LONGEST_MS)

    return prepare


def fill_and_press(page: Page, fields: Mapping[str, str], button: str, *, shows: str) -> None:
    """`fields` are texts by the names of their fields."""
    for name, text in fields.items():
        page.fill(f"[name={name}]", text)
    press(button, shows=shows)(page)


def choose_file(page: Page, name: str, kind: str, content: bytes) -> None:
    file: FilePayload = {"name": name, "mimeType": kind, "buffer": content}
    page.set_input_files("[name=file]", file)


def cut_line(page: Page, *, shows: str) -> None:
    page.context.set_offline(True)
    page.wait_for_selector(shows, timeout=LONGEST_MS)
