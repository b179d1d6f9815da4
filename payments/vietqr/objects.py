"""Data objects: two digits of name, two digits of length, as many characters of value."""

from __future__ import annotations

from collections.abc import Mapping

from payments.vietqr.errors import BadStructure, OutsideStandard

_HEAD = 4
_MAX_LENGTH = 99


def read_objects(untrusted_text: str) -> dict[str, str]:
    """Values by name, in the order they stand. Raises BadStructure."""
    objects: dict[str, str] = {}
    at = 0
    while at < len(untrusted_text):
        head = untrusted_text[at : at + _HEAD]
        if len(head) < _HEAD or not (head.isascii() and head.isdigit()):
            raise BadStructure("an object starts with four digits")
        name, length = head[:2], int(head[2:])
        at += _HEAD
        value = untrusted_text[at : at + length]
        if not value or len(value) < length:
            raise BadStructure(f"object {name} has another length than it says")
        if name in objects:
            raise BadStructure(f"object {name} stands twice")
        objects[name] = value
        at += length
    return objects


def write_objects(objects: Mapping[str, str]) -> str:
    """In ascending order, without those that are empty. Raises OutsideStandard."""
    return "".join(_write(name, value) for name, value in sorted(objects.items()) if value)


def _write(name: str, value: str) -> str:
    if len(value) > _MAX_LENGTH:
        raise OutsideStandard(f"object {name} is longer than {_MAX_LENGTH} characters")
    return f"{name}{len(value):02}{value}"
