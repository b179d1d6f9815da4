"""Speech: a call from ready clips, a call whose clips are all missing, and the clips of a day."""

from __future__ import annotations

import random
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import numpy as np

from backend.domain.calling_settings import CallingSettings
from backend.domain.calling_words import SpokenCall, call_words
from backend.domain.catalogue import Catalogue
from backend.domain.reading import Language
from backend.domain.settings import FacilitySettings
from backend.jobs.make_clips import day_phrases
from backend.voice.ports import VoiceStyle
from backend.voice.sound import RATE_HZ, read_wav
from backend.voice.speaker import Speaker, open_speaker
from bench import Row

SEED = 20_260_202
LANGUAGES: tuple[Language, ...] = ("vi", "en")
SETTINGS = CallingSettings()


def speak(speaker: Speaker, call: SpokenCall, language: Language) -> bytes:
    words = call_words(call, SETTINGS, language)
    style = VoiceStyle(language=language, region=SETTINGS.region, rate=SETTINGS.rate)
    return speaker.speak(words.phrases, style, times=words.times)


def draw_calls(count: int) -> list[SpokenCall]:
    rng = random.Random(SEED)
    return [
        SpokenCall(
            number=f"{rng.choice('AUHRTX')}{rng.randrange(1, 1000):03d}",
            room_code=str(rng.choice((101, 102, 205, 303, 12))),
            attempt=rng.choice((1, 1, 2, 3)),
        )
        for _ in range(count)
    ]


def measure_ms(
    speaker: Speaker, calls: list[SpokenCall], language: Language
) -> tuple[list[float], list[float]]:
    """What each call cost, and how long its sound is in seconds."""
    costs_ms, lengths_s = [], []
    for call in calls:
        started_s = time.perf_counter()
        wav = speak(speaker, call, language)
        costs_ms.append(1000 * (time.perf_counter() - started_s))
        lengths_s.append(len(read_wav(wav)) / RATE_HZ)
    return costs_ms, lengths_s


def run(*, quick: bool) -> list[Row]:
    """Quick: only the clips that the calls use are made, and fewer calls."""
    rows: list[Row] = []
    calls = draw_calls(40 if quick else 400)
    for language in LANGUAGES:
        with tempfile.TemporaryDirectory() as folder:
            speaker = open_speaker(clips_folder=Path(folder) / "clips", packs_folder=Path(folder))
            if not quick:
                rows.append(_make_day(speaker, language, Path(folder)))
            cold_ms = []
            for call in calls[: 5 if quick else 20]:
                with tempfile.TemporaryDirectory() as empty:
                    bare = open_speaker(clips_folder=Path(empty), packs_folder=Path(empty))
                    cold_ms += measure_ms(bare, [call], language)[0]
            measure_ms(speaker, calls, language)
            late = speaker.clips.counts.late
            warm_ms, lengths_s = measure_ms(speaker, calls, language)
            at = f"{language}:"
            note = f"median {np.median(warm_ms):.1f} ms; {np.median(lengths_s):.1f} s of sound"
            rows += [
                Row(
                    name=f"{at} a call with its clips ready, p95",
                    value=float(np.quantile(warm_ms, 0.95)),
                    unit="ms",
                    goal=20,
                    note=note,
                ),
                Row(
                    name=f"{at} a call whose clips are all missing, slowest",
                    value=max(cold_ms),
                    unit="ms",
                    goal=500,
                    note=f"median {np.median(cold_ms):.0f} ms; {len(cold_ms)} calls",
                ),
            ]
            if not quick:
                rows.append(
                    Row(
                        name=f"{at} clips missing after a day's were made",
                        value=late,
                        unit="clips",
                        goal=0,
                        note=f"{len(calls)} calls",
                    )
                )
    return rows


def _make_day(speaker: Speaker, language: Language, folder: Path) -> Row:
    rooms = {code: SimpleNamespace(code=code) for code in ("101", "102", "205", "303", "12")}
    catalogue = SimpleNamespace(settings=FacilitySettings(), rooms=rooms)
    style = VoiceStyle(language=language, region=SETTINGS.region, rate=SETTINGS.rate)
    texts = day_phrases(cast("Catalogue", catalogue), language)
    started_s = time.perf_counter()
    for text in texts:
        speaker.clips.get(text, style, ahead=True)
    spent_s = time.perf_counter() - started_s
    size = sum(file.stat().st_size for file in folder.rglob("*.wav"))
    note = f"{len(texts)} clips, {size / 1e6:.0f} MB"
    return Row(name=f"{language}: making the clips of a day", value=spent_s, unit="s", note=note)
