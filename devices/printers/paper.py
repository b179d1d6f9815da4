"""Which drawing belongs to which document."""

from __future__ import annotations

from PIL import Image

from devices.models import PrintDocument, ReceiptDocument
from devices.printers.receipts import render_receipt
from devices.printers.rendering import render


def draw(document: PrintDocument, *, width_px: int) -> Image.Image:
    """The picture of a document in mode "1". Raises ValueError for a width of no paper,
    FontMissing when the typeface is not installed.
    """
    if isinstance(document, ReceiptDocument):
        return render_receipt(document, width_px=width_px)
    return render(document, width_px=width_px)
