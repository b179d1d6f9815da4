"""What kiosks said about themselves, for Prometheus."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from backend.domain.kiosk_health import KioskState
from backend.services.resources import Resources
from backend.services.show_fleet import KioskView, show_fleet


class Kiosks(Collector):
    """By the kiosk's id; `tiepdon_kiosk_info` says what place that is."""

    def __init__(self, server: Resources) -> None:
        self._server = server

    def collect(self) -> Iterable[Metric]:
        now = self._server.database.clock()
        kiosks = show_fleet(self._server.database)
        info = GaugeMetricFamily(
            "tiepdon_kiosk_info", "Always 1", labels=["kiosk", "name", "kind", "profile", "version"]
        )
        state = GaugeMetricFamily(
            "tiepdon_kiosk_state", "1 for the state it is in", labels=["kiosk", "state"]
        )
        trouble = GaugeMetricFamily(
            "tiepdon_kiosk_trouble", "1 for each trouble that stands", labels=["kiosk", "trouble"]
        )
        for kiosk in kiosks:
            version = str(kiosk.report.get("version") or "")
            info.add_metric([kiosk.id, kiosk.name, kiosk.kind, kiosk.profile, version], 1)
            for each in KioskState:
                state.add_metric([kiosk.id, each.value], kiosk.state is each)
            for kind in kiosk.troubles:
                trouble.add_metric([kiosk.id, kind.value], 1)
        yield from (info, state, trouble)
        for name, text, find in _KIOSK_FIGURES:
            family = GaugeMetricFamily(f"tiepdon_kiosk_{name}", text, labels=["kiosk"])
            for kiosk in kiosks:
                figure = find(kiosk, now)
                if figure is not None:
                    family.add_metric([kiosk.id], figure)
            yield family


def _report(name: str) -> Callable[[KioskView, datetime], float | None]:
    return lambda kiosk, _now: kiosk.report.get(name)


_KIOSK_FIGURES: tuple[tuple[str, str, Callable[[KioskView, datetime], float | None]], ...] = (
    (
        "last_beat_age_seconds",
        "Since it was last heard",
        lambda kiosk, now: (
            (now - kiosk.last_beat_at).total_seconds() if kiosk.last_beat_at else None
        ),
    ),
    ("clock_skew_seconds", "Its clock less ours", lambda kiosk, _now: kiosk.skew_s),
    (
        "wait_p95_seconds",
        "95 of 100 answers came within this, over the last day",
        lambda kiosk, _now: None if kiosk.p95_ms is None else kiosk.p95_ms / 1000,
    ),
    ("visits_last_day", "Begun in the last 24 hours", lambda kiosk, _now: kiosk.visits),
    ("errors_last_day", "Of them, ended before a trouble", lambda kiosk, _now: kiosk.errors),
    ("disk_free_percent", "Of its disk", _report("disk_free_percent")),
    ("memory_percent", "Of its memory, in use", _report("memory_percent")),
    ("process_mib", "Memory of the kiosk's own process", _report("process_mib")),
    ("temperature_celsius", "Of its machine, where known", _report("temperature_c")),
    ("offline_waiting", "Numbers given without the server", _report("offline_waiting")),
)
