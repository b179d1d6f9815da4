from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from backend.voice.sound import RATE_HZ, read_wav, write_wav
from tests.factories.voices import tone, write_pack
from tiepdon.cli import main

needs_espeak = pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="espeak-ng is missing")


@pytest.fixture
def out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TIEPDON_DATA", str(tmp_path / "data"))
    for name in ("TIEPDON_DB", "TIEPDON_KEYS_FILE", "TIEPDON_DEMO"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path / "out.wav"


def say(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["say", *arguments])


@needs_espeak
@pytest.mark.parametrize(
    ("options", "spoken"),
    [
        (["--lang", "vi"], "Mời bệnh nhân số | a | một trăm linh bốn | đến phòng | một không hai"),
        (["--south"], "Mời bệnh nhân số | a | một trăm lẻ bốn | đến phòng | một không hai"),
        (["--counter"], "Mời số | a | một trăm linh bốn | đến quầy | một không hai"),
        (
            ["--lang", "en", "--attempt", "3"],
            "Last call | Number | A | one zero four | room | one zero two",
        ),
    ],
)
def test_a_call(out: Path, options: list[str], spoken: str) -> None:
    result = say("--ticket", "A104", "--room", "102", "--wav", str(out), *options)
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr == spoken + "\n"
    assert 6 < len(read_wav(out.read_bytes())) / RATE_HZ < 16


@needs_espeak
def test_a_text_that_looks_like_orders(out: Path) -> None:
    for text in ("Xin chào. $(reboot) [[x]]", "<script>alert(1)</script>", "—help; rm -rf"):
        assert say(text, "--wav", str(out)).exit_code == 0
        assert 0.3 < len(read_wav(out.read_bytes())) / RATE_HZ < 8


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--ticket", "A1"],
        ["--room", "1"],
        ["xin chào", "--ticket", "A1", "--room", "1"],
        ["xin chào", "--lang", "fr"],
        ["…!"],
        ["--ticket", "Nguyễn Văn Thử", "--room", "1"],
    ],
)
def test_wrong_use(out: Path, arguments: list[str]) -> None:
    assert say(*arguments, "--wav", str(out)).exit_code == 2
    assert say("xin chào").exit_code == 2
    assert not out.exists()


def test_without_any_voice(out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    result = say("Xin chào", "--wav", str(out))
    assert result.exit_code == 1
    assert "espeak-ng is not installed" in result.stderr
    assert not out.exists()


def test_a_pack_alone_speaks(out: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    write_pack(tmp_path / "data" / "voice" / "p", {"xin chào": write_wav(tone(1))})
    assert say("Xin chào!", "--wav", str(out)).exit_code == 0
    assert read_wav(out.read_bytes()).any()
    assert say("Xin mời!", "--wav", str(out)).exit_code == 1


def test_a_place_that_cannot_be_written(out: Path, tmp_path: Path) -> None:
    write_pack(tmp_path / "data" / "voice" / "p", {"xin chào": write_wav(tone(1))})
    result = say("Xin chào", "--wav", str(tmp_path / "nowhere" / "x.wav"))
    assert result.exit_code == 1
    assert "was not written" in result.stderr


def test_a_failure_is_one_line(out: Path, tmp_path: Path) -> None:
    """In a process of its own: nothing but the message, no traceback of the log."""
    done = subprocess.run(
        [sys.executable, "-m", "tiepdon", "say", "Xin chào", "--wav", str(out)],
        capture_output=True,
        text=True,
        env={"PATH": "/nowhere", "TIEPDON_DATA": str(tmp_path / "data")},
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr == "Error: espeak-ng is not installed [voice_unavailable]\n"
