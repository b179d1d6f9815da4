from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import update

from backend.bootstrap import set_up
from backend.config import load_config
from backend.domain.calling_settings import CallingSettings
from backend.domain.calling_words import SpokenCall, call_words, fixed_phrases
from backend.domain.reading import read_number, read_ticket_number
from backend.domain.settings import FacilitySettings
from backend.storage.catalogue_tables import Facility
from backend.storage.database import open_database
from backend.voice.recorded import load_pack
from backend.voice.sound import write_wav
from tests.factories.voices import tone
from tiepdon.cli import main


def voice(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["voice", *arguments])


def record(folder: Path) -> None:
    clips = json.loads((folder / "pack.json").read_text(encoding="utf-8"))["clips"]
    for name in clips.values():
        (folder / name).write_bytes(write_wav(tone(0.2)))


@pytest.mark.parametrize("options", [[], ["--south"], ["--lang", "en"], ["--south", "--full"]])
def test_what_was_recorded_by_the_script_says_everything(
    tmp_path: Path, options: list[str]
) -> None:
    folder = tmp_path / "co-thanh"
    assert voice("script", *options, "--pack", str(folder)).exit_code == 0
    record(folder)
    pack = load_pack(folder)
    language = "en" if "en" in options else "vi"
    region = "nam" if "--south" in options else "bac"
    settings = CallingSettings(region=region)
    for number in (*range(0, 1000, 7), 1005, 9999):
        call = SpokenCall(number=f"A{number}", room_code="B205")
        for phrase in call_words(call, settings, language).phrases:
            if phrase.text not in {"bê", "B"}:
                assert pack.find_parts(phrase.text), phrase.text
    checked = voice("report", str(folder))
    assert checked.exit_code == 0
    assert json.loads(checked.stdout)["missing"] == []


def test_eighteen_words_are_every_number_to_9999() -> None:
    lines = voice("script").stdout.splitlines()
    phrases = [line.split("\t")[1] for line in lines]
    assert len(set(phrases)) == len(phrases)
    words = {word for number in range(10_000) for word in read_number(number).split()}
    assert len(words) == 18
    assert words <= set(phrases)
    assert set(fixed_phrases(CallingSettings(), "vi")) <= set(phrases)
    for letter in "AHRTUX":
        assert read_ticket_number(f"{letter}1", "vi")[0] in phrases


def test_a_pack_somebody_works_on_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "pack.json").write_text("mine")
    assert voice("script", "--pack", str(tmp_path)).exit_code == 1
    assert (tmp_path / "pack.json").read_text() == "mine"


def test_the_report_names_what_is_missing_and_broken(tmp_path: Path) -> None:
    voice("script", "--pack", str(tmp_path))
    record(tmp_path)
    (tmp_path / "001.wav").write_bytes(b"broken")
    result = voice("report", str(tmp_path))
    assert result.exit_code == 1
    facts = json.loads(result.stdout)
    assert facts["missing"] == ["Mời bệnh nhân số"]
    assert len(facts["faults"]) == 1
    assert "1 phrases missing" in result.stderr


def test_no_pack_in_use(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIEPDON_DATA", str(tmp_path))
    result = voice("report")
    assert (result.exit_code, result.stdout) == (0, "")
    assert "synthetic voice" in result.stderr


def test_a_hospital_that_words_it_its_own_way(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/server.sqlite3"
    config = load_config({}, needs_keys=False, database_url=url)
    database = open_database(config)
    set_up(database, config)
    settings = FacilitySettings(
        calling=CallingSettings(person_word="người bệnh", region="nam")
    ).to_json()
    with database.write() as unit:
        unit.connection.execute(update(Facility).values(settings=settings))
    database.close()
    phrases = [line.split("\t")[1] for line in voice("script", "--db", url).stdout.splitlines()]
    assert "Mời người bệnh số" in phrases
    assert "ngàn" in phrases
    missing = voice("script", "--db", f"sqlite:///{tmp_path}/none.sqlite3")
    assert missing.exit_code == 1
    assert not (tmp_path / "none.sqlite3").exists()
