"""Style, scripts and typeface of the pages. No other host is ever asked for anything."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from flask import Blueprint, Response, send_from_directory

from backend.web.api import public
from backend.web.problems import AddressNotFound

FONTS = ("400Regular.ttf", "600SemiBold.ttf", "800ExtraBold.ttf")
_STATIC = Path(__file__).parent / "static"
_FILES = frozenset(path.name for path in _STATIC.iterdir() if path.suffix in {".css", ".js"})

blueprint = Blueprint("assets", __name__, url_prefix="/assets")


@blueprint.get("/<name>")
@public
def asset(name: str) -> Response:
    if name not in _FILES:
        raise AddressNotFound
    return send_from_directory(_STATIC, name, max_age=300)


@blueprint.get("/fonts/<name>")
@public
def font(name: str) -> Response:
    """Be Vietnam Pro, where it is installed; the pages fall back to a font of the system."""
    if name not in FONTS:
        raise AddressNotFound
    return send_from_directory(font_folder(), f"BeVietnamPro_{name}", max_age=86_400)


def font_folder() -> Path:
    return Path(os.environ.get("TIEPDON_FONTS") or Path(sys.prefix) / "share/tiepdon/fonts")
