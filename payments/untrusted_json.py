"""JSON from strangers: bounded, parsed once, plain values only."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any, NoReturn, cast

from payments.errors import BadSignature

MAX_CALLBACK_BYTES = 64_000


def read_object(untrusted_body: bytes) -> dict[str, Any]:
    """Before a signature that covers parsed fields can be checked. Raises BadSignature: what is
    no JSON object, or holds what no signature can be made of, came from nobody we know.
    """
    if len(untrusted_body) > MAX_CALLBACK_BYTES:
        raise BadSignature("too large")
    try:
        content = json.loads(untrusted_body, parse_constant=_refuse)
        # A lone surrogate can be written in JSON, not in UTF-8.
        json.dumps(content, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        raise BadSignature("not JSON") from error
    if not isinstance(content, dict):
        raise BadSignature("not a JSON object")
    return content


def is_whole(value: object) -> bool:
    """An int that is no truth value, of a size that means something."""
    return type(value) is int and abs(value) < 2**63


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number")


def time_of_ms(milliseconds: object) -> datetime:
    """Raises ValueError for what is no time."""
    if not is_whole(milliseconds):
        raise ValueError("no time")
    try:
        return datetime.fromtimestamp(cast("int", milliseconds) / 1000, UTC)
    except (OverflowError, OSError) as error:
        raise ValueError("no time") from error
