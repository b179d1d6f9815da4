"""Fields of what a provider wrote: bounded, typed, and nothing in them that a database refuses.

Functions raise ValueError or TypeError; whoever calls makes them MalformedCallback or BrokenReply.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

VIETNAM = ZoneInfo("Asia/Ho_Chi_Minh")
MAX_BODY_BYTES = 64_000
MAX_VND = 10**13 - 1
_UNSTORABLE = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]+")


def parse_object(untrusted_body: bytes, *, max_bytes: int = MAX_BODY_BYTES) -> dict[str, Any]:
    """Of a body whose bytes were signed (`untrusted_json` is for content that was)."""
    if len(untrusted_body) > max_bytes:
        raise ValueError("too long")
    try:
        content = json.loads(untrusted_body)
    except RecursionError:
        raise ValueError("too deep") from None
    if not isinstance(content, dict):
        raise TypeError("not an object")
    return content


def text_of(content: Mapping[str, Any], name: str, *, most: int = 100) -> str:
    """A text or a number as text; empty where it is missing or null. Cut after `most`."""
    value = content.get(name)
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise TypeError(f"{name} is not a text")
    return clean(str(value), most)


def clean(untrusted_text: str, most: int) -> str:
    """One line, cut after `most` characters."""
    return _UNSTORABLE.sub(" ", untrusted_text[: most * 2]).strip()[:most]


def required(content: Mapping[str, Any], name: str, *, most: int = 100) -> str:
    """As `text_of`, and never empty or cut: for what things are known by."""
    text = text_of(content, name, most=most + 1)
    if not text or len(text) > most:
        raise ValueError(f"{name} is missing or too long")
    return text


def whole_vnd(value: Any) -> int:
    """Đồng above 0. Texts of digits are read, as banks write them; fractions are refused."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 13:
        value = int(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if type(value) is not int or not 0 < value <= MAX_VND:
        raise ValueError("not an amount in đồng")
    return value


def local_moment(text: str) -> datetime:
    """`2026-11-20 09:15:30` as clocks show it in Vietnam; with an offset it is kept."""
    moment = datetime.fromisoformat(text)
    return exact_moment(
        moment.replace(tzinfo=VIETNAM).isoformat() if moment.tzinfo is None else text
    )


def exact_moment(text: str) -> datetime:
    """With an offset from UTC, of this century."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None or not 2000 < moment.year < 2100:
        raise ValueError("not a moment of this century with its offset")
    return moment
