"""`tiepdon say`: a call or a text as a WAV file, to hear how a hall will hear it."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import click

from backend.config import load_config
from backend.domain.calling_words import CallWords, SpokenCall, call_words, text_phrases
from backend.domain.reading import Language, UnreadableCode
from backend.voice.ports import VoiceStyle
from backend.voice.speaker import open_speaker
from tiepdon.options import calling_option, read_calling_settings, refusals


@click.command()
@click.argument("text", required=False)
@click.option("--ticket", metavar="N", help="The number to call, as printed: A102.")
@click.option("--room", metavar="R", help="The room it is called to: 102.")
@click.option("--counter", is_flag=True, help="R is a counter.")
@click.option("--lang", "language", type=click.Choice(["vi", "en"]), default="vi")
@click.option("--south", is_flag=True, help="A southern voice and its words.")
@calling_option
@click.option("--attempt", type=click.IntRange(1, 9), default=1, help="2: second call, 3: last.")
@click.option(
    "--wav",
    "file",
    required=True,
    metavar="OUT.wav",
    type=click.Path(path_type=Path, dir_okay=False),
)
def command(
    *,
    text: str | None,
    ticket: str | None,
    room: str | None,
    counter: bool,
    language: Language,
    south: bool,
    database_url: str | None,
    attempt: int,
    file: Path,
) -> None:
    """Write TEXT, or a call of a number to a room, as speech to a WAV file.

    The words that are spoken go to standard
    error. Exit status 1 when there is no voice for them.
    """
    if (text is None) == (ticket is None) or (ticket is None) != (room is None):
        raise click.UsageError("takes either TEXT or --ticket with --room")
    settings = read_calling_settings(database_url)
    if south:
        settings = replace(settings, region="nam")
    if text is not None:
        words = CallWords(
            shown=text, phrases=text_phrases(text, language, settings.region), times=1
        )
        if not words.phrases:
            raise click.UsageError("there is nothing to say in TEXT")
    else:
        call = SpokenCall(
            number=ticket or "",
            room_code=room or "",
            room_kind="counter" if counter else "room",
            attempt=attempt,
        )
        try:
            words = call_words(call, settings, language)
        except UnreadableCode as error:
            raise click.UsageError(f"--ticket {error}") from error
    with refusals():
        config = load_config(os.environ, needs_keys=False)
        speaker = open_speaker(clips_folder=config.clips_folder, packs_folder=config.packs_folder)
        wav = speaker.speak(
            words.phrases,
            VoiceStyle(language=language, region=settings.region, rate=settings.rate),
            times=words.times,
            with_chime=ticket is not None,
        )
    try:
        file.write_bytes(wav)
    except OSError as error:
        raise click.ClickException(f"{file} was not written: {error.strerror}") from error
    click.echo(" | ".join(phrase.text for phrase in words.phrases), err=True)
