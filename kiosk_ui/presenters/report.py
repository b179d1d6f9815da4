"""What this kiosk says about itself twice a minute. What it cannot tell is absent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Literal

from devices.models import PrinterState, ScannerState
from kiosk_ui.gateway.fleet_models import KioskReport
from kiosk_ui.presenters.context import Context
from kiosk_ui.presenters.ports import Upkeep
from kiosk_ui.presenters.tally import summarise
from kiosk_ui.presenters.touch_watch import TouchState

Paper = Literal["ok", "low", "out", "unknown"]
_PAPER: Mapping[PrinterState, Paper] = {
    PrinterState.READY: "ok",
    PrinterState.PAPER_NEAR_END: "low",
    PrinterState.PAPER_END: "out",
}


def make_report(
    ctx: Context,
    upkeep: Upkeep,
    *,
    started_at: datetime,
    scanner: str | None,
    touch: TouchState | None,
    times_ms: Mapping[str, Sequence[float]],
) -> KioskReport:
    """On a worker thread: the disk of a sick machine may take its time."""
    state, counts = upkeep.machine.look(), ctx.tally.counts()
    printer = ctx.printer.state()
    return KioskReport(
        version=upkeep.version,
        started_at=started_at,
        clock=ctx.clock.now(),
        machine=upkeep.machine.name,
        printer=printer.value,
        paper=_PAPER.get(printer, "unknown"),
        scanner=scanner,
        camera_frame_age_ms=_frame_age_ms(ctx),
        touch=touch,
        last_touch_at=counts.last_touch_at,
        last_visit_at=counts.last_visit_at,
        disk_free_percent=state.disk_free_percent,
        memory_percent=state.memory_percent,
        process_mib=state.process_mib,
        temperature_c=state.temperature_c,
        visits=counts.visits,
        errors=counts.errors,
        offline_waiting=ctx.offline.waiting(),
        steps=summarise(times_ms),
    )


def _frame_age_ms(ctx: Context) -> float | None:
    """Only while it looks: a camera asleep has no newest picture."""
    if ctx.scanner.status().state is not ScannerState.READY:
        return None
    age_s = ctx.scanner.frame_age_s()
    return None if age_s is None else round(age_s * 1000, 1)
