"""`tiepdon ca`: the hospital's own certificate authority, for TLS inside the house."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import click

from tiepdon.authority import (
    DAYS,
    RENEW_DAYS_BEFORE,
    AuthorityRefused,
    Found,
    issue,
    look_at,
    make_authority,
    renew,
    system_now,
)

Folder = click.Path(path_type=Path, file_okay=False)
File = click.Path(path_type=Path, dir_okay=False)

days_option = click.option(
    "--days",
    type=click.IntRange(1, 397),
    default=DAYS,
    show_default=True,
    help="How long it lives.",
)


@contextmanager
def _refusals() -> Iterator[None]:
    try:
        yield
    except AuthorityRefused as error:
        raise click.ClickException(str(error)) from error


@click.group()
def command() -> None:
    """Make certificates for the servers of this hospital, and renew them in time.

    Kiosks trust the authority by TIEPDON_CA_FILE.
    """


@command.command("new")
@click.argument("folder", metavar="DIR", type=Folder)
@click.option("--title", default="Tiếp đón", show_default=True, help="As browsers show it.")
@click.option(
    "--for",
    "domains",
    metavar="DOMAIN",
    multiple=True,
    required=True,
    help="It may sign for this DNS domain or network (10.0.0.0/8) and nothing else; again for more.",
)
def new(folder: Path, title: str, domains: tuple[str, ...]) -> None:
    """Make an authority in DIR: ca.key stays there, ca.crt goes to every kiosk."""
    with _refusals():
        certificate = make_authority(folder, title=title, domains=domains, now=system_now())
    click.echo(json.dumps({"ok": True, "certificate": str(certificate)}))


@command.command("issue")
@click.argument("folder", metavar="DIR", type=Folder)
@click.argument("names", metavar="NAME...", nargs=-1, required=True)
@click.option("--out", required=True, type=File, help="FILE.crt; the key goes to FILE.key.")
@days_option
def issue_one(folder: Path, names: tuple[str, ...], out: Path, days: int) -> None:
    """Issue a certificate for a server: every name and address it is called by."""
    _check_name(out)
    with _refusals():
        found = issue(folder, names, out, days=days, now=system_now())
    click.echo(json.dumps({"ok": True, "certificate": str(out)} | _document(found)))


@command.command("renew")
@click.argument("folder", metavar="DIR", type=Folder)
@click.argument("certificates", metavar="FILE.crt...", type=File, nargs=-1, required=True)
@click.option(
    "--days-before",
    type=click.IntRange(1, 396),
    default=RENEW_DAYS_BEFORE,
    show_default=True,
    help="Only what ends within so many days.",
)
@days_option
def renew_all(folder: Path, certificates: tuple[Path, ...], days_before: int, days: int) -> None:
    """Renew what ends soon, with new keys and the same names; otherwise change nothing.

    One that cannot be renewed keeps none of the others old; the exit status is 1.
    """
    for certificate in certificates:
        _check_name(certificate)
    refused = []
    for certificate in certificates:
        try:
            found = renew(folder, certificate, days=days, days_before=days_before, now=system_now())
            document = _document(found or look_at(certificate))
        except AuthorityRefused as error:
            refused.append(str(error))
            continue
        renewed = {"renewed": found is not None, "certificate": str(certificate)}
        click.echo(json.dumps(renewed | document))
    if refused:
        raise click.ClickException("; ".join(refused))


@command.command("show")
@click.argument("certificates", metavar="FILE.crt...", type=File, nargs=-1, required=True)
@click.option(
    "--within",
    "within_days",
    type=click.IntRange(0, 3650),
    default=14,
    show_default=True,
    help="Days: what ends sooner makes the exit status 1.",
)
def show(certificates: tuple[Path, ...], within_days: int) -> None:
    """Say for which names certificates are and when they end."""
    good = True
    for certificate in certificates:
        with _refusals():
            found = look_at(certificate)
        ok = found.ends_at - system_now() > timedelta(days=within_days)
        good = good and ok
        click.echo(json.dumps({"ok": ok, "certificate": str(certificate)} | _document(found)))
    if not good:
        raise SystemExit(1)


def _check_name(path: Path) -> None:
    if path.suffix != ".crt":
        raise click.UsageError(f"{path}: takes a name that ends in .crt")


def _document(found: Found) -> dict[str, object]:
    return {"names": found.names, "ends_at": found.ends_at.isoformat()}
