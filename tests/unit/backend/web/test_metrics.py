from __future__ import annotations

from dataclasses import replace

import pytest
from flask.testing import FlaskClient

from backend.app import create_app
from backend.domain.alerts import AlertKind
from backend.services.raise_alert import raise_alert
from backend.services.resources import Resources
from backend.storage.database import Database
from backend.web import live
from backend.web.figures import EXTENSION
from tests.conftest import SettableClock
from tests.factories.fleet import make_report
from tests.factories.outbox import add_message, set_party
from tests.factories.reception import add_agent
from tests.unit.backend.web.conftest import ApiCaller

ELSEWHERE = {"REMOTE_ADDR": "10.1.2.3"}
TOKEN = "a-token-of-at-least-24-chars"


def test_figures_come_from_the_database(
    client: FlaskClient, database: Database, clock: SettableClock
) -> None:
    message_id = add_message(database)
    add_message(database, state="dead", last_error="expired")
    set_party(database, breaker="open", opened_at=clock.now, delivered=41)
    clock.advance(seconds=90)
    text = client.get("/metrics").text
    for line in (
        'tiepdon_outbox_depth{party="his"} 1.0',
        'tiepdon_outbox_oldest_age_seconds{party="his"} 90.0',
        'tiepdon_outbox_unknown{party="his"} 0.0',
        'tiepdon_outbox_dead{party="his"} 1.0',
        'tiepdon_outbox_delivered_total{party="his"} 41.0',
        'tiepdon_party_breaker{group="write",party="his"} 1.0',
        'tiepdon_party_away_seconds{party="his"} 90.0',
    ):
        assert line in text.splitlines()
    assert message_id not in text


@pytest.mark.parametrize(
    "options",
    [
        {"environ_base": ELSEWHERE},
        {"headers": {"X-Forwarded-For": "10.1.2.3"}},
        {"headers": {"Forwarded": "for=127.0.0.1"}},
        {"environ_base": ELSEWHERE, "headers": {"X-Forwarded-For": "127.0.0.1"}},
        {"environ_base": ELSEWHERE, "headers": {"Authorization": f"Bearer {TOKEN}"}},
    ],
)
def test_only_this_machine_without_a_token(
    client: FlaskClient, options: dict[str, dict[str, str]]
) -> None:
    assert client.get("/metrics", **options).status_code == 401


def test_the_token_opens_it_from_elsewhere(resources: Resources) -> None:
    config = replace(resources.config, metrics_token=TOKEN)
    app = create_app(replace(resources, config=config))
    client = app.test_client()

    def status(given: str) -> int:
        headers = {"Authorization": given}
        return client.get("/metrics", environ_base=ELSEWHERE, headers=headers).status_code

    assert status(f"Bearer {TOKEN}") == 200
    assert [status(each) for each in (f"Bearer {TOKEN}x", "Bearer ", TOKEN)] == [401] * 3
    app.extensions[live.EXTENSION].close()


def test_figures_of_kiosks_by_id(
    client: FlaskClient, kiosk: ApiCaller, clock: SettableClock
) -> None:
    kiosk.post("/kiosks/heartbeat", make_report(clock.now, paper="out", visits=4, errors=1))
    kiosk_id = kiosk.get("/kiosk").json["kiosk_id"]
    clock.advance(seconds=20)
    lines = client.get("/metrics").text.splitlines()
    for line in (
        (
            f'tiepdon_kiosk_info{{kind="kiosk",kiosk="{kiosk_id}",name="K1",profile="reception",'
            'version="1.6.0"} 1.0'
        ),
        f'tiepdon_kiosk_state{{kiosk="{kiosk_id}",state="troubled"}} 1.0',
        f'tiepdon_kiosk_state{{kiosk="{kiosk_id}",state="serving"}} 0.0',
        f'tiepdon_kiosk_trouble{{kiosk="{kiosk_id}",trouble="paper_out"}} 1.0',
        f'tiepdon_kiosk_last_beat_age_seconds{{kiosk="{kiosk_id}"}} 20.0',
        f'tiepdon_kiosk_visits_last_day{{kiosk="{kiosk_id}"}} 4.0',
        f'tiepdon_kiosk_wait_p95_seconds{{kiosk="{kiosk_id}"}} 1.2',
        f'tiepdon_kiosk_temperature_celsius{{kiosk="{kiosk_id}"}} 52.0',
    ):
        assert line in lines


def test_a_print_agent_that_is_switched_off_is_not_away(
    client: FlaskClient, resources: Resources, clock: SettableClock
) -> None:
    agent = add_agent(resources)
    clock.advance(minutes=10)
    lines = client.get("/metrics").text.splitlines()
    assert f'tiepdon_kiosk_state{{kiosk="{agent.id}",state="away"}} 0.0' in lines
    assert f'tiepdon_kiosk_state{{kiosk="{agent.id}",state="off"}} 1.0' in lines


def test_requests_by_route_and_never_by_address(client: FlaskClient) -> None:
    client.get("/healthz")
    client.get("/t/A-TOKEN-OF-A-TICKET")
    client.open("/nowhere", method="BREW")
    text = client.get("/metrics").text
    for line in (
        'tiepdon_request_seconds_count{method="GET",route="/healthz",status="200"} 1.0',
        'tiepdon_request_seconds_bucket{le="10",method="GET",route="/healthz",status="200"} 1.0',
        'tiepdon_request_seconds_count{method="GET",route="/t/<token>",status="404"} 1.0',
        'tiepdon_request_seconds_count{method="other",route="none",status="404"} 1.0',
        'tiepdon_processes{kind="web"} 1.0',
    ):
        assert line in text.splitlines()
    assert "A-TOKEN" not in text
    assert "BREW" not in text


def test_alerts_are_counted_by_kind(client: FlaskClient, database: Database) -> None:
    with database.write() as unit:
        raise_alert(unit, AlertKind.PAPER_OUT, subject="kiosk:a-kiosk")
    text = client.get("/metrics").text
    assert 'tiepdon_alerts_open{kind="paper_out"} 1.0' in text
    assert 'tiepdon_alerts_open{kind="disk_low"} 0.0' in text
    assert "a-kiosk" not in text


def test_a_figure_cannot_keep_the_rest_from_being_read(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While another thread hands in, or the database takes no writes, what is there is shown."""
    figures = client.application.extensions[EXTENSION]
    monkeypatch.setattr(figures, "hand_in", lambda: False)
    assert client.get("/metrics").status_code == 200
