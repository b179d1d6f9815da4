"""A kiosk in kiosk mode on a real X display, for `test_no_way_out.py`: prints what it is asked."""

from __future__ import annotations

import sys

from kiosk_ui.app import WindowConfig, show
from kiosk_ui.presenters.views import Action
from tests.factories.frames import make_frames
from tests.factories.window import StillKiosk


class TalkingKiosk(StillKiosk):
    def act(self, action: Action) -> None:
        print(action.name, action.value, flush=True)

    def tick(self) -> bool:
        if self.ticks == 2:
            print("ready", flush=True)
        return super().tick()


if __name__ == "__main__":
    kiosk = TalkingKiosk(make_frames("vi")["welcome"])
    sys.exit(show(kiosk, WindowConfig(width_px=1080, height_px=1920, locked=True)))
