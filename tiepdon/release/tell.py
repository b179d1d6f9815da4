"""Tells the IT desk of a server's own release: one alert while it is taken back, over when not."""

from __future__ import annotations

import click

from backend.config import load_config
from backend.domain.alerts import AlertKind
from backend.errors import BackendError
from backend.services.raise_alert import clear_alert, raise_alert
from backend.storage.database import open_database
from backend.storage.migrate import is_at_head
from tiepdon.release.install import Rules

SUBJECT = "server"


def tell_alerts(rules: Rules, trouble: str | None) -> None:
    """Where this machine has a database of the shape this code knows; elsewhere said on paper.

    What happened to the release is not changed by an alert that cannot be written.
    """
    if rules.role != "server" or "TIEPDON_DB" not in rules.environ:
        return
    try:
        database = open_database(load_config(rules.environ, needs_keys=False))
        try:
            if not is_at_head(database.engine):
                return
            with database.write() as unit:
                if trouble is None:
                    clear_alert(unit, AlertKind.RELEASE_ROLLED_BACK, subject=SUBJECT)
                else:
                    detail = {"trouble": trouble[:300]}
                    raise_alert(unit, AlertKind.RELEASE_ROLLED_BACK, subject=SUBJECT, detail=detail)
        finally:
            database.close()
    except BackendError as error:
        click.echo(f"the IT desk was not told: {error.detail}", err=True)
