"""The stripe that says a paper is none."""

from __future__ import annotations

import numpy as np
import pytest

from devices.models import PaperMark, ReceiptDocument, TicketDocument
from devices.printers.marks import stripe
from devices.printers.receipts import render_receipt
from devices.printers.rendering import WIDTHS_PX, render
from tests.factories.receipts import receipt_json
from tests.factories.tickets import ticket_json


@pytest.mark.parametrize("width_px", WIDTHS_PX)
@pytest.mark.parametrize("mark", list(PaperMark))
def test_it_is_black_from_edge_to_edge_and_holds_its_words(mark: PaperMark, width_px: int) -> None:
    dots = np.asarray(stripe(mark, width_px=width_px))
    assert dots.shape[1] == width_px
    assert (dots[:, [0, -1]] == 0).all()
    assert (dots[[0, -1], :] == 0).all()
    assert 0.03 < (dots > 128).mean() < 0.5


@pytest.mark.parametrize("width_px", WIDTHS_PX)
def test_a_paper_of_practice_carries_it_at_both_ends(width_px: int) -> None:
    band = np.asarray(stripe(PaperMark.PRACTICE, width_px=width_px)) > 128
    for paper in (
        render(TicketDocument.from_json(ticket_json(practice=True)), width_px=width_px),
        render_receipt(ReceiptDocument.from_json(receipt_json(practice=True)), width_px=width_px),
    ):
        dots = np.asarray(paper)
        rows = [
            row
            for row in range(dots.shape[0] - band.shape[0] + 1)
            if not dots[row, [0, -1]].any()
            and (dots[row : row + band.shape[0]] == band).mean() > 0.99
        ]
        assert len(rows) == 2
        assert rows[0] < 40
        assert rows[1] > dots.shape[0] - band.shape[0] - 60


def test_a_real_paper_carries_none() -> None:
    assert TicketDocument.from_json(ticket_json()).mark is None
    assert ReceiptDocument.from_json(receipt_json()).mark is None
