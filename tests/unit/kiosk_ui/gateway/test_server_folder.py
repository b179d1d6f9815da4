"""What belongs to one server is never found, changed or handed over at another."""

from __future__ import annotations

from pathlib import Path

import pytest

from kiosk_ui.gateway.credential import CredentialFile
from kiosk_ui.gateway.server_folder import CREDENTIAL_FILE, settle_server_folder

REAL, LESSON = "https://tiepdon.example", "https://tiepdon.example:8444"


def enrol(data: Path, server: str, token: str) -> None:
    CredentialFile(settle_server_folder(data, server) / CREDENTIAL_FILE, server).save(token)


def token_at(data: Path, server: str) -> str | None:
    return CredentialFile(settle_server_folder(data, server) / CREDENTIAL_FILE, server).find()


@pytest.mark.parametrize(("first", "then"), [(REAL, LESSON), (LESSON, REAL)])
def test_each_server_finds_its_own_again(tmp_path: Path, first: str, then: str) -> None:
    data = tmp_path / "data"
    for server in (first, then, "https://other.example", first):
        enrol(data, server, f"token of {server}")
    for server in (first, then, "https://other.example"):
        assert token_at(data, server) == f"token of {server}"


def test_what_an_older_release_left_stays_where_it_is(tmp_path: Path) -> None:
    """A release that is taken back finds its credential too."""
    CredentialFile(tmp_path / CREDENTIAL_FILE, REAL).save("token")
    assert settle_server_folder(tmp_path, LESSON) != tmp_path
    assert settle_server_folder(tmp_path, REAL) == tmp_path


def test_until_it_is_enrolled_an_address_may_be_mistyped(tmp_path: Path) -> None:
    assert settle_server_folder(tmp_path, "https://tiepdn.example") == tmp_path
    assert settle_server_folder(tmp_path, REAL) == tmp_path


@pytest.mark.parametrize("content", ["", "[]", "{", "\x00", '{"server": "x"}', '{"server": 1}'])
def test_a_damaged_credential_is_nobodys(tmp_path: Path, content: str) -> None:
    (tmp_path / CREDENTIAL_FILE).write_text(content)
    assert settle_server_folder(tmp_path, REAL) == tmp_path


def test_addresses_that_look_alike_are_kept_apart(tmp_path: Path) -> None:
    enrol(tmp_path, REAL, "token")
    others = ["https://a.example:1", "https://a.example-1", "http://a.example:1", "https://[::1]:1"]
    others += [f"https://{'a' * 60}.{'b' * 60}.{n}" for n in range(2)]
    folders = {settle_server_folder(tmp_path, other) for other in others}
    assert len(folders) == len(others)
    assert {folder.parent for folder in folders} == {tmp_path / "other-servers"}
    assert all(folder.stat().st_mode & 0o077 == 0 for folder in folders)
