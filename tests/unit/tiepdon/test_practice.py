"""`tiepdon practice` as a process: the hospital's rooms, invented people, and nothing leaves."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from click.testing import CliRunner
from sqlalchemy import func, select

from backend.bootstrap import set_up
from backend.config import load_config
from backend.domain.notice import NOTICE_VERSION
from backend.errors import ConfigError
from backend.services.enrol_kiosk import DEMO_CODE
from backend.services.import_settings import export_settings, import_settings, preview_import
from backend.storage.audit_tables import AuditEvent
from backend.storage.database import Database, open_database
from backend.storage.number_tables import Number
from backend.storage.visit_tables import Visit
from his_adapter.demo.personas import PERSONAS
from tests.lesson import Lesson
from tiepdon.cli import main
from tiepdon.commands.practice import PORT, find_address


@pytest.fixture
def real(tmp_path: Path) -> Iterator[Database]:
    """A hospital at work, with letters of its own."""
    config = load_config(
        {
            "TIEPDON_DEMO": "1",
            "TIEPDON_DB": f"sqlite:///{tmp_path}/real.sqlite3",
            "TIEPDON_HIS_SETTINGS": json.dumps({"folder": str(tmp_path / "real-his")}),
        }
    )
    database = open_database(config)
    set_up(database, config)
    settings = json.loads(export_settings(database))
    settings["settings"]["letters"]["N"] = "G"
    text = json.dumps(settings)
    import_settings(database, text, seen=preview_import(database, text).seen)
    yield database
    database.close()


@pytest.mark.slow
def test_a_lesson_takes_the_rooms_and_touches_nothing(real: Database, tmp_path: Path) -> None:
    before = export_settings(real)
    with Lesson(tmp_path) as lesson:
        page = requests.get(f"{lesson.address}/staff/login", timeout=10).text
        assert "LUYỆN TẬP" in page
        assert lesson.told["pages"] == f"{lesson.address}/staff"
        assert {name for name in lesson.told if "kiosk" in name} == {"kiosk_here"}, (
            "nothing leads there from another machine"
        )
        kiosk = lesson.post("/kiosks/enrol", {"code": DEMO_CODE, "name": "K1"})
        payload = b64encode(PERSONAS[0].payload.encode()).decode()
        notice = {"version": NOTICE_VERSION, "language": "vi", "accepted_at": _now(real)}
        scan = lesson.post(
            "/scans", {"payload_base64": payload, "notice": notice}, token=kiosk["token"]
        )
        auth = {"Authorization": f"Bearer {kiosk['token']}"}
        told = requests.get(f"{lesson.address}/api/v1/kiosk", headers=auth, timeout=10).json()
        assert told["practice"] is True
        services = requests.get(
            f"{lesson.address}/api/v1/services",
            headers=auth,
            timeout=10,
        ).json()["items"]
        service = next(each for each in services if each["name"]["vi"] == "Khám Nội tổng hợp")
        visit = lesson.post(
            "/visits",
            {"scan_id": scan["scan_id"], "service_id": service["id"], "visit_kind": "new"},
            token=kiosk["token"],
        )
    number = visit["ticket"]["number"]
    assert visit["ticket"]["practice"] is True
    assert number.startswith("L"), "nobody may take it for a real one"
    assert number[1:2] in {"G", "U"}, "the letters are the hospital's own"
    with real.read() as connection:
        for table in (Visit, Number):
            assert connection.scalar(select(func.count()).select_from(table)) == 0
        events = set(connection.execute(select(AuditEvent.event)).scalars())
    assert "visit_started" not in events
    assert export_settings(real) == before


def test_a_lesson_and_a_hospital_never_meet(real: Database, tmp_path: Path) -> None:
    his = json.dumps({"folder": str(tmp_path / "his")})
    url = f"sqlite:///{tmp_path}/lesson.sqlite3"
    lesson = load_config({"TIEPDON_PRACTICE": "1", "TIEPDON_DB": url, "TIEPDON_HIS_SETTINGS": his})
    database = open_database(lesson)
    set_up(database, lesson)
    set_up(database, lesson)
    with pytest.raises(ConfigError, match="lessons"):
        set_up(database, load_config({"TIEPDON_DEMO": "1", "TIEPDON_DB": url}))
    database.close()
    with pytest.raises(ConfigError, match="of its own"):
        set_up(real, lesson)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TIEPDON_HIS", "builtin"),
        ("TIEPDON_PUBLIC_BASE", "https://tiepdon.example"),
        ("TIEPDON_AUDIT_HEADS", "heads.txt"),
        ("TIEPDON_CALL_LISTS", "lists"),
        ("TIEPDON_BACKUPS", "/srv/sao-luu-1"),
        ("TIEPDON_INCIDENT_CONTACTS", "contacts.txt"),
    ],
)
def test_no_way_leads_out_of_a_lesson(name: str, value: str) -> None:
    with pytest.raises(ConfigError, match=name):
        load_config({"TIEPDON_PRACTICE": "1", name: value})


def test_no_lesson_is_given_in_production() -> None:
    with pytest.raises(ConfigError, match="production"):
        load_config({"TIEPDON_PRACTICE": "1", "TIEPDON_ENV": "production"})


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (
            "TIEPDON_ALERTS_CONFIG",
            '[smtp]\nhost = "mail.example"\nfrom = "a@example"\nto = ["it@example"]\n',
        ),
        ("TIEPDON_METRICS_TOKEN_FILE", "t" * 40),
    ],
)
def test_nobody_outside_hears_of_a_lesson(name: str, text: str, tmp_path: Path) -> None:
    """Faults made on purpose, such as a kiosk's cable pulled out, are told to no mail or webhook,
    and no monitoring counts them.
    """
    file = tmp_path / "settings"
    file.write_text(text, encoding="ascii")
    with pytest.raises(ConfigError, match=f"{name} is refused in a lesson"):
        load_config({"TIEPDON_PRACTICE": "1", name: str(file)})


@pytest.mark.parametrize("kind", ["bank", "wallet_far_away"])
def test_no_money_moves_in_a_lesson(kind: str, tmp_path: Path) -> None:
    provider, address = {
        "bank": ("vietqr_bank", "http://127.0.0.1:1"),
        "wallet_far_away": ("momo", "https://payment.example"),
    }[kind]
    file = tmp_path / "payments.toml"
    file.write_text(
        f'[[provider]]\nname = "x"\nkind = "{provider}"\nlabel_vi = "X"\nlabel_en = "X"\n'
        f'[provider.settings]\nbase_url = "{address}"\n',
        encoding="utf-8",
    )
    with pytest.raises(ConfigError, match="TIEPDON_PAYMENTS_CONFIG"):
        load_config({"TIEPDON_PRACTICE": "1", "TIEPDON_PAYMENTS_CONFIG": str(file)})


@pytest.mark.parametrize(
    ("given", "port", "found"),
    [
        (None, PORT, "https://tiepdon.example:8444"),
        (None, PORT + 1, None),
        ("https://day.example/", PORT, "https://day.example"),
        ("https://day.example", PORT + 1, "https://day.example"),
    ],
)
def test_an_address_is_told_only_where_it_leads_to_the_lesson(
    given: str | None, port: int, found: str | None
) -> None:
    environ = {"TIEPDON_PRACTICE_ADDRESS": "https://tiepdon.example:8444"}
    assert find_address(given, port, environ) == found
    assert find_address(None, port, {}) is None


@pytest.mark.parametrize("wrong", ["http://day.example", "http://0.0.0.0:8081", "day.example"])
def test_an_address_no_kiosk_would_call_is_refused(wrong: str) -> None:
    done = CliRunner().invoke(main, ["practice", "--address", wrong])
    assert done.exit_code == 2
    assert "must be https://" in done.stderr


def test_beginning_anew_deletes_nothing_but_lessons(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "one.jpg").write_bytes(b"x")
    folder = str(tmp_path / "photos")
    done = CliRunner().invoke(
        main,
        ["practice", "--db", f"sqlite:///{tmp_path}/real.sqlite3", "--anew", "--folder", folder],
    )
    assert done.exit_code == 1
    assert (tmp_path / "photos" / "one.jpg").exists()


def _now(database: Database) -> str:
    return database.clock().isoformat()
