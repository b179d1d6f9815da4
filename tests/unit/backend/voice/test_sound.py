from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.voice.sound import (
    PEAK,
    RATE_HZ,
    UnusableSound,
    check_wav,
    chime,
    make_clip,
    read_wav,
    silence,
    write_wav,
)
from tests.factories.voices import level_db, strange_wav, tone


def test_a_wav_comes_back_as_it_went() -> None:
    assert np.array_equal(read_wav(write_wav(tone())), tone())


@pytest.mark.parametrize(("rate_hz", "channels"), [(8000, 1), (16000, 2), (44100, 2), (48000, 1)])
def test_other_recorders_are_understood(rate_hz: int, channels: int) -> None:
    time_s = np.arange(rate_hz) / rate_hz
    recorded = (np.sin(2 * np.pi * 440 * time_s) * 9000).astype(np.int16)
    samples = read_wav(strange_wav(recorded, rate_hz=rate_hz, channels=channels))
    assert abs(len(samples) - RATE_HZ) <= 1
    strongest_hz = np.argmax(np.abs(np.fft.rfft(samples))) * RATE_HZ / len(samples)
    assert strongest_hz == pytest.approx(440, abs=2)
    assert np.abs(samples).max() == pytest.approx(9000, rel=0.05)


def test_what_is_above_hearing_does_not_fold_back() -> None:
    time_s = np.arange(48000) / 48000
    whistle = (np.sin(2 * np.pi * 15_000 * time_s) * 9000).astype(np.int16)
    assert np.abs(read_wav(strange_wav(whistle, rate_hz=48000))).max() < 50


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"RIFF",
        b"<html>",
        write_wav(tone())[:50],
        write_wav(tone())[:-200],
        write_wav(np.zeros(0, dtype=np.int16)),
        strange_wav(tone(), rate_hz=4000),
        strange_wav(tone(), channels=6),
    ],
)
def test_what_is_no_usable_wav_is_refused(content: bytes) -> None:
    for look in (read_wav, check_wav):
        with pytest.raises(UnusableSound):
            look(content)


@given(st.binary(max_size=400))
def test_any_bytes_are_read_or_refused(content: bytes) -> None:
    for untrusted in (content, write_wav(tone(0.01))[:40] + content):
        try:
            read_wav(untrusted)
        except UnusableSound:
            continue


@pytest.mark.parametrize("level", [0.02, 0.1, 0.3, 0.9, 1.0])
def test_every_clip_is_as_loud_and_none_clips(level: float) -> None:
    clip = make_clip(np.concatenate([silence(200), tone(0.6, level=level), silence(400)]))
    assert level_db(clip) == pytest.approx(-18, abs=1)
    assert np.abs(clip).max() <= PEAK * 32768
    assert len(clip) / RATE_HZ == pytest.approx(0.6, abs=0.06)


def test_a_loud_click_does_not_make_the_rest_faint() -> None:
    signal = tone(0.5, level=0.1)
    signal[5000:5010] = 32767
    assert np.abs(make_clip(signal)).max() <= PEAK * 32768


def test_clips_begin_and_end_in_silence() -> None:
    clip = make_clip(tone())
    assert clip[0] == 0
    assert clip[-1] == 0
    assert np.abs(np.diff(clip[:20].astype(int))).max() < 400


def test_silence_is_no_clip() -> None:
    for nothing in (silence(500), np.full(5000, 12000, dtype=np.int16)):
        with pytest.raises(UnusableSound):
            make_clip(nothing)
        with pytest.raises(UnusableSound):
            check_wav(write_wav(nothing))


def test_the_chime_is_short_soft_and_ends() -> None:
    sound = chime()
    assert 0.8 < len(sound) / RATE_HZ < 1.5
    assert 0.3 < np.abs(sound).max() / 32768 < 0.6
    assert abs(int(sound[0])) < 50
    assert abs(int(sound[-1])) < 50
