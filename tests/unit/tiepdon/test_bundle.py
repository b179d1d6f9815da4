from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tests.factories import releases
from tests.factories.releases import make_release
from tiepdon.cli import main
from tiepdon.release.keys import load_release_key


def run(*arguments: object, **environ: str) -> Result:
    return CliRunner().invoke(main, [str(each) for each in arguments], env=environ)


@pytest.fixture
def key(tmp_path: Path) -> Path:
    file = tmp_path / "release.key"
    assert run("keys", "new-release", file).exit_code == 0
    return file


def test_verify_says_what_it_is(tmp_path: Path, key: Path) -> None:
    bundle = make_release(tmp_path, load_release_key(key))
    verified = run("bundle", "verify", bundle, "--key", f"{key}.pub")
    assert verified.exit_code == 0
    assert json.loads(verified.stdout)["version"] == "1.0.0"


def test_verify_says_what_is_wrong(tmp_path: Path, key: Path) -> None:
    bundle = make_release(tmp_path, load_release_key(key))
    other = tmp_path / "other.key"
    run("keys", "new-release", other)
    refused = run("bundle", "verify", bundle, "--key", f"{other}.pub")
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert "another key [bundle_refused]" in refused.stderr
    with bundle.open("r+b") as file:
        file.truncate(5_000)
    refused = run("bundle", "verify", bundle, "--key", f"{key}.pub")
    assert (refused.exit_code, "cut off" in refused.stderr) == (1, True)


def test_install_refuses_a_wrong_signature(tmp_path: Path, key: Path) -> None:
    bundle = make_release(tmp_path, load_release_key(key))
    other = tmp_path / "other.key"
    run("keys", "new-release", other)
    root = tmp_path / "opt"
    refused = run("bundle", "install", bundle, "--key", f"{other}.pub", "--root", root)
    assert (refused.exit_code, "[bundle_refused]" in refused.stderr) == (1, True)
    assert not (root / "current").exists()


def test_wrong_use(tmp_path: Path, key: Path) -> None:
    bundle = make_release(tmp_path, load_release_key(key))
    place = ["--key", f"{key}.pub", "--root", tmp_path / "opt"]
    both = run("bundle", "install", bundle, *place, "--unit", "a", "--start", "b")
    assert both.exit_code == 2
    assert run("bundle", "rollback", *place[2:]).exit_code == 2
    assert run("bundle", "settle", *place[2:]).exit_code == 2
    packages = run("bundle", "install", bundle, *place, "--system-packages")
    assert "without packages of Debian" in packages.stderr


@pytest.mark.slow
def test_a_unit_of_systemd_is_stopped_started_and_taken_back(
    tmp_path: Path, key: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a systemctl that writes down what it is asked, and fails for 1.1.0."""
    root, asked = tmp_path / "opt", tmp_path / "asked.txt"
    fake = tmp_path / "bin/systemctl"
    fake.parent.mkdir()
    fake.write_text(
        f'#!/bin/sh\necho "$*" >> {asked}\n'
        f'case "$1 $(readlink {root}/current)" in "start releases/1.1.0") exit 1;; esac\n'
    )
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{fake.parent}:/usr/bin:/bin")
    monkeypatch.setattr("tiepdon.release.service.SystemdService.steady_s", 0.1, raising=False)
    calls = tmp_path / "calls.txt"
    (tmp_path / "env").write_text(f"# none of the server\nCALLS={calls}\n")
    place = [
        "--key",
        f"{key}.pub",
        "--root",
        root,
        "--unit",
        "tiepdon.service",
        "--env-file",
        tmp_path / "env",
    ]
    good = make_release(tmp_path, load_release_key(key))
    assert run("bundle", "install", good, *place).exit_code == 0
    bad = make_release(tmp_path, load_release_key(key), "1.1.0", releases.GOOD)
    for _twice in range(2):
        failed = run("bundle", "install", bad, *place)
        assert failed.exit_code == 1
        assert "1.0.0 runs again [release_rolled_back]" in failed.stderr
    words = asked.read_text().splitlines()
    assert words[:4] == [
        "stop tiepdon.service",
        "reset-failed tiepdon.service",
        "start tiepdon.service",
        "is-active --quiet tiepdon.service",
    ]
    listed = [
        json.loads(line) for line in run("bundle", "list", "--root", root).stdout.splitlines()
    ]
    assert {each["version"]: (each["runs"], bool(each["failed"])) for each in listed} == {
        "1.0.0": (True, False),
        "1.1.0": (False, True),
    }
    better = make_release(tmp_path, load_release_key(key), "1.1.1")
    assert run("bundle", "install", better, *place).exit_code == 0
    alerts = [line for line in calls.read_text().splitlines() if "alert" in line]
    assert alerts == [
        "1.0.0 alerts clear release_rolled_back --subject server",
        "1.0.0 alerts raise release_rolled_back --subject server",
        "1.0.0 alerts raise release_rolled_back --subject server",
        "1.1.1 alerts clear release_rolled_back --subject server",
    ]
