"""`tiepdon scan`: the codes in pictures and films, one JSON line for each file."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import click

from backend.domain.identity import describe
from devices.errors import UnreadablePicture
from devices.models import Frame
from devices.scanners.decoding import decode
from devices.scanners.frame_sources import read_film, read_picture

_FILM_BUDGET_S = 0.05  # a card stays for many pictures: the harder looks take turns


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FILE…")
@click.pass_context
def command(ctx: click.Context, files: tuple[Path, ...]) -> None:
    """Read the QR codes and Code 128 in pictures and films.

    Prints {"source", "reads": [{"kind", "text"}], "elapsed_ms"} for each file, every payload
    once. Nothing to read is an answer; a file that is neither picture nor film makes the exit
    status 1.
    """
    output = sys.stdout.buffer
    unreadable = 0
    for file in files:
        started_s = time.perf_counter()
        try:
            payloads = _read_file(file)
        except (UnreadablePicture, OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else error
            click.echo(f"{click.format_filename(file)}: {reason}", err=True)
            unreadable += 1
            continue
        reads = [{"kind": kind, "text": text} for kind, text in map(describe, payloads)]
        elapsed_ms = round((time.perf_counter() - started_s) * 1000, 1)
        line = {"source": str(file), "reads": reads, "elapsed_ms": elapsed_ms}
        # A file name need not be UTF-8: its stray bytes stay visible as escapes.
        text = json.dumps(line, ensure_ascii=False).encode("utf-8", errors="backslashreplace")
        output.write(text + b"\n")
        output.flush()
    ctx.exit(1 if unreadable else 0)


def _read_file(file: Path) -> list[bytes]:
    """Distinct payloads. Raises UnreadablePicture, OSError; ValueError for too large a picture."""
    try:
        picture = read_picture(file)
    except UnreadablePicture:
        return _read_frames(frame for frame, _ in read_film(file))
    return decode(picture)


def _read_frames(frames: Iterator[Frame]) -> list[bytes]:
    found: dict[bytes, None] = {}
    for turn, frame in enumerate(frames):
        found |= dict.fromkeys(decode(frame, budget_s=_FILM_BUDGET_S, turn=turn))
    return list(found)
