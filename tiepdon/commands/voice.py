"""`tiepdon voice`: what a speaker has to record, and whether a pack is fit for use."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import click

from backend.config import load_config
from backend.domain.calling_settings import CallingSettings
from backend.domain.calling_words import fixed_phrases
from backend.domain.reading import Language, Region, read_letter, read_number, read_number_en
from backend.voice.ports import VoiceStyle
from backend.voice.recorded import MANIFEST, ClipPack, load_pack, load_packs, missing_phrases
from tiepdon.options import calling_option, read_calling_settings

LETTERS = "AHRTUX"
NUMBER_WORDS: dict[Region, str] = {
    "bac": "không một hai ba bốn tư năm lăm sáu bảy tám chín mười mươi mốt trăm linh nghìn",
    "nam": "không một hai ba bốn năm lăm sáu bảy tám chín mười mươi mốt trăm lẻ ngàn",
}


@click.group()
def command() -> None:
    """Recorded voices: the script for a speaker, and the check of what was recorded."""


@command.command()
@click.option("--lang", "language", type=click.Choice(["vi", "en"]), default="vi")
@click.option("--south", is_flag=True, help="Numbers as in the south.")
@calling_option
@click.option("--full", is_flag=True, help="Also 10 to 99 in one breath each: sounds better.")
@click.option(
    "--pack", "folder", metavar="FOLDER", type=click.Path(path_type=Path, file_okay=False),
    help="Start a pack here: pack.json with a file name for each phrase.",
)  # fmt: skip
def script(
    *,
    language: Language,
    south: bool,
    database_url: str | None,
    full: bool,
    folder: Path | None,
) -> None:
    """Print the phrases a speaker records: file name and words, one a line."""
    settings = read_calling_settings(database_url)
    if south:
        settings = replace(settings, region="nam")
    names = {
        f"{number:03d}.wav": phrase
        for number, phrase in enumerate(script_phrases(settings, language, full=full), start=1)
    }
    for name, phrase in names.items():
        click.echo(f"{name}\t{phrase}")
    if folder is None:
        return
    manifest = {
        "format": 1,
        "name": folder.name,
        "language": language,
        "region": settings.region,
        "clips": {phrase: name for name, phrase in names.items()},
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # Never over a pack somebody worked on.
        with (folder / MANIFEST).open("x", encoding="utf-8") as stream:
            json.dump(manifest, stream, ensure_ascii=False, indent=1)
    except OSError as error:
        raise click.ClickException(f"{folder / MANIFEST}: {error.strerror}") from error
    click.echo(f"wrote {folder / MANIFEST}", err=True)


@command.command()
@calling_option
@click.argument(
    "folder", required=False, type=click.Path(path_type=Path, file_okay=False, exists=True)
)
def report(folder: Path | None, database_url: str | None) -> None:
    """Check a pack in FOLDER, otherwise those in use: one JSON line each.

    `missing` is said by the synthetic voice. Exit status 1 when a file cannot be used.
    """
    settings = read_calling_settings(database_url)
    if folder is not None:
        packs: tuple[ClipPack, ...] = (load_pack(folder),)
    else:
        config = load_config(os.environ, needs_keys=False)
        packs = load_packs(config.packs_folder)
        if not packs:
            click.echo(f"no pack in {config.packs_folder}: the synthetic voice speaks", err=True)
    for pack in packs:
        click.echo(json.dumps(_facts(pack, settings), ensure_ascii=False))
        click.echo(_summary(pack, settings), err=True)
    if any(pack.faults for pack in packs):
        raise SystemExit(1)


def script_phrases(settings: CallingSettings, language: Language, *, full: bool) -> Iterator[str]:
    """The least that speaks everything without the synthetic voice, or what sounds better."""
    region = settings.region
    fixed = fixed_phrases(settings, language)
    yield from fixed
    numbers = (
        NUMBER_WORDS[region].split()
        if language == "vi"
        else [read_number_en(number) for number in (*range(20), *range(20, 100, 10))]
    )
    # The letter's name and a number's word may be the same sound.
    letters = [read_letter(letter, language) for letter in LETTERS]
    yield from (word for word in dict.fromkeys([*letters, *numbers]) if word not in fixed)
    if full:
        for number in range(10, 100):
            read = read_number(number, region) if language == "vi" else read_number_en(number)
            if read not in numbers:
                yield read


def _missing(pack: ClipPack, settings: CallingSettings) -> list[str]:
    if not pack.files:
        return []
    language: Language = "vi" if pack.language == "vi" else "en"
    region: Region = "nam" if pack.region == "nam" else "bac"
    style = VoiceStyle(language=language, region=region)
    wanted = script_phrases(replace(settings, region=region), language, full=False)
    return missing_phrases([pack], wanted, style)


def _facts(pack: ClipPack, settings: CallingSettings) -> dict[str, object]:
    return {
        "pack": pack.name,
        "language": pack.language or None,
        "region": pack.region or None,
        "clips": len(pack.files),
        "missing": _missing(pack, settings),
        "faults": list(pack.faults),
    }


def _summary(pack: ClipPack, settings: CallingSettings) -> str:
    return (
        f"{pack.name}: {len(pack.files)} clips, {len(_missing(pack, settings))} phrases missing, "
        f"{len(pack.faults)} files cannot be used"
    )
