"""Tells the IT desk of a server's own release: one alert when it was taken back, over with the next."""

from __future__ import annotations

import click

from backend.domain.alerts import AlertKind
from backend.errors import ReleaseRefused
from tiepdon.release.install import Rules, run
from tiepdon.release.layout import Root

SUBJECT = "server"


def tell_alerts(root: Root, rules: Rules, *, rolled_back: bool) -> None:
    """By the command of the release that runs now: only that one knows the shape of its database.

    What happened to the release is not changed by an alert that cannot be written.
    """
    current = root.find_current()
    if rules.role != "server" or current is None:
        return
    deed = "raise" if rolled_back else "clear"
    alert = [deed, AlertKind.RELEASE_ROLLED_BACK.value, "--subject", SUBJECT]
    try:
        run([root.command(current.version), "alerts", *alert], "the alert", rules)
    except ReleaseRefused as error:
        click.echo(f"the IT desk was not told: {error.detail}", err=True)
