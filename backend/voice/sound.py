"""Samples and WAV files: the one format of our clips, and how any voice is brought into it.

22,050 Hz, mono, 16 bit: what espeak-ng gives, and more than a hall's loudspeakers can tell.
"""

from __future__ import annotations

import io
import wave
from functools import lru_cache
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Samples: TypeAlias = npt.NDArray[np.int16]
_Float: TypeAlias = npt.NDArray[np.float64]

RATE_HZ = 22_050
MAX_SECONDS = 60
PEAK = 10 ** (-1.0 / 20)
"""-1 dBFS: leaves cheap amplifiers some room."""
LOUDNESS = 10 ** (-18.0 / 20)
"""RMS of the spoken part, so that recorded and synthetic clips follow one another evenly."""
MAX_GAIN = 10 ** (24 / 20)
"""More would make the noise of a bad recording loud instead of its voice."""
_SILENT = 10 ** (-46 / 20)
"""Below this share of its loudest moment a clip has not begun, or has ended. The release of a final
"t" or "ch" lies at -38 dB: without it "hát" and "ích" cannot be told apart."""
_FAINTEST = 1e-3
_MARGIN_S = 0.015
_FADE_S = 0.006
_WINDOW_S = 0.01


class UnusableSound(ValueError):
    """Not a WAV, damaged, of a form we do not take, too long or nothing but silence."""


def write_wav(samples: Samples) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as wav:
        wav.setnchannels(1)
        wav.setsampwidth(2)
        wav.setframerate(RATE_HZ)
        wav.writeframes(samples.astype("<i2").tobytes())
    return file.getvalue()


def read_wav(untrusted_wav: bytes) -> Samples:
    """Samples at RATE_HZ, mono, as loud as they came. Raises UnusableSound."""
    samples, rate_hz = _unpack(untrusted_wav)
    return _to_int16(_resample(samples.astype(np.float64).mean(axis=1), rate_hz))


def check_wav(untrusted_wav: bytes) -> None:
    """Raises UnusableSound for what could not become a clip; costs a tenth of making one."""
    samples, _ = _unpack(untrusted_wav)
    if int(samples.max()) - int(samples.min()) < _FAINTEST * 32768:
        raise UnusableSound("is silent")


def _unpack(untrusted_wav: bytes) -> tuple[Samples, int]:
    """A column per channel, and how many rows a second has."""
    try:
        with wave.open(io.BytesIO(untrusted_wav)) as wav:
            channels, width, rate_hz = wav.getnchannels(), wav.getsampwidth(), wav.getframerate()
            count = wav.getnframes()
            if width != 2 or channels not in {1, 2} or not 8_000 <= rate_hz <= 96_000:
                raise UnusableSound("takes 16 bit, mono or stereo, 8 to 96 kHz")
            if not 0 < count <= MAX_SECONDS * rate_hz:
                raise UnusableSound(f"takes up to {MAX_SECONDS} s of sound")
            frames = wav.readframes(count)
    except (wave.Error, EOFError) as error:
        raise UnusableSound("is not a WAV file") from error
    if len(frames) != count * width * channels:
        raise UnusableSound("ends in the middle")
    return np.frombuffer(frames, dtype="<i2").reshape(-1, channels), rate_hz


def _resample(samples: _Float, rate_hz: int) -> _Float:
    """Through the spectrum: nothing above the new Nyquist rate folds back as a whistle."""
    if rate_hz == RATE_HZ:
        return samples
    count = max(1, round(len(samples) * RATE_HZ / rate_hz))
    spectrum = np.fft.rfft(samples)
    kept = np.zeros(count // 2 + 1, dtype=complex)
    common = min(len(spectrum), len(kept))
    kept[:common] = spectrum[:common]
    resampled: _Float = np.fft.irfft(kept, n=count) * (count / len(samples))
    return resampled


def make_clip(samples: Samples) -> Samples:
    """A clip that joins: silence trimmed, of one loudness, edges faded. Raises UnusableSound."""
    signal = samples.astype(np.float64) / 32768
    signal -= signal.mean()
    level = _levels(signal)
    loudest = float(level.max(initial=0.0))
    if loudest < _FAINTEST:
        raise UnusableSound("is silent")
    window = round(_WINDOW_S * RATE_HZ)
    heard = np.flatnonzero(level > loudest * _SILENT)
    margin = round(_MARGIN_S * RATE_HZ)
    start = max(0, int(heard[0]) * window - margin)
    end = min(len(signal), (int(heard[-1]) + 1) * window + margin)
    signal = signal[start:end]
    level = _levels(signal)
    spoken = level[level > loudest * 0.1]
    rms = float(np.sqrt(np.mean(spoken**2)))
    gain = min(LOUDNESS / rms, MAX_GAIN)
    return _to_int16(_fade(_limit(signal * gain)) * 32768)


def _levels(signal: _Float) -> _Float:
    """RMS of each hundredth of a second."""
    window = round(_WINDOW_S * RATE_HZ)
    padded = np.pad(signal, (0, -len(signal) % window))
    levels: _Float = np.sqrt(np.mean(padded.reshape(-1, window) ** 2, axis=1))
    return levels


def _limit(signal: _Float) -> _Float:
    """Bends what is above the knee smoothly under PEAK: short peaks must not clip."""
    knee = PEAK * 0.7
    over = np.abs(signal) > knee
    bent = signal.copy()
    room = PEAK - knee
    bent[over] = np.sign(signal[over]) * (
        knee + room * np.tanh((np.abs(signal[over]) - knee) / room)
    )
    return bent


def _fade(signal: _Float) -> _Float:
    """Both ends come from and go to nothing: no clicks at the joints."""
    count = min(round(_FADE_S * RATE_HZ), len(signal) // 2)
    if count:
        ramp = np.sin(np.linspace(0, np.pi / 2, count)) ** 2
        signal[:count] *= ramp
        signal[-count:] *= ramp[::-1]
    return signal


def _to_int16(samples: _Float) -> Samples:
    return np.clip(np.rint(samples), -32768, 32767).astype(np.int16)


def silence(milliseconds: int) -> Samples:
    return np.zeros(round(RATE_HZ * milliseconds / 1000), dtype=np.int16)


@lru_cache(maxsize=1)
def chime() -> Samples:
    """Two soft bell strokes, a falling third: "listen", without a fright."""
    length = round(0.55 * RATE_HZ)
    signal = np.zeros(round(0.45 * RATE_HZ) + length + round(0.35 * RATE_HZ))
    for start_s, pitch_hz in ((0.0, 659.26), (0.45, 523.25)):
        count = len(signal) - round(start_s * RATE_HZ)
        time_s = np.arange(count) / RATE_HZ
        stroke = sum(
            share * np.sin(2 * np.pi * pitch_hz * partial * time_s) * np.exp(-time_s * decay)
            for partial, share, decay in ((1, 0.6, 4.5), (2, 0.22, 7.0), (3, 0.08, 11.0))
        )
        signal[round(start_s * RATE_HZ) :] += stroke * np.minimum(time_s / 0.008, 1)
    tail = round(0.15 * RATE_HZ)
    signal[-tail:] *= np.linspace(1, 0, tail)
    return _to_int16(signal / np.abs(signal).max() * 0.5 * 32768)
