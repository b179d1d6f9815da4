"""One drawing per kind of view, and `lay_out`, which puts it between header and footer."""

from __future__ import annotations

from kiosk_ui.screens.frame import lay_out

__all__ = ["lay_out"]
