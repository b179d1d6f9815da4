"""Alembic's entry: runs on the connection handed over by storage.migrate, in its transaction."""

from __future__ import annotations

from alembic import context

from backend.storage import cashier_tables, fleet_tables, reconciliation_tables, report_tables

# One metadata, once every module that adds tables to it is loaded.
LOADED = (
    cashier_tables.CashierShift,
    reconciliation_tables.Reconciliation,
    fleet_tables.Alert,
    report_tables.ReportRoll,
)
context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=LOADED[0].metadata,
    render_as_batch=True,
)
context.run_migrations()
