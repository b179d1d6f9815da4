"""The authority of the hospital, with a real TLS server and the kiosk's own way of asking."""

from __future__ import annotations

import http.server
import json
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import requests
from click.testing import CliRunner, Result

from tiepdon.authority import AuthorityRefused, issue, look_at, make_authority, renew
from tiepdon.cli import main

NOW = datetime.now(UTC).replace(microsecond=0)
HOUSE = ("benhvien.example", "127.0.0.0/8", "localhost")


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["ca", *map(str, arguments)])


@pytest.fixture
def authority(tmp_path: Path) -> Path:
    make_authority(tmp_path / "ca", title="Bệnh viện Thử", domains=HOUSE, now=NOW)
    return tmp_path / "ca"


class _Quiet(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_arguments: object) -> None:
        pass


@contextmanager
def serving(certificate: Path) -> Iterator[int]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, certificate.with_suffix(".key"))

    class Server(http.server.HTTPServer):
        def get_request(self) -> tuple[ssl.SSLSocket, object]:
            connection, address = super().get_request()
            return context.wrap_socket(connection, server_side=True), address

        def handle_error(self, *_arguments: object) -> None:
            pass

    server = Server(("127.0.0.1", 0), _Quiet)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def ask(port: int, ca: Path, host: str = "127.0.0.1") -> int:
    with requests.Session() as session:
        session.trust_env = False
        return session.get(f"https://{host}:{port}/", verify=str(ca), timeout=5).status_code


def test_a_kiosk_trusts_what_the_authority_issued(tmp_path: Path) -> None:
    made = run("new", tmp_path / "ca", "--title", "Bệnh viện Thử", "--for", "127.0.0.0/8")
    assert made.exit_code == 0, made.output
    issued = run("issue", tmp_path / "ca", "127.0.0.1", "--out", tmp_path / "tls.crt")
    assert issued.exit_code == 0, issued.output
    assert json.loads(issued.stdout)["names"] == ["127.0.0.1"]
    for key in (tmp_path / "ca" / "ca.key", tmp_path / "tls.key"):
        assert key.stat().st_mode & 0o777 == 0o600
    with serving(tmp_path / "tls.crt") as port:
        assert ask(port, tmp_path / "ca" / "ca.crt") == 204


def test_openssl_agrees_which_looks_at_more_than_python_does(tmp_path: Path) -> None:
    make_authority(tmp_path / "ca", title="Thử", domains=["10.0.0.0/8"], now=NOW)
    make_authority(tmp_path / "ca2", title="Thử", domains=["benhvien.example"], now=NOW)
    for folder, name in (("ca", "10.0.0.5"), ("ca2", "db1.benhvien.example")):
        certificate = tmp_path / f"{folder}.crt"
        issue(tmp_path / folder, [name], certificate, days=9, now=NOW)
        done = subprocess.run(
            ["openssl", "verify", "-x509_strict", "-CAfile", tmp_path / folder / "ca.crt", certificate],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr


def test_a_wrong_name_an_expired_one_and_a_strangers_are_refused(
    authority: Path, tmp_path: Path
) -> None:
    ca = authority / "ca.crt"
    issue(authority, ["kiosk.benhvien.example"], tmp_path / "name.crt", days=9, now=NOW)
    with (
        serving(tmp_path / "name.crt") as port,
        pytest.raises(requests.exceptions.SSLError, match="IP address mismatch"),
    ):
        ask(port, ca)
    past = NOW - timedelta(days=40)
    make_authority(tmp_path / "old", title="Cũ", domains=HOUSE, now=past)
    issue(tmp_path / "old", ["127.0.0.1"], tmp_path / "old.crt", days=39, now=past)
    with (
        serving(tmp_path / "old.crt") as port,
        pytest.raises(requests.exceptions.SSLError, match="expired"),
    ):
        ask(port, tmp_path / "old" / "ca.crt")
    with (
        serving(tmp_path / "old.crt") as port,
        pytest.raises(requests.exceptions.SSLError, match="verify failed"),
    ):
        ask(port, ca)


def test_it_signs_for_its_own_house_only(authority: Path, tmp_path: Path) -> None:
    for name in ("nganhang.example", "evilbenhvien.example", "10.0.0.1"):
        refused = run("issue", authority, name, "--out", tmp_path / "x.crt")
        assert refused.exit_code == 1
        assert "may not sign" in refused.output
    assert not (tmp_path / "x.crt").exists()


def test_clients_refuse_what_a_stolen_key_signed_for_another_house(
    authority: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_authority(tmp_path / "ca2", title="Nhỏ", domains=["benhvien.example"], now=NOW)
    monkeypatch.setattr("tiepdon.authority._may_sign", lambda _ca, _name: True)
    issue(tmp_path / "ca2", ["127.0.0.1"], tmp_path / "stolen.crt", days=9, now=NOW)
    with (
        serving(tmp_path / "stolen.crt") as port,
        pytest.raises(requests.exceptions.SSLError, match="subtree"),
    ):
        ask(port, tmp_path / "ca2" / "ca.crt")


def test_renewal_comes_in_time_with_the_same_names_and_readers(
    authority: Path, tmp_path: Path
) -> None:
    certificate = tmp_path / "tls.crt"
    first = issue(authority, ["a.benhvien.example", "127.0.0.1"], certificate, days=90, now=NOW)
    certificate.with_suffix(".key").chmod(0o640)
    key = certificate.with_suffix(".key").read_bytes()
    early = NOW + timedelta(days=59)
    assert renew(authority, certificate, days=90, days_before=30, now=early) is None
    assert certificate.with_suffix(".key").read_bytes() == key
    due = NOW + timedelta(days=61)
    second = renew(authority, certificate, days=90, days_before=30, now=due)
    assert second is not None
    assert second.names == first.names
    assert second.ends_at == due + timedelta(days=90)
    assert second.fits
    assert certificate.with_suffix(".key").read_bytes() != key
    assert certificate.with_suffix(".key").stat().st_mode & 0o777 == 0o640


def test_one_that_cannot_be_renewed_does_not_keep_the_others_old(
    authority: Path, tmp_path: Path
) -> None:
    certificate = tmp_path / "tls.crt"
    issue(authority, ["localhost"], certificate, days=9, now=NOW)
    done = run("renew", authority, tmp_path / "gone.crt", certificate)
    assert done.exit_code == 1
    assert json.loads(done.stdout)["renewed"] is True
    assert look_at(certificate).ends_at > NOW + timedelta(days=30)


def test_a_renewal_that_stopped_half_way_is_mended_by_the_next(
    authority: Path, tmp_path: Path
) -> None:
    certificate, other = tmp_path / "tls.crt", tmp_path / "other.crt"
    for path in (certificate, other):
        issue(authority, ["127.0.0.1"], path, days=90, now=NOW)
    other.with_suffix(".key").replace(certificate.with_suffix(".key"))
    assert not look_at(certificate).fits
    assert renew(authority, certificate, days=90, days_before=30, now=NOW) is not None
    assert look_at(certificate).fits


def test_an_authority_is_never_overwritten_and_never_outlived(
    authority: Path, tmp_path: Path
) -> None:
    refused = run("new", authority, "--for", "benhvien.example")
    assert refused.exit_code == 1
    assert "nothing was changed" in refused.output
    late = NOW + timedelta(days=365 * 10 - 20)
    with pytest.raises(AuthorityRefused, match="make a new one"):
        issue(authority, ["127.0.0.1"], tmp_path / "tls.crt", days=90, now=late)


@pytest.mark.parametrize("name", ["", "a-.benhvien.example", "a b", "bệnh-viện.example", "*." * 3])
def test_odd_names_are_refused(authority: Path, tmp_path: Path, name: str) -> None:
    assert run("issue", authority, name, "--out", tmp_path / "tls.crt").exit_code == 1
    assert not (tmp_path / "tls.crt").exists()


def test_show_says_what_ends_soon(authority: Path, tmp_path: Path) -> None:
    issue(authority, ["127.0.0.1"], tmp_path / "tls.crt", days=20, now=NOW)
    assert run("show", tmp_path / "tls.crt").exit_code == 0
    late = run("show", tmp_path / "tls.crt", "--within", "30")
    assert late.exit_code == 1
    assert json.loads(late.stdout)["ok"] is False
    (tmp_path / "empty.crt").write_text("")
    assert "cannot be read as a certificate" in run("show", tmp_path / "empty.crt").output
