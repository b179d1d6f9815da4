from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from backend.errors import BundleRefused, ConfigError
from tiepdon.cli import main
from tiepdon.release.keys import check_signature, load_public_key, load_release_key


def test_new_keys_sign_and_check(tmp_path: Path) -> None:
    file = tmp_path / "release.key"
    made = CliRunner().invoke(main, ["keys", "new-release", str(file)])
    assert made.exit_code == 0
    assert file.stat().st_mode & 0o777 == 0o600
    key, public = load_release_key(file), load_public_key(tmp_path / "release.key.pub")
    check_signature(public, b"content", key.sign(b"content"))
    with pytest.raises(BundleRefused):
        check_signature(public, b"other", key.sign(b"content"))


def test_no_key_is_overwritten(tmp_path: Path) -> None:
    file = tmp_path / "release.key"
    CliRunner().invoke(main, ["keys", "new-release", str(file)])
    before = file.read_bytes()
    again = CliRunner().invoke(main, ["keys", "new-release", str(file)])
    assert (again.exit_code, file.read_bytes()) == (1, before)
    file.unlink()
    again = CliRunner().invoke(main, ["keys", "new-release", str(file)])
    assert (again.exit_code, file.exists()) == (1, False)


def test_a_key_that_others_can_read_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "release.key"
    CliRunner().invoke(main, ["keys", "new-release", str(file)])
    file.chmod(0o640)
    with pytest.raises(ConfigError, match="owner only"):
        load_release_key(file)


@pytest.mark.parametrize("content", ["", "{}", "-----BEGIN PRIVATE KEY-----\n"])
def test_what_is_no_key_is_refused(tmp_path: Path, content: str) -> None:
    file = tmp_path / "release.key"
    file.write_text(content)
    file.chmod(0o600)
    with pytest.raises(ConfigError):
        load_release_key(file)
    with pytest.raises(ConfigError):
        load_public_key(file)
    with pytest.raises(ConfigError):
        load_public_key(tmp_path / "none")
