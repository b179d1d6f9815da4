"""What screens are made of: a scene as data, and the Kivy widgets that paint it."""

from __future__ import annotations

import kiosk_ui.theme  # noqa: F401 - sets Kivy's environment before Kivy is imported
