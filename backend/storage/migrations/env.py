"""Alembic's entry: runs on the connection handed over by storage.migrate, in its transaction."""

from __future__ import annotations

from alembic import context

from backend.storage import (
    alert_tables,
    cashier_tables,
    fleet_tables,
    reconciliation_tables,
    release_tables,
    report_tables,
    set_up_tables,
    trace_tables,
)

# One metadata, once every module that adds tables to it is loaded.
LOADED = (
    alert_tables.AlertChannel,
    cashier_tables.CashierShift,
    reconciliation_tables.Reconciliation,
    fleet_tables.Alert,
    release_tables.ReleaseBundle,
    report_tables.ReportRoll,
    set_up_tables.FirstSetUp,
    trace_tables.Incident,
)
context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=LOADED[0].metadata,
    render_as_batch=True,
)
context.run_migrations()
