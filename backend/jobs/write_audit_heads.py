"""The head of the audit chain, again and again, at the end of a file that is copied off the host.

A line once written never changes, so the file may be one that can only be added to (chattr +a).
Two workers may both write the same line: that harms nobody.
"""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path

from backend.domain.audit_chain import MAX_HEAD_CHARS, Head, find_head, write_head
from backend.services.resources import Resources
from backend.services.show_audit_head import show_audit_head

EVERY = timedelta(minutes=5)


def write_audit_heads(resources: Resources) -> bool:
    """Whether a line was written: not where nobody wants one, nothing is new or it is not time.

    Raises OSError when the file cannot be written, StorageUnavailable.
    """
    path = resources.config.audit_heads
    if path is None:
        return False
    head = show_audit_head(resources.database)
    last, is_whole = _find_last(path)
    if head.link.sequence == 0 or (last is not None and not _is_due(head, last)):
        return False
    _append(path, ("" if is_whole else "\n") + write_head(head) + "\n")
    return True


def _is_due(head: Head, last: Head) -> bool:
    # A clock that was set back must not stop the heads for hours.
    is_time = not timedelta(0) <= head.at - last.at < EVERY
    return head.link != last.link and is_time


def _find_last(path: Path) -> tuple[Head | None, bool]:
    """The head in the last line, and whether that line has an end: a power cut may halve one."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - MAX_HEAD_CHARS))
            tail = file.read().decode("utf-8", "replace")
    except FileNotFoundError:
        return None, True
    lines = tail.splitlines()
    return (find_head(lines[-1]) if lines else None), not tail or tail.endswith("\n")


def _append(path: Path, text: str) -> None:
    """In one piece, and on the disk."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        os.write(handle, text.encode("ascii"))
        os.fsync(handle)
    finally:
        os.close(handle)
