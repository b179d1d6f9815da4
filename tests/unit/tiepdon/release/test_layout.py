from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from backend.domain.alerts import AlertKind
from backend.errors import ReleaseRefused
from tiepdon.cli import main
from tiepdon.release.install import Rules, run
from tiepdon.release.layout import Root, read_environment
from tiepdon.release.tell import SUBJECT


def test_settings_are_read_as_systemd_does(tmp_path: Path) -> None:
    file = tmp_path / "server.env"
    file.write_text(
        '# a comment\n\nTIEPDON_DB=postgresql://x?a=b&c=d\nTIEPDON_ENV="production"\nodd\n'
    )
    assert read_environment(file) == {
        "TIEPDON_DB": "postgresql://x?a=b&c=d",
        "TIEPDON_ENV": "production",
    }
    with pytest.raises(ReleaseRefused):
        read_environment(tmp_path / "none")


def test_there_is_always_a_link(tmp_path: Path) -> None:
    root = Root(folder=tmp_path)
    for version in ("1.0", "1.1"):
        root.release_folder(version).mkdir(parents=True)
        root.switch(version)
        assert root.current.readlink() == Path("releases") / version
    assert not list(tmp_path.glob(".current*"))
    root.switch(None)
    assert not root.current.is_symlink()


def test_a_state_that_cannot_be_read_stops_everything(tmp_path: Path) -> None:
    """What was under way is not forgotten because a file is damaged."""
    (tmp_path / "state.json").write_text("{")
    with pytest.raises(ReleaseRefused, match="cannot be read"):
        _ = Root(folder=tmp_path).state


def test_commands_on_the_database_run_as_an_account_of_this_machine() -> None:
    with pytest.raises(ReleaseRefused, match="no account nobody-of-that-name"):
        run(["true"], "it", Rules(user="nobody-of-that-name", environ={"PATH": "/usr/bin:/bin"}))


@pytest.mark.parametrize("deed", ["raise", "clear"])
def test_the_it_desk_is_told_by_a_command_that_is_there(deed: str) -> None:
    words = ["alerts", deed, AlertKind.RELEASE_ROLLED_BACK.value, "--subject", SUBJECT, "--help"]
    assert CliRunner().invoke(main, words).exit_code == 0
