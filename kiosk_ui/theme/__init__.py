"""How the kiosk looks: colours, sizes in millimetres, typeface, icons."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

# Kivy reads these once, at its first import. It would otherwise take the command line for its
# own, take over logging and write into the home folder.
for _name, _value in {
    "KIVY_NO_ARGS": "1",
    "KIVY_NO_CONFIG": "1",
    "KIVY_NO_FILELOG": "1",
    "KIVY_NO_CONSOLELOG": "1",
    "KIVY_LOG_MODE": "PYTHON",
    "KIVY_TEXT": "sdl2",  # the pil provider cuts the top tone marks of Vietnamese letters
    "KIVY_WINDOW": "sdl2",
    "KCFG_GRAPHICS_MAXFPS": "0",  # the app's own loop rests until there is news
    "KIVY_HOME": str(Path(tempfile.gettempdir()) / f"tiepdon-kivy-{os.getuid()}"),
}.items():
    os.environ.setdefault(_name, _value)
