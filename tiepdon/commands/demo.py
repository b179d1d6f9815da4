"""`tiepdon demo`: the whole check-in with a demo hospital and simulated devices."""

from __future__ import annotations

import logging
import os
import shutil
import sys
from pathlib import Path

import click

from tiepdon.demo.report import write_report


@click.command()
@click.option("--headless", is_flag=True, help="Play the journeys without a display.")
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("out/demo"),
    show_default=True,
    help="Folder for screens, tickets and the report.",
)
@click.option(
    "--journey", "journeys", multiple=True, type=click.IntRange(1, 13), help="Only these."
)
def command(headless: bool, out: Path, journeys: tuple[int, ...]) -> None:
    """Show the whole check-in with nothing plugged in.

    With a display: a kiosk to touch, with a dock beside it that plays the world around it. With
    --headless: thirteen journeys by real touches on a rendered window, and the pages of staff,
    boards and phones in a browser; OUT gets index.html, screens/, tickets/, pages/ and
    report.json. Exit status 1 when a journey did not come out right.
    """
    if os.environ.get("TIEPDON_ENV") == "production":
        raise click.ClickException("the demo refuses to run where TIEPDON_ENV is production")
    # Kivy would otherwise take over standard error and the arguments.
    quiet = {"KIVY_NO_ARGS": "1", "KIVY_LOG_MODE": "PYTHON", "KIVY_NO_FILELOG": "1"}
    os.environ.update(quiet | {"KIVY_HOME": str((out / "kivy").resolve()), "KIVY_WINDOW": "sdl2"})
    (out / "kivy").mkdir(parents=True, exist_ok=True)
    if not headless:
        from tiepdon.demo.show import show

        sys.exit(show(out))
    os.environ["SDL_VIDEODRIVER"] = "offscreen"
    from tiepdon.demo.journeys import play

    logging.getLogger("kivy").setLevel(logging.WARNING)  # Kivy sets its own at import
    pages = _draw_pages(out) if not journeys else []
    results = []
    for result in play(out, list(journeys)):
        results.append(result)
        verdict = "ok" if result.ok else f"NOT OK: {result.problem}"
        click.echo(
            f"{result.journey}. {result.name}: {result.ticket or result.payment or '-'} {verdict}",
            err=True,
        )
        write_report(out, results, pages)
    click.echo(f"{out / 'index.html'}", err=True)
    sys.exit(0 if all(result.ok for result in results) else 1)


def _draw_pages(out: Path) -> list[Path]:
    """Of a hospital of their own, so that the journeys start in an empty one."""
    from tiepdon.demo.pages import can_draw, draw_few
    from tiepdon.demo.server import DemoServer

    if not can_draw():
        click.echo("pages: not drawn, no Chromium (make setup installs it)", err=True)
        return []
    shutil.rmtree(out / "hospital", ignore_errors=True)
    with DemoServer(out / "hospital") as server:
        drawn = draw_few(server, out / "pages")
    click.echo(f"pages: {len(drawn)} pictures", err=True)
    return drawn
