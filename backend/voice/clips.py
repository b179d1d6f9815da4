"""Clips as files, made once: named for engine, voice and words, bounded, checked when read.

A file is written beside its place and moved there, and ends with a checksum: half-written or
damaged ones are made again. A folder that cannot be written (full, read-only) costs time, never
a call.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import struct
import tempfile
import threading
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from backend.errors import VoiceUnavailable
from backend.events import Event
from backend.logging import log
from backend.voice.ports import SpeechEngine, VoiceStyle
from backend.voice.sound import Samples, UnusableSound, make_clip, read_wav, write_wav

MAX_BYTES = 400_000_000
"""Two languages with numbers to 999 take 100 MB (measured)."""
PHRASE_TIMEOUT_S = 3.0
_CHECK = b"crc "
_HEADER_BYTES = 44
_MAX_CLIP_BYTES = 5_000_000


@dataclass
class ClipCounts:
    """Since the process began. `late`: made while a call waited for it."""

    read: int = 0
    made: int = 0
    late: int = 0
    damaged: int = 0
    unwritten: int = 0


class ClipCache:
    """One for all threads of a process; several processes may share the folder."""

    def __init__(
        self,
        folder: Path,
        engine: SpeechEngine,
        *,
        max_bytes: int = MAX_BYTES,
        write: Callable[[Path, bytes], None] | None = None,
    ) -> None:
        self.folder = folder
        self.engine = engine
        self.counts = ClipCounts()
        self._max_bytes = max_bytes
        self._write = write or _write_atomically
        self._lock = threading.Lock()
        self._bytes: int | None = None
        self._is_unwritable = False
        self._is_mute = False

    def key(self, text: str, style: VoiceStyle) -> str:
        parts = (self.engine.identity, style.language, style.region, f"{style.rate:.2f}", text)
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:40]

    def has(self, text: str, style: VoiceStyle) -> bool:
        return self._file(text, style).is_file()

    def get(
        self,
        text: str,
        style: VoiceStyle,
        *,
        timeout_s: float = PHRASE_TIMEOUT_S,
        ahead: bool = False,
    ) -> Samples:
        """The clip, made when it is missing. `ahead`: nobody waits for it.

        Raises VoiceUnavailable when it is not there and no engine can make it.
        """
        file = self._file(text, style)
        stored = self._read(file)
        if stored is not None:
            self._count("read")
            return stored
        clip = self._make(text, style, timeout_s)
        self._count("made")
        if not ahead:
            self._count("late")
        self._keep(file, clip)
        return clip

    def _make(self, text: str, style: VoiceStyle, timeout_s: float) -> Samples:
        try:
            clip = make_clip(read_wav(self.engine.synthesise(text, style, timeout_s=timeout_s)))
        except UnusableSound as error:
            raise VoiceUnavailable(f"the voice's sound {error}") from error
        except VoiceUnavailable as error:
            # Once while it lasts: every call meets it again.
            if not self._is_mute:
                log(Event.VOICE_FAILED, error=error, language=style.language)
            self._is_mute = True
            raise
        self._is_mute = False
        return clip

    def _file(self, text: str, style: VoiceStyle) -> Path:
        key = self.key(text, style)
        return self.folder / key[:2] / f"{key}.wav"

    def _read(self, file: Path) -> Samples | None:
        try:
            with file.open("rb") as stream:
                content = stream.read(_MAX_CLIP_BYTES + 1)
        except OSError:
            return None
        samples = _open(content)
        if samples is None:
            self._count("damaged")
        return samples

    def _keep(self, file: Path, clip: Samples) -> None:
        content = _seal(clip)
        try:
            self._make_room(len(content))
            self._write(file, content)
        except OSError as error:
            self._count("unwritten")
            # Once, not with every phrase of every call.
            if not self._is_unwritable:
                log(Event.VOICE_CACHE_UNWRITABLE, errno=error.errno)
            self._is_unwritable = True
        else:
            self._is_unwritable = False

    def _make_room(self, needed: int) -> None:
        """Drops the oldest clips when the folder is full; other processes may do so as well."""
        with self._lock:
            if self._bytes is not None:
                self._bytes += needed
            if self._bytes is not None and self._bytes <= self._max_bytes:
                return
            files = sorted(self._scan())
            total = sum(size for _, size, _ in files) + needed
            # A tenth at once, so that the folder is not read again for the next clip.
            goal = self._max_bytes if total <= self._max_bytes else self._max_bytes * 9 // 10
            for _, size, path in files:
                if total <= goal:
                    break
                with contextlib.suppress(FileNotFoundError):
                    Path(path).unlink()
                total -= size
            self._bytes = total

    def _scan(self) -> list[tuple[float, int, str]]:
        found = []
        with contextlib.suppress(FileNotFoundError):
            for path in self.folder.glob("??/*.wav"):
                with contextlib.suppress(FileNotFoundError):
                    state = path.stat()
                    found.append((state.st_mtime, state.st_size, str(path)))
        return found

    def _count(self, name: str) -> None:
        with self._lock:
            setattr(self.counts, name, getattr(self.counts, name) + 1)


def _seal(clip: Samples) -> bytes:
    """A WAV with one chunk more, which players skip: the checksum of its samples."""
    wav = write_wav(clip)
    check = struct.pack("<4sII", _CHECK, 4, zlib.crc32(wav[_HEADER_BYTES:]))
    return wav[:4] + struct.pack("<I", len(wav) - 8 + len(check)) + wav[8:] + check


def _open(content: bytes) -> Samples | None:
    """None for anything but what `_seal` wrote."""
    body = content[_HEADER_BYTES:-12]
    if len(content) <= _HEADER_BYTES + 12 or len(body) % 2:
        return None
    samples = np.frombuffer(body, dtype="<i2").astype(np.int16)
    mark, _, check = struct.unpack("<4sII", content[-12:])
    return samples if mark == _CHECK and check == zlib.crc32(body) else None


def _write_atomically(file: Path, content: bytes) -> None:
    """Raises OSError. A clip lost in a power cut is made again, so nothing is forced to disk."""
    file.parent.mkdir(parents=True, exist_ok=True)
    handle, beside = tempfile.mkstemp(dir=file.parent, suffix=".part")
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
        Path(beside).replace(file)
    except OSError:
        Path(beside).unlink(missing_ok=True)
        raise
