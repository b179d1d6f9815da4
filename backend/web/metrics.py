"""`/metrics` for Prometheus: figures and states, never a person, nor a number or an id of one.

Everything is read from the database, so that it does not matter which process answers. For this
very machine without more ado; from elsewhere with the token of TIEPDON_METRICS_TOKEN_FILE.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from ipaddress import ip_address

from flask import Blueprint, Response, current_app, request
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from backend.domain.alerts import AlertKind
from backend.domain.outbox import Breaker
from backend.errors import LoginRequired
from backend.services.keep_figures import LIMITS_MS
from backend.services.keep_outbox import look_at_outbox
from backend.services.look_at_figures import (
    count_untold,
    list_job_figures,
    list_process_figures,
    list_request_figures,
)
from backend.services.look_at_money import look_at_money
from backend.services.resources import Resources
from backend.services.show_alerts import count_open_alerts
from backend.web import figures
from backend.web.api import public, resources
from backend.web.kiosk_metrics import Kiosks

FORWARDED = ("X-Forwarded-For", "Forwarded", "X-Real-IP")

blueprint = Blueprint("metrics", __name__)


@blueprint.get("/metrics")
@public
def metrics() -> Response:
    """Raises LoginRequired for callers from elsewhere without the token."""
    server = resources()
    if not (_is_from_here() or _has_token(server.config.metrics_token)):
        raise LoginRequired
    current_app.extensions[figures.EXTENSION].hand_in()
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Requests(server))
    registry.register(_Jobs(server))
    registry.register(_Processes(server))
    registry.register(_Alerts(server))
    registry.register(_Outbox(server))
    registry.register(_Payments(server))
    registry.register(Kiosks(server))
    return Response(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


def _is_from_here() -> bool:
    """The caller's own machine, not one whose call a proxy on this machine passes on."""
    try:
        is_loopback = ip_address(request.remote_addr or "").is_loopback
    except ValueError:
        return False
    return is_loopback and not any(name in request.headers for name in FORWARDED)


def _has_token(token: str | None) -> bool:
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    if token is None or scheme.lower() != "bearer":
        return False
    return hmac.compare_digest(given.encode(), token.encode())


class _Outbox(Collector):
    def __init__(self, server: Resources) -> None:
        self._server = server

    def collect(self) -> Iterable[Metric]:
        now = self._server.database.clock()
        depth = _gauge("depth", "Messages that will be sent without anybody's help")
        oldest = _gauge("oldest_age_seconds", "Age of the oldest of them; 0 without any")
        unknown = _gauge("unknown", "Messages that may have arrived and will be looked up")
        dead = _gauge("dead", "Dead letters: messages that wait for a person")
        delivered = CounterMetricFamily(
            "tiepdon_outbox_delivered", "Messages that arrived", labels=["party"]
        )
        breaker = GaugeMetricFamily(
            "tiepdon_party_breaker",
            "0 answers, 1 away, 2 being tried again",
            labels=["party", "group"],
        )
        away = GaugeMetricFamily(
            "tiepdon_party_away_seconds", "Since it went away; 0 while it answers", labels=["party"]
        )
        codes = {Breaker.CLOSED: 0, Breaker.OPEN: 1, Breaker.HALF_OPEN: 2}
        for party in look_at_outbox(self._server.database):
            labels = [party.party]
            age_s = (now - party.oldest_at).total_seconds() if party.oldest_at else 0
            depth.add_metric(labels, party.depth)
            oldest.add_metric(labels, max(age_s, 0))
            unknown.add_metric(labels, party.unknown)
            dead.add_metric(labels, party.dead)
            delivered.add_metric(labels, party.delivered)
            away.add_metric(labels, party.away_s(now))
            for group, state in party.breakers.items():
                breaker.add_metric([party.party, group], codes[Breaker(state)])
        return [depth, oldest, unknown, dead, delivered, breaker, away]


def _gauge(name: str, text: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"tiepdon_outbox_{name}", text, labels=["party"])


class _Payments(Collector):
    """Money that waits for somebody; nothing of whose it is."""

    def __init__(self, server: Resources) -> None:
        self._server = server

    def collect(self) -> Iterable[Metric]:
        waiting = look_at_money(self._server.database)
        for name, text, value in (
            ("held_items", "Credits or parts of them that wait for a cashier", waiting.held_items),
            ("held_vnd", "Their sum in đồng", waiting.held_vnd),
            ("unposted", "Paid payments the HIS has not entered", waiting.unposted),
            ("unposted_vnd", "Their sum in đồng", waiting.unposted_vnd),
            ("refunds_open", "Refunds asked for and not paid out", waiting.refunds_open),
        ):
            yield GaugeMetricFamily(f"tiepdon_payments_{name}", text, value=value)


class _Requests(Collector):
    """How long pages and calls take, by route: patterns of addresses, never addresses."""

    def __init__(self, server: Resources) -> None:
        self._server = server

    def collect(self) -> Iterable[Metric]:
        seconds = HistogramMetricFamily(
            "tiepdon_request_seconds",
            "Requests by how long they took",
            labels=["route", "method", "status"],
        )
        for row in list_request_figures(self._server.database):
            buckets = [(f"{limit / 1000:g}", getattr(row, f"le_{limit}")) for limit in LIMITS_MS]
            seconds.add_metric(
                [row.route, row.method, str(row.status)],
                buckets=[*buckets, ("+Inf", row.requests)],
                sum_value=row.seconds,
            )
        return [seconds]


class _Jobs(Collector):
    """`name`, because `job` is a label of Prometheus itself."""

    def __init__(self, server: Resources) -> None:
        self._server = server

    def collect(self) -> Iterable[Metric]:
        runs = CounterMetricFamily("tiepdon_job_runs", "Runs of a job", labels=["name"])
        failures = CounterMetricFamily(
            "tiepdon_job_failures", "Runs that ended in a fault", labels=["name"]
        )
        seconds = CounterMetricFamily("tiepdon_job_seconds", "Time they took", labels=["name"])
        last = GaugeMetricFamily(
            "tiepdon_job_last_run_timestamp_seconds", "When it last ended", labels=["name"]
        )
        for row in list_job_figures(self._server.database):
            runs.add_metric([row.job], row.runs)
            failures.add_metric([row.job], row.failures)
            seconds.add_metric([row.job], row.seconds)
            last.add_metric([row.job], row.last_run_at.timestamp())
        return [runs, failures, seconds, last]


class _Processes(Collector):
    """Of all processes that were there within the last minute."""

    def __init__(self, server: Resources) -> None:
        self._server = server

    def collect(self) -> Iterable[Metric]:
        rows = list_process_figures(self._server.database)
        count = GaugeMetricFamily("tiepdon_processes", "Processes that serve", labels=["kind"])
        in_use = GaugeMetricFamily(
            "tiepdon_database_connections_in_use", "Connections at work", labels=["kind"]
        )
        size = GaugeMetricFamily(
            "tiepdon_database_connections", "Connections the processes may keep", labels=["kind"]
        )
        for kind in ("web", "worker"):
            mine = [row for row in rows if row.kind == kind]
            count.add_metric([kind], len(mine))
            in_use.add_metric([kind], sum(row.pool_in_use for row in mine))
            size.add_metric([kind], sum(row.pool_size for row in mine))
        streams = GaugeMetricFamily(
            "tiepdon_live_streams",
            "Pages that hear live events",
            value=sum(row.live_streams for row in rows),
        )
        build = InfoMetricFamily("tiepdon_build", "Versions at work", labels=[])
        for each in sorted({row.version for row in rows}):
            build.add_metric([], {"version": each})
        return [count, in_use, size, streams, build]


class _Alerts(Collector):
    def __init__(self, server: Resources) -> None:
        self._server = server

    def collect(self) -> Iterable[Metric]:
        open_ = GaugeMetricFamily(
            "tiepdon_alerts_open", "What is wrong at the moment", labels=["kind"]
        )
        counts = count_open_alerts(self._server.database)
        for kind in AlertKind:
            open_.add_metric([kind], counts.get(kind, 0))
        untold = GaugeMetricFamily(
            "tiepdon_alert_notices_waiting",
            "Notices a channel did not take yet",
            labels=["channel"],
        )
        failing = GaugeMetricFamily(
            "tiepdon_alert_channel_failing_seconds",
            "Since nothing gets through; 0 while it does",
            labels=["channel"],
        )
        now = self._server.database.clock()
        for channel in count_untold(self._server):
            since = channel.failing_since
            untold.add_metric([channel.name], channel.waiting)
            failing.add_metric(
                [channel.name], max((now - since).total_seconds(), 0) if since else 0
            )
        return [open_, untold, failing]
