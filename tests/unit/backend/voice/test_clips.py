from __future__ import annotations

import errno
import os
import wave
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from backend.errors import VoiceUnavailable
from backend.voice.clips import ClipCache
from backend.voice.ports import VoiceStyle
from backend.voice.sound import silence, write_wav
from tests.factories.voices import EN, VI, ToneEngine


@pytest.fixture
def engine() -> ToneEngine:
    return ToneEngine()


@pytest.fixture
def cache(tmp_path: Path, engine: ToneEngine) -> ClipCache:
    return ClipCache(tmp_path / "clips", engine)


def files(cache: ClipCache) -> list[Path]:
    return sorted(path for path in cache.folder.rglob("*") if path.is_file())


def test_a_clip_is_made_once(cache: ClipCache, engine: ToneEngine) -> None:
    assert not cache.has("một", VI)
    first = cache.get("một", VI)
    assert cache.has("một", VI)
    assert np.array_equal(cache.get("một", VI), first)
    assert engine.said == ["một"]
    assert (cache.counts.made, cache.counts.late, cache.counts.read) == (1, 1, 1)


def test_made_ahead_is_not_late(cache: ClipCache) -> None:
    cache.get("một", VI, ahead=True)
    assert (cache.counts.made, cache.counts.late) == (1, 0)


def test_another_process_finds_it(cache: ClipCache) -> None:
    cache.get("một", VI)
    other = ClipCache(cache.folder, engine := ToneEngine())
    other.get("một", VI)
    assert engine.said == []


def test_words_voice_and_engine_make_the_name(cache: ClipCache) -> None:
    names = {
        cache.key("một", VI),
        cache.key("hai", VI),
        cache.key("một", EN),
        cache.key("một", VoiceStyle(language="vi", region="nam")),
        cache.key("một", VoiceStyle(language="vi", rate=0.85)),
        ClipCache(cache.folder, ToneEngine("tone:2")).key("một", VI),
        cache.key("../../etc/passwd", VI),
    }
    assert len(names) == 7
    assert all(name.isalnum() for name in names)


def test_files_play_anywhere(cache: ClipCache) -> None:
    clip = cache.get("một", VI)
    with wave.open(str(files(cache)[0])) as wav:
        assert (wav.getframerate(), wav.getnchannels(), wav.getsampwidth()) == (22_050, 1, 2)
        assert wav.readframes(wav.getnframes()) == clip.tobytes()


@pytest.mark.parametrize("damage", ["empty", "half", "bit", "text", "header"])
def test_a_damaged_file_is_made_again(cache: ClipCache, engine: ToneEngine, damage: str) -> None:
    clip = cache.get("một", VI)
    file = files(cache)[0]
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1 if damage == "bit" else 0
    broken = {
        "empty": b"",
        "half": content[: len(content) // 2],
        "bit": content,
        "text": b"<html>not a clip</html>" * 9,
        "header": content[:44],
    }[damage]
    file.write_bytes(bytes(broken))
    assert np.array_equal(cache.get("một", VI), clip)
    assert engine.said == ["một", "một"]
    assert cache.counts.damaged == 1
    cache.get("một", VI)
    assert engine.said == ["một", "một"]


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EACCES, errno.EDQUOT])
def test_a_folder_that_cannot_be_written_still_speaks(
    tmp_path: Path, engine: ToneEngine, number: int, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(_file: Path, _content: bytes) -> None:
        raise OSError(number, os.strerror(number))

    caplog.set_level("INFO", logger="tiepdon")
    cache = ClipCache(tmp_path, engine, write=refuse)
    for _ in range(3):
        assert cache.get("một", VI).any()
    assert cache.counts.unwritten == 3
    assert [record.message for record in caplog.records].count("voice_cache_unwritable") == 1


def test_a_file_in_the_place_of_the_folder(tmp_path: Path, engine: ToneEngine) -> None:
    (tmp_path / "clips").write_text("in the way")
    cache = ClipCache(tmp_path / "clips", engine)
    assert cache.get("một", VI).any()
    assert not cache.has("một", VI)


def test_a_failed_write_leaves_nothing_behind(
    cache: ClipCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> Path:
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(Path, "replace", full)
    assert cache.get("một", VI).any()
    assert files(cache) == []


def test_the_folder_stays_within_its_bound(tmp_path: Path, engine: ToneEngine) -> None:
    cache = ClipCache(tmp_path, engine, max_bytes=100_000)
    for number in range(40):
        cache.get(str(number), VI)
    total = sum(file.stat().st_size for file in files(cache))
    assert 50_000 < total <= 100_000
    assert cache.has("39", VI)


def test_no_engine_no_clip(cache: ClipCache, engine: ToneEngine) -> None:
    cache.get("một", VI)
    engine.is_missing = True
    assert cache.get("một", VI).any()
    with pytest.raises(VoiceUnavailable):
        cache.get("hai", VI)


def test_an_engine_that_gives_silence_or_rubbish(cache: ClipCache) -> None:
    class Mute(ToneEngine):
        def synthesise(self, text: str, style: VoiceStyle, *, timeout_s: float) -> bytes:
            return write_wav(silence(100)) if text == "một" else b"rubbish"

    cache.engine = Mute()
    for text in ("một", "hai"):
        with pytest.raises(VoiceUnavailable):
            cache.get(text, VI)
    assert files(cache) == []


def test_many_at_once(cache: ClipCache) -> None:
    with ThreadPoolExecutor(8) as pool:
        clips = list(pool.map(lambda number: cache.get(str(number % 5), VI), range(80)))
    for number, clip in enumerate(clips):
        assert np.array_equal(clip, clips[number % 5])
    assert len(files(cache)) == 5
