"""A sheet of invented people's cards, to print, cut and scan in a lesson."""

from __future__ import annotations

import io
from collections.abc import Iterable
from html import escape

import qrcode
from qrcode.image.svg import SvgPathImage

from his_adapter.demo.personas import Card, Persona

_READABLE = frozenset({Card.CCCD2021, Card.CAN_CUOC2024, Card.BHYT})
"""Cards whose code is a QR; a passport's is lines of print."""
_TITLES = {
    Card.CCCD2021: "Căn cước công dân",
    Card.CAN_CUOC2024: "Căn cước",
    Card.BHYT: "Thẻ bảo hiểm y tế",
}
_STYLE = """
@page { size: A4; margin: 12mm }
body { font: 12pt "Be Vietnam Pro", sans-serif; display: grid; grid-template-columns: 1fr 1fr; gap: 6mm }
h1, p.how { grid-column: 1 / -1; margin: 0 }
h1 { font-size: 16pt }
div { border: 1px dashed #777; border-radius: 3mm; padding: 4mm; display: flex; gap: 4mm; break-inside: avoid }
svg { width: 32mm; height: 32mm; flex: none }
b { display: block; font-size: 13pt }
small { color: #444 }
"""


def draw_cards(people: Iterable[Persona]) -> str:
    """One HTML page without anything from elsewhere."""
    cards = "\n".join(_card(person) for person in people if person.card in _READABLE)
    return (
        '<!doctype html><html lang="vi"><meta charset="utf-8"><title>Thẻ luyện tập</title>'
        f"<style>{_STYLE}</style><h1>LUYỆN TẬP – thẻ của người không có thật</h1>"
        f'<p class="how">In ra, cắt rời, rồi đưa vào máy quét của kiosk.</p>{cards}</html>\n'
    )


def _card(person: Persona) -> str:
    code = qrcode.QRCode(border=2, error_correction=qrcode.constants.ERROR_CORRECT_M)
    code.add_data(person.payload.encode())
    drawn = io.BytesIO()
    code.make_image(image_factory=SvgPathImage).save(drawn)
    svg = drawn.getvalue().decode().partition("?>")[2]
    return (
        f"<div>{svg}<p><small>{_TITLES[person.card]} · luyện tập</small>"
        f"<b>{escape(person.full_name)}</b>Sinh năm {person.birth_date.earliest.year}</p></div>"
    )
