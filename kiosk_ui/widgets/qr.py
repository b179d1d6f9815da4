"""A QR code as modules, and how large they have to be for a phone. Pure."""

from __future__ import annotations

import math
from typing import Literal, cast

import numpy as np
import qrcode
from numpy.typing import NDArray
from qrcode.util import QRData

from kiosk_ui.theme.metrics import Panel

QUIET_MODULES = 4
"""White on each side (ISO/IEC 18004)."""
AS_BYTES: Literal[4] = 4
"""Mode indicator of ISO/IEC 18004."""
LEAST_MODULE_MM = 0.8
"""A cheap phone at arm's length reads it."""


def make_modules(data: str) -> NDArray[np.uint8]:
    """1 where it is dark; the quiet zone is part of it."""
    try:
        return _modules(data)
    except ValueError:
        # The library cannot divide by a block of zeros, such as 500 times the digit 0 packed as
        # digits; as bytes there is no such block.
        return _modules(QRData(data, mode=AS_BYTES))


def _modules(data: str | QRData) -> NDArray[np.uint8]:
    # A fixed mask: any is readable, and trying all eight takes longer than a frame may.
    code = qrcode.QRCode(
        border=QUIET_MODULES,
        error_correction=qrcode.constants.ERROR_CORRECT_M,
        mask_pattern=2,
    )
    code.add_data(data)
    code.make(fit=True)
    return np.array(code.get_matrix(), dtype=np.uint8)


def least_side_px(data: str, panel: Panel) -> int:
    """The side, quiet zone included, at which no module is smaller than it may be."""
    module_px = math.ceil(LEAST_MODULE_MM * panel.px_per_mm)
    return module_px * cast("int", make_modules(data).shape[0])
