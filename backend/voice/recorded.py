"""Clips that a hospital recorded: a folder with `pack.json` and WAV files, one per phrase.

    {"format": 1, "name": "Giọng cô Thanh", "language": "vi", "region": "bac",
     "clips": {"Mời bệnh nhân số": "moi-benh-nhan-so.wav", "một": "mot.wav"}}

A phrase without a clip of its own is joined from the longest recorded parts, so that 18 words
cover every number to 9999. A file that cannot be used is left out and named in `faults`; what is
missing is said by the synthetic voice.
"""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from backend.errors import VoiceUnavailable
from backend.voice.ports import SpeechEngine, VoiceStyle
from backend.voice.sound import (
    Samples,
    UnusableSound,
    check_wav,
    make_clip,
    read_wav,
    silence,
    write_wav,
)

MANIFEST = "pack.json"
MAX_MANIFEST_BYTES = 1_000_000
MAX_CLIPS = 5_000
MAX_CLIP_BYTES = 12_000_000
MAX_PACKS = 8
JOINT_MS = 25
"""Between words that were recorded apart."""


@dataclass(frozen=True, kw_only=True)
class ClipPack:
    """One speaker. `files` maps a phrase as `phrase_key` writes it to its file."""

    name: str
    language: str
    region: str
    digest: str
    """Changes when a file does."""
    files: Mapping[str, Path] = field(repr=False)
    faults: tuple[str, ...] = ()

    def fits(self, style: VoiceStyle) -> bool:
        return self.language == style.language and (
            self.language != "vi" or self.region == style.region
        )

    def find(self, text: str) -> Samples | None:
        """The phrase, or its parts joined; None when a part is missing or has been damaged."""
        parts = self.find_parts(text)
        if parts is None:
            return None
        try:
            clips = [make_clip(read_wav(_read_bounded(self.files[part]))) for part in parts]
        except (UnusableSound, OSError):
            return None
        pieces = [piece for clip in clips for piece in (silence(JOINT_MS), clip)]
        return np.concatenate(pieces[1:])

    def find_parts(self, text: str) -> list[str] | None:
        """The fewest recorded parts that make the phrase up, longest first from the left."""
        words = phrase_key(text).split()
        parts: list[str] = []
        while words:
            for count in range(len(words), 0, -1):
                part = " ".join(words[:count])
                if part in self.files:
                    parts.append(part)
                    words = words[count:]
                    break
            else:
                return None
        return parts or None


def phrase_key(text: str) -> str:
    """Phrases are compared without case, spare blanks and ways of writing an accent."""
    return " ".join(unicodedata.normalize("NFC", text).casefold().split())


def load_packs(folder: Path) -> tuple[ClipPack, ...]:
    """Every pack in the folders of `folder`, by name; none when there is no such folder."""
    try:
        folders = sorted(each for each in folder.iterdir() if (each / MANIFEST).is_file())
    except OSError:
        return ()
    return tuple(load_pack(each) for each in folders[:MAX_PACKS])


def load_pack(folder: Path) -> ClipPack:
    """Never raises: a pack that cannot be used has no files and says why in `faults`."""
    try:
        document = json.loads(_read_bounded(folder / MANIFEST, MAX_MANIFEST_BYTES))
        return _load(folder, document)
    except (OSError, UnusableSound) as error:
        return _unusable(folder, f"{MANIFEST}: {_cause(error)}")
    except (ValueError, RecursionError):
        return _unusable(folder, f"{MANIFEST}: is not JSON in UTF-8")


def _load(folder: Path, document: Any) -> ClipPack:
    if not isinstance(document, dict) or document.get("format") != 1:
        return _unusable(folder, f'{MANIFEST}: takes an object with "format": 1')
    language, region = document.get("language"), document.get("region", "bac")
    clips = document.get("clips")
    if language not in ("vi", "en") or region not in ("bac", "nam") or not isinstance(clips, dict):
        return _unusable(folder, f"{MANIFEST}: takes language vi or en, region bac or nam, clips")
    if len(clips) > MAX_CLIPS:
        return _unusable(folder, f"{MANIFEST}: takes {MAX_CLIPS} clips at most")
    files: dict[str, Path] = {}
    faults: list[str] = []
    digest = hashlib.sha256(f"{language}:{region}".encode())
    for phrase, name in clips.items():
        fault = _find_fault(folder, name)
        if fault is not None or not phrase_key(phrase):
            faults.append(f"{phrase_key(phrase)[:60]!r}: {fault or 'is no phrase'}")
            continue
        file = folder / name
        files[phrase_key(phrase)] = file
        state = file.stat()
        digest.update(
            f"{phrase_key(phrase)}\n{name}\n{state.st_size}:{state.st_mtime_ns}\n".encode()
        )
    return ClipPack(
        name=str(document.get("name") or folder.name)[:80],
        language=language,
        region=region,
        digest=digest.hexdigest()[:16],
        files=files,
        faults=tuple(faults),
    )


def _find_fault(folder: Path, untrusted_name: object) -> str | None:
    """Why a file cannot be used: read once when the pack is loaded, not when a number is called."""
    if not isinstance(untrusted_name, str) or not re.fullmatch(
        r"[\w][\w .-]{0,118}\.wav", untrusted_name, re.IGNORECASE
    ):
        return "the file's name is not plain: letters, digits, -, _ and .wav"
    file = folder / untrusted_name
    if file.is_symlink():
        return "is a link, not a file"
    try:
        check_wav(_read_bounded(file))
    except (UnusableSound, OSError) as error:
        return _cause(error)
    return None


def _cause(error: UnusableSound | OSError) -> str:
    return str(error) if isinstance(error, UnusableSound) else (error.strerror or "cannot be read")


def _read_bounded(file: Path, limit: int = MAX_CLIP_BYTES) -> bytes:
    """Raises OSError, UnusableSound for a file that is larger."""
    with file.open("rb") as stream:
        content = stream.read(limit + 1)
    if len(content) > limit:
        raise UnusableSound(f"is larger than {limit} bytes")
    return content


def _unusable(folder: Path, fault: str) -> ClipPack:
    return ClipPack(
        name=folder.name, language="", region="", digest="none", files={}, faults=(fault,)
    )


class RecordedEngine:
    """Recorded clips first; another engine fills in what they lack."""

    def __init__(self, packs: Iterable[ClipPack], *, otherwise: SpeechEngine) -> None:
        self.packs = tuple(packs)
        self._otherwise = otherwise

    @property
    def identity(self) -> str:
        return "+".join([*(f"pack:{pack.digest}" for pack in self.packs), self._otherwise.identity])

    def synthesise(self, text: str, style: VoiceStyle, *, timeout_s: float) -> bytes:
        for pack in self.packs:
            clip = pack.find(text) if pack.fits(style) else None
            if clip is not None:
                return write_wav(clip)
        try:
            return self._otherwise.synthesise(text, style, timeout_s=timeout_s)
        except VoiceUnavailable as error:
            if not any(pack.fits(style) for pack in self.packs):
                raise
            raise VoiceUnavailable(f"no recorded clip has it, and {error}") from error


def missing_phrases(
    packs: Iterable[ClipPack], phrases: Iterable[str], style: VoiceStyle
) -> list[str]:
    """What the synthetic voice has to say, in the order asked."""
    fitting = [pack for pack in packs if pack.fits(style)]
    return [text for text in phrases if not any(pack.find_parts(text) for pack in fitting)]
