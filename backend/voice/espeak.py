"""The synthetic voice that is always there: espeak-ng as a child process, some 10 ms a phrase."""

from __future__ import annotations

import re
import struct
import subprocess
import threading

from backend.errors import VoiceUnavailable
from backend.voice.ports import VoiceStyle

BINARY = "espeak-ng"
MAX_TEXT_CHARS = 600
WORDS_PER_MINUTE = 175
"""The engine's own pace: rate 1.0."""
MAX_AT_ONCE = 2
VOICES = {("vi", "bac"): "vi", ("vi", "nam"): "vi-vn-x-south"}
ENGLISH_VOICE = "en-gb"
_HEADER_BYTES = 44
_RESPELLED = {"ích": "ích xì"}
"""This engine's "ích" is 60 ms of sound, lost in any hall; the longer name of X is as common."""


class EspeakEngine:
    """One for all threads of a process."""

    def __init__(self, binary: str = BINARY) -> None:
        self._binary = binary
        self._identity: str | None = None
        self._slots = threading.BoundedSemaphore(MAX_AT_ONCE)

    @property
    def identity(self) -> str:
        """Without the engine "espeak-ng:none", asked again each time: it may be installed later."""
        if self._identity is None:
            try:
                version = self._run(["--version"], "", timeout_s=2).decode("utf-8", "replace")
            except VoiceUnavailable:
                return "espeak-ng:none"
            match = re.search(r"\d+(?:\.\d+)+", version)
            self._identity = f"espeak-ng:{match[0] if match else 'unknown'}"
        return self._identity

    def synthesise(self, text: str, style: VoiceStyle, *, timeout_s: float) -> bytes:
        voice = VOICES[style.language, style.region] if style.language == "vi" else ENGLISH_VOICE
        pace = str(round(WORDS_PER_MINUTE * style.rate))
        # From standard input: on the command line a text could be taken for an option.
        arguments = ["-v", voice, "-s", pace, "-b", "1", "--stdin", "--stdout"]
        wav = self._run(arguments, _plain(text), timeout_s=timeout_s)
        if len(wav) <= _HEADER_BYTES or wav[:4] != b"RIFF" or wav[36:40] != b"data":
            raise VoiceUnavailable(f"{self._binary} gave no sound: is the voice {voice} installed?")
        # A pipe cannot be wound back, so the lengths in the header are not the true ones.
        body = wav[_HEADER_BYTES:]
        lengths = (struct.pack("<I", len(wav) - 8), struct.pack("<I", len(body)))
        return b"".join((wav[:4], lengths[0], wav[8:40], lengths[1], body))

    def _run(self, arguments: list[str], text: str, *, timeout_s: float) -> bytes:
        if not self._slots.acquire(timeout=timeout_s):
            raise VoiceUnavailable(f"{self._binary} is busy")
        try:
            done = subprocess.run(
                [self._binary, *arguments],
                input=text.encode(),
                capture_output=True,
                timeout=timeout_s,
                check=True,
            )
        except FileNotFoundError as error:
            raise VoiceUnavailable(f"{self._binary} is not installed") from error
        except subprocess.TimeoutExpired as error:
            raise VoiceUnavailable(f"{self._binary} did not answer in time") from error
        except (OSError, subprocess.CalledProcessError) as error:
            raise VoiceUnavailable(f"{self._binary} failed: {type(error).__name__}") from error
        finally:
            self._slots.release()
        return done.stdout


def _plain(text: str) -> str:
    """`[[…]]` would be phonemes and `<…>` marks: such signs become spaces."""
    kept = (char if char.isalnum() or char in " .,!?-'’%" else " " for char in text)
    plain = "".join(kept)[:MAX_TEXT_CHARS]
    return _RESPELLED.get(plain, plain)
