"""`tiepdon audit`: proves that no sealed audit row was changed or removed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import click

from backend.domain.audit_chain import Head, read_heads, write_head
from backend.services.acknowledge_break import find_acknowledgements
from backend.services.check_audit import to_json
from backend.services.show_audit_head import show_audit_head
from backend.services.verify_audit import verify_audit
from tiepdon.options import database_option, find_keys, open_set_up_database, refusals


@click.group()
def command() -> None:
    """Prove the audit trail, print the head of its chain."""


@command.command()
@click.option(
    "--head",
    "path",
    metavar="FILE",
    type=click.Path(exists=True, dir_okay=False, readable=True, path_type=Path),
    help="Heads copied off this host: the file of TIEPDON_AUDIT_HEADS, its lines on the log server, "
    "or what `audit head` said.",
)
@database_option
def verify(path: Path | None, database_url: str | None) -> None:
    """Every sealed row is there, unchanged, in its order. Without --head nobody can tell whether
    the newest rows were removed, or the whole chain made anew.

    Prints one JSON object: ok, rows, the head, how many rows are not sealed yet and for how long,
    and the first break: removed, changed, reordered, inserted or rewritten, with its sequence.
    Exit status 1 at a break. Breaks that an auditor acknowledged on the page stand under known and
    do not count; to believe that, it needs TIEPDON_KEYS_FILE.
    """
    with open_set_up_database(database_url) as database, refusals():
        heads, unreadable = _read_file(path, facility_id=database.facility_id)
        now, keys = database.clock(), find_keys(database_url)
        with database.snapshot() as connection:
            acknowledged = (
                find_acknowledgements(connection, database.facility_id, keys) if keys else {}
            )
            verdict = verify_audit(
                connection,
                facility_id=database.facility_id,
                now=now,
                heads=heads,
                acknowledged=acknowledged,
            )
    facts = to_json(verdict, now=now)
    if path is not None:
        facts |= {"heads": len(heads), "heads_unreadable": unreadable}
    click.echo(json.dumps(facts))
    if not verdict.ok:
        raise SystemExit(1)


@command.command()
@database_option
def head(database_url: str | None) -> None:
    """One line of JSON to keep where nobody of this host can write: facility, time, sequence, hash."""
    with open_set_up_database(database_url) as database, refusals():
        click.echo(write_head(show_audit_head(database)))


def _read_file(path: Path | None, *, facility_id: str) -> tuple[Sequence[Head], int]:
    if path is None:
        return (), 0
    with path.open(encoding="utf-8", errors="replace") as lines:
        heads, unreadable = read_heads(lines, facility_id=facility_id)
    if not heads:
        raise click.BadParameter(f"holds no head of facility {facility_id}", param_hint="--head")
    return heads, unreadable
