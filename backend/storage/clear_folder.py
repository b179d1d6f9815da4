"""A place for data in clear while they are brought back, gone afterwards even when that died."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def clear_folder(near: Path) -> Iterator[Path]:
    """A folder beside `near` for this user only. Removes those that a killed process left.

    Raises OSError.
    """
    near.parent.mkdir(parents=True, exist_ok=True)
    prefix = f".{near.name}.restoring-"
    for left in near.parent.glob(f"{prefix}*"):
        if _is_left(left):
            shutil.rmtree(left)
    folder = Path(tempfile.mkdtemp(prefix=prefix, dir=near.parent))
    lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(lock, fcntl.LOCK_SH)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)


def _is_left(folder: Path) -> bool:
    """Whoever lives holds a lock on its folder."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    else:
        return True
    finally:
        os.close(descriptor)
