"""`tiepdon his`: is a HIS what its file says, and how well does it do?"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import click

from his_adapter.config_file import HisConfig, read_config_file
from his_adapter.conformance.case import Level, Status
from his_adapter.errors import HisError
from tiepdon.options import refusals

_SIGNS = {True: "ok", False: "FAILED", None: "not checked"}
_CONFIG = click.option(
    "--config",
    "file",
    required=True,
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="TOML file with adapter, [settings] and [certify].",
)


@click.group()
def command() -> None:
    """Check a HIS, certify its adapter, begin a new adapter."""


@command.command()
@_CONFIG
def check(file: Path) -> None:
    """Self-test of the HIS in FILE: what works, and which fields are mapped wrongly.

    One JSON line per finding on standard output. Exit status 1 when anything is wrong.
    """
    from his_adapter.selftest import self_test

    with refusals():
        found = self_test(read_config_file(file), thorough=True)
    for finding in found:
        click.echo(json.dumps(asdict(finding), ensure_ascii=False))
        click.echo(f"{finding.check:18} {_SIGNS[finding.ok]}: {finding.message_vi}", err=True)
    if any(finding.ok is False for finding in found):
        raise SystemExit(1)


@command.command()
@_CONFIG
@click.option(
    "--out",
    required=True,
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder for report.json and report.html.",
)
@click.option(
    "--speed",
    type=click.FloatRange(1, 10_000),
    default=1.0,
    show_default=True,
    help="Scales durations and time limits; only 1 certifies.",
)
@click.option(
    "--level",
    type=click.Choice([level.value for level in Level]),
    default=Level.VANG.value,
    show_default=True,
    help="The last level whose cases are run.",
)
@click.option("--case", "cases", multiple=True, metavar="C05", help="Only this case; repeatable.")
@click.option(
    "--sign-with",
    "signing_key",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="The vendor's Ed25519 private key (PEM): signs report.json.",
)
def certify(
    file: Path,
    out: Path,
    speed: float,
    level: str,
    cases: tuple[str, ...],
    signing_key: Path | None,
) -> None:
    """Run the conformance kit against the test HIS in FILE. At full clock about two hours.

    Never against a HIS with real patients: it refuses where the marker patient is missing or too
    many people are. Exit status 1 when a case failed or was not prepared.
    """
    from his_adapter.conformance.kit import CaseResult, Refused
    from his_adapter.conformance.kit import certify as run
    from his_adapter.conformance.report import write_reports

    def progress(result: CaseResult) -> None:
        reason = f": {result.reason.vi}" if result.reason else ""
        click.echo(
            f"{result.case.id} {result.status.value:14} {result.seconds:8.1f} s{reason}", err=True
        )

    config: HisConfig
    try:
        with refusals():
            config = read_config_file(file)
            outcome = run(config, speed=speed, up_to=Level(level), only=cases, progress=progress)
        write_reports(outcome, out, signing_key=signing_key)
    except Refused as refused:
        raise click.ClickException(str(refused)) from refused
    except (OSError, ValueError) as error:
        raise click.ClickException(f"no report was written: {error}") from error
    counts = {
        status.value: sum(result.status is status for result in outcome.by_case().values())
        for status in Status
    }
    click.echo(json.dumps({"level": outcome.level, **counts, "report": str(out / "report.html")}))
    if outcome.negative:
        raise SystemExit(1)


@command.command()
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option(
    "--key",
    required=True,
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="The vendor's Ed25519 public key (PEM).",
)
def verify(folder: Path, key: Path) -> None:
    """Is the report in FOLDER the one that was signed? Exit status 1 when it is not."""
    from his_adapter.conformance.report import SignatureInvalid, check_signature

    try:
        check_signature(folder, key)
    except (SignatureInvalid, OSError) as error:
        raise click.ClickException(str(error)) from error
    click.echo("ok")


@command.command()
@click.argument("name")
@click.option(
    "--in",
    "parent",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    default=Path(),
    help="Where the folder is made; otherwise here.",
)
def new(name: str, parent: Path) -> None:
    """Begin an adapter: a package with its entry point and a conformance test that fails."""
    from his_adapter.scaffold import NameRefused, write_adapter

    try:
        folder = write_adapter(name, parent)
    except (NameRefused, OSError, HisError) as error:
        raise click.ClickException(str(error)) from error
    click.echo(str(folder))
