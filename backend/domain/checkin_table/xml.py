"""The check-in table as XML, written and read. Never logged: it is full of personal data."""

from __future__ import annotations

from collections.abc import Sequence
from zoneinfo import ZoneInfo

from lxml import etree

from backend.domain.checkin_table.row import CheckinRow, row_fields
from backend.domain.checkin_table.standard import Standard, safe_parser

MAX_BYTES = 1_000_000


class NotACheckinTable(ValueError):
    """Not XML, too large, or another document."""


def write_checkin(rows: Sequence[CheckinRow], standard: Standard, *, zone: ZoneInfo) -> bytes:
    """UTF-8 XML with every field of the standard present and in order, empty where unknown.

    Raises ValueError without rows.
    """
    if not rows:
        raise ValueError("a check-in table has rows")
    root = etree.Element(standard.root)
    listed = etree.SubElement(root, standard.rows)
    for position, row in enumerate(rows, start=1):
        texts = row_fields(row, position=position, zone=zone)
        element = etree.SubElement(listed, standard.row)
        for field in standard.fields:
            etree.SubElement(element, field.name).text = texts[field.name] or None
    etree.SubElement(root, standard.signature)
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True)


def parse_checkin(untrusted_document: bytes, standard: Standard) -> etree._Element:
    """The root element. Raises NotACheckinTable for anything that is not this table in XML."""
    if len(untrusted_document) > MAX_BYTES:
        raise NotACheckinTable
    try:
        root = etree.fromstring(untrusted_document, safe_parser())
    except (etree.XMLSyntaxError, ValueError) as error:
        raise NotACheckinTable from error
    if root.tag != standard.root or root.getroottree().docinfo.doctype:
        raise NotACheckinTable
    return root


def read_rows(root: etree._Element, standard: Standard) -> list[dict[str, str]]:
    """Every row as field → text, whatever it holds; a field that is missing is missing here."""
    return [
        {str(field.tag): field.text or "" for field in row}
        for row in root.iterfind(f"{standard.rows}/{standard.row}")
    ]
