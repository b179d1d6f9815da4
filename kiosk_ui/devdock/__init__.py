"""Development only: a panel beside the kiosk that plays the world around it."""

from __future__ import annotations

import kiosk_ui.theme  # noqa: F401 - sets Kivy's environment before Kivy is imported
