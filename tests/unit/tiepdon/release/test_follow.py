"""A kiosk machine against the real server over HTTP."""

from __future__ import annotations

import hashlib
import json
import shutil
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, time
from pathlib import Path
from typing import cast

import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from werkzeug.serving import make_server

from backend.app import create_app
from backend.bootstrap import assemble
from backend.domain.alerts import AlertKind
from backend.errors import BundleRefused, ReleaseRefused, ReleaseRolledBack
from backend.services.raise_alert import is_alerted
from backend.services.stage_release import add_release, show_staging, stage_release
from backend.storage.database import Database, open_engine
from backend.web import live
from his_adapter.ports import HisGateway
from tests.factories import releases
from tests.factories.his import ScriptedHis
from tests.factories.hospital import Hospital, make_config
from tests.factories.machine import KEY, Machine
from tests.factories.releases import make_release
from tiepdon.cli import main
from tiepdon.release.follow import Server, follow_release, is_hour
from tiepdon.release.layout import Change, State

pytestmark = pytest.mark.slow


@dataclass
class Hall:
    """One kiosk, and the server it follows."""

    database: Database
    machine: Machine
    folder: Path
    server: Server
    kiosk_id: str

    def offer(self, bundle: Path, version: str) -> Path:
        """To all kiosks; where the server keeps it."""
        kept = self.folder / f"tiepdon-{version}.bundle"
        shutil.copyfile(bundle, kept)
        digest = hashlib.sha256(kept.read_bytes()).hexdigest()
        size = kept.stat().st_size
        add_release(self.database, version=version, sha256=digest, size_bytes=size)
        stage_release(self.database, version=version, scope="all", name="")
        return kept

    def follow(self, *, again: bool = False) -> str | None:
        rules = replace(self.machine.rules, role="kiosk", again=again)
        return follow_release(
            self.server, KEY.public_key(), self.machine.root, self.machine.service, rules
        )

    @property
    def said(self) -> tuple[str | None, str | None, str | None]:
        (stand,) = show_staging(self.database)
        return stand.last, stand.state, stand.reason


@pytest.fixture
def database(sqlite_template: Path, tmp_path: Path) -> Iterator[Database]:
    """One kind is enough here: what the database does is tested with the services."""
    shutil.copy(sqlite_template, tmp_path / "tiepdon.sqlite3")
    engine = open_engine(f"sqlite:///{tmp_path / 'tiepdon.sqlite3'}", pool_size=8)
    database = Database(engine, facility_id="main")
    yield database
    database.close()


@pytest.fixture
def hall(database: Database, machine: Machine, tmp_path: Path) -> Iterator[Hall]:
    hospital = Hospital(database).set_up()
    kiosk, credential = hospital.add_kiosk("K1")
    folder = tmp_path / "releases"
    folder.mkdir()
    resources = assemble(
        replace(make_config(releases=folder), demo=False),
        database=database,
        keys=hospital.keys,
        his=cast("HisGateway", ScriptedHis()),
    )
    app = create_app(resources)
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    machine.role = "kiosk"
    address = Server(url=f"http://127.0.0.1:{server.server_port}", credential=credential)
    yield Hall(database, machine, folder, address, kiosk.id)
    server.shutdown()
    thread.join()
    server.server_close()
    app.extensions[live.EXTENSION].close()
    resources.close()


def test_a_kiosk_comes_to_the_release_of_its_group(hall: Hall) -> None:
    assert hall.follow() is None
    hall.offer(hall.machine.make(), "1.0.0")
    assert hall.follow() == "1.0.0"
    assert (hall.machine.answers, hall.said) == ("1.0.0", ("1.0.0", "installed", None))
    assert hall.follow() is None
    hall.offer(hall.machine.make("1.1.0"), "1.1.0")
    assert hall.follow() == "1.1.0"
    assert hall.machine.answers == "1.1.0"
    assert not list((hall.machine.root.folder / "fetched").glob("*.bundle*"))


def test_a_broken_release_goes_back_once_and_the_it_desk_hears(hall: Hall) -> None:
    hall.machine.install(hall.machine.make())
    hall.offer(hall.machine.make("1.1.0", releases.CRASHES), "1.1.0")
    with pytest.raises(ReleaseRolledBack, match=r"1\.0\.0 runs again"):
        hall.follow()
    assert hall.follow() is None
    assert (hall.machine.root.folder / "ran.txt").read_text().split() == ["1.0.0", "1.1.0", "1.0.0"]
    assert hall.said == ("1.1.0", "rolled_back", "release_rolled_back")
    with hall.database.write() as unit:
        subject = f"kiosk:{hall.kiosk_id}"
        assert is_alerted(unit, AlertKind.RELEASE_ROLLED_BACK, subject=subject)
    hall.offer(hall.machine.make("1.1.1"), "1.1.1")
    assert hall.follow() == "1.1.1"
    with hall.database.write() as unit:
        assert not is_alerted(unit, AlertKind.RELEASE_ROLLED_BACK, subject=subject)


def test_a_server_cannot_give_what_another_key_signed(hall: Hall) -> None:
    hall.machine.install(hall.machine.make())
    foreign = make_release(hall.folder / "x", Ed25519PrivateKey.generate(), "1.1.0")
    hall.offer(foreign, "1.1.0")
    with pytest.raises(BundleRefused, match="signature"):
        hall.follow()
    assert (hall.machine.answers, hall.said[1]) == ("1.0.0", "refused")


def test_a_download_that_broke_off_goes_on(hall: Hall) -> None:
    kept = hall.offer(hall.machine.make(), "1.0.0")
    content = kept.read_bytes()
    fetched = hall.machine.root.folder / "fetched"
    fetched.mkdir(parents=True)
    part = fetched / f"{hashlib.sha256(content).hexdigest()}.bundle.part"
    part.write_bytes(content[:7_000])
    assert hall.follow() == "1.0.0"


def test_a_damaged_download_is_fetched_anew(hall: Hall) -> None:
    kept = hall.offer(hall.machine.make(), "1.0.0")
    content = kept.read_bytes()
    fetched = hall.machine.root.folder / "fetched"
    fetched.mkdir(parents=True)
    part = fetched / f"{hashlib.sha256(content).hexdigest()}.bundle.part"
    part.write_bytes(b"?" * 7_000)
    with pytest.raises(ReleaseRefused, match="fetched anew"):
        hall.follow()
    assert hall.follow() == "1.0.0"


def test_a_passing_cause_does_not_keep_a_release_away(
    hall: Hall, monkeypatch: pytest.MonkeyPatch
) -> None:
    hall.machine.install(hall.machine.make())
    hall.offer(hall.machine.make("1.1.0"), "1.1.0")

    def is_full(folder: Path, manifest: object) -> None:
        raise ReleaseRefused("needs 900 MB of free disk")

    with monkeypatch.context() as patch:
        patch.setattr("tiepdon.release.install._check_room", is_full)
        with pytest.raises(ReleaseRefused, match="free disk"):
            hall.follow()
    assert hall.said == ("1.1.0", "refused", "release_refused")
    assert hall.follow() == "1.1.0"
    assert hall.said == ("1.1.0", "installed", None)


def test_a_person_may_have_a_failed_release_tried_again(hall: Hall) -> None:
    hall.machine.install(hall.machine.make())
    hall.offer(hall.machine.make("1.1.0", releases.CRASHES), "1.1.0")
    for again in (False, True):
        with pytest.raises(ReleaseRolledBack):
            hall.follow(again=again)
    assert hall.follow() is None


def test_the_server_hears_of_a_change_that_a_power_cut_ended(hall: Hall, tmp_path: Path) -> None:
    hall.machine.install(hall.machine.make())
    hall.offer(hall.machine.make("1.1.0"), "1.1.0")
    hall.machine.service.stop()
    hall.machine.root.write_state(State(change=Change(version="1.1.0", before="1.0.0")))
    credential = {"server": hall.server.url, "token": hall.server.credential}
    (tmp_path / "credential.json").write_text(json.dumps(credential))
    (tmp_path / "no.pub").touch()
    done = CliRunner().invoke(
        main,
        [
            "release", "follow", "--backend", hall.server.url, "--key", str(tmp_path / "no.pub"),
            "--data", str(tmp_path), "--root", str(hall.machine.root.folder),
            "--start", hall.machine.service.command,
            "--ready-url", str(hall.machine.service.ready_url),
        ],
    )  # fmt: skip
    assert done.exit_code == 1
    assert "1.0.0 runs again" in done.stderr
    assert hall.said == ("1.1.0", "rolled_back", "release_rolled_back")


def test_a_server_that_is_away_changes_nothing(hall: Hall) -> None:
    hall.machine.install(hall.machine.make())
    away = replace(hall, server=replace(hall.server, url="http://127.0.0.1:9"))
    with pytest.raises(ReleaseRefused, match="away"):
        away.follow()
    stranger = replace(hall, server=replace(hall.server, credential="nobody"))
    with pytest.raises(ReleaseRefused, match="status 401"):
        stranger.follow()
    assert hall.machine.answers == "1.0.0"


def test_the_commands_of_both_sides(hall: Hall, tmp_path: Path) -> None:
    """From the file on the server to the kiosk that runs it, as people type it."""
    key = tmp_path / "own.key"
    url = hall.database.engine.url.render_as_string(hide_password=False)

    def run(*arguments: object) -> list[dict[str, object]]:
        done = CliRunner().invoke(
            main,
            [str(each) for each in arguments],
            env={"TIEPDON_RELEASES": str(hall.folder), "TIEPDON_DB": url},
        )
        assert done.exit_code == 0, done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]

    run("keys", "new-release", key)
    from tiepdon.release.keys import load_release_key

    bundle = make_release(tmp_path / "made", load_release_key(key), "1.4.0")
    run("release", "add", bundle, "--key", f"{key}.pub")
    run("release", "stage", "1.4.0", "--kiosk", "K1")
    data = tmp_path / "data"
    of_kiosk = data / "tiepdon/kiosk/K1"
    of_kiosk.mkdir(parents=True)
    credential = {"server": hall.server.url, "token": hall.server.credential}
    (of_kiosk / "credential.json").write_text(json.dumps(credential))
    followed = run(
        "release", "follow", "--backend", hall.server.url, "--key", f"{key}.pub", "--data", data,
        "--now", "--root", hall.machine.root.folder, "--start", hall.machine.service.command,
        "--ready-url", hall.machine.service.ready_url,
    )  # fmt: skip
    assert followed == [{"ok": True, "installed": "1.4.0", "hour": True}]
    assert hall.machine.answers == "1.4.0"
    release, stand = run("release", "list")
    assert (release["release"], stand["wanted"], stand["state"]) == ("1.4.0", "1.4.0", "installed")


@pytest.mark.parametrize(
    ("hour", "begins", "ends", "is_one"),
    [
        (21, 20, 5, True),
        (4, 20, 5, True),
        (5, 20, 5, False),
        (12, 20, 5, False),
        (12, 11, 13, True),
    ],
)
def test_hours_for_changes(hour: int, begins: int, ends: int, *, is_one: bool) -> None:
    now = datetime(2026, 11, 26, hour, 0)
    assert is_hour(now, time(begins), time(ends)) is is_one
