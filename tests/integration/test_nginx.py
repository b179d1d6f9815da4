"""The real nginx with our configuration and a certificate of our authority, before a real server."""

from __future__ import annotations

import http.client
import subprocess
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import requests

from backend.domain.roles import StaffRole
from backend.storage.database import Database, open_engine
from kiosk_ui.errors import ServerAway
from kiosk_ui.gateway.credential import CredentialFile
from kiosk_ui.gateway.http import HttpGateway
from tests.factories.accounts import Accounts
from tests.nginx import NAME, Nginx
from tiepdon.authority import make_authority
from tiepdon.demo.server import DemoServer, sign_in

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]


class Scene:
    def __init__(self, folder: Path) -> None:
        self.server = DemoServer(folder / "server")
        self.server.start()
        self.nginx = Nginx(folder, self.server.port)
        checked = self.nginx.check()
        assert checked.returncode == 0, checked.stderr
        self.nginx.start()
        self.database = Database(
            open_engine(self.server.database_url, pool_size=1), facility_id="main"
        )
        accounts = Accounts(self.database)
        accounts.add("nv", StaffRole.ROOM_CALLER)
        self.token = accounts.token("nv")
        self.browser = requests.Session()
        self.browser.trust_env = False
        self.browser.verify = self.nginx.ca

    def ask(self, path: str, **options: object) -> requests.Response:
        return self.browser.get(f"{self.nginx.address}{path}", timeout=20, **options)  # type: ignore[arg-type]

    def close(self) -> None:
        self.browser.close()
        self.database.close()
        self.nginx.stop()
        self.server.stop()


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    scene = Scene(tmp_path_factory.mktemp("nginx"))
    yield scene
    scene.close()


def test_live_events_pass_at_once(scene: Scene) -> None:
    with scene.ask(
        "/api/v1/live", headers={"Authorization": f"Bearer {scene.token}"}, stream=True
    ) as stream:
        assert stream.status_code == 200
        lines = stream.iter_lines(chunk_size=1)
        assert next(line for line in lines if b"event:" in line) == b"event: hello"
        took_s = []
        for number in range(5):
            began = time.monotonic()
            scene.database.transact(
                lambda unit, number=number: unit.publish(  # type: ignore[misc]
                    "step_called", subject=f"step:{number}", detail={"number": f"A00{number}"}
                )
            )
            word = f"A00{number}".encode()
            assert next(line for line in lines if word in line)
            took_s.append(time.monotonic() - began)
    print(f"through nginx after {max(took_s) * 1000:.0f} ms at most")
    # A proxy that buffers holds them back for ever; on a calm machine it is a tenth of a second.
    assert sorted(took_s)[len(took_s) // 2] < 1
    assert max(took_s) < 10


def test_pages_and_api_pass_with_the_callers_own_address(scene: Scene) -> None:
    assert scene.ask("/readyz").json() == {"status": "ready"}
    page = scene.ask("/staff/login")
    assert page.status_code == 200
    assert page.headers["Strict-Transport-Security"]
    assert "Secure" in page.headers["Set-Cookie"], "the server knows that TLS is before it"
    assert scene.ask("/api/v1/live").status_code == 401


def test_the_first_page_of_staff_is_where_it_is_told_to_be(scene: Scene) -> None:
    """Docs, printed addresses and every sign-in lead to /staff."""
    with requests.Session() as browser:
        browser.trust_env = False
        browser.verify = scene.nginx.ca
        sign_in(browser, scene.nginx.address, "letan")
        page = browser.get(f"{scene.nginx.address}/staff", timeout=20)
    assert (page.status_code, page.url) == (200, f"{scene.nginx.address}/staff")


def test_a_kiosk_trusts_the_authority_of_the_house_and_no_other(
    scene: Scene, tmp_path: Path
) -> None:
    """The kiosk's own gateway, with what TIEPDON_CA_FILE names."""
    make_authority(
        tmp_path / "other", title="Khác", domains=[NAME], now=datetime.now(UTC) - timedelta(days=1)
    )
    for ca_file, is_trusted in ((scene.nginx.ca, True), (str(tmp_path / "other/ca.crt"), False)):
        credential = CredentialFile(tmp_path / "credential", scene.nginx.address)
        gateway = HttpGateway(scene.nginx.address, credential=credential, ca_file=ca_file)
        try:
            if is_trusted:
                gateway.check()
            else:
                with pytest.raises(ServerAway):
                    gateway.check()
        finally:
            gateway.close()


def test_figures_are_closed_even_to_who_pretends_to_be_this_machine(scene: Scene) -> None:
    for headers in ({}, {"X-Forwarded-For": "127.0.0.1"}, {"X-Real-IP": "127.0.0.1"}):
        assert scene.ask("/metrics", headers=headers).status_code == 404
        # Another way to write it does not reach the figures either.
        for path in ("//metrics", "/%6detrics", "/./metrics"):
            reply = scene.browser.send(_prepared(scene, path, headers), timeout=20)
            assert reply.status_code in {401, 404}, path
    assert requests.get(f"http://127.0.0.1:{scene.server.port}/metrics", timeout=20).ok


def _prepared(scene: Scene, path: str, headers: dict[str, str]) -> requests.PreparedRequest:
    request = requests.Request("GET", f"{scene.nginx.address}/", headers=headers).prepare()
    request.url = f"{scene.nginx.address}{path}"
    return request


def test_plain_http_reaches_nothing(scene: Scene) -> None:
    plain = f"http://127.0.0.1:{scene.nginx.http}"
    moved = requests.get(f"{plain}/staff/login?x=1", timeout=20, allow_redirects=False)
    assert moved.status_code == 301
    assert moved.headers["Location"] == "https://127.0.0.1/staff/login?x=1"
    assert requests.post(f"{plain}/api/v1/visits", json={}, timeout=20).status_code == 403
    bearer = {"Authorization": "Bearer x"}
    assert requests.get(f"{plain}/api/v1/live", headers=bearer, timeout=20).status_code == 403
    # Plain http at the port of TLS.
    wrong = http.client.HTTPConnection("127.0.0.1", scene.nginx.https, timeout=20)
    wrong.request("GET", "/readyz")
    assert wrong.getresponse().status == 400
    wrong.close()


@pytest.mark.parametrize(("most", "works"), [("1.1", False), ("1.2", True), ("1.3", True)])
def test_old_tls_is_refused(scene: Scene, most: str, works: bool) -> None:
    """curl, because this Python warns of the old ones before it tries them."""
    done = subprocess.run(
        [
            "curl", "-s", "--tlsv1.0", "--tls-max", most, "--ciphers", "DEFAULT@SECLEVEL=0",
            "--cacert", scene.nginx.ca, f"{scene.nginx.address}/readyz",
        ],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode == 0) is works


def test_an_oversized_body_is_refused_at_the_door(scene: Scene) -> None:
    bearer = {"Authorization": f"Bearer {scene.token}"}
    big = scene.browser.post(
        f"{scene.nginx.address}/api/v1/visits", data=b"x" * 70_000, headers=bearer, timeout=20
    )
    assert big.status_code == 413
    assert "nginx" in big.text
    command = scene.browser.post(
        f"{scene.nginx.address}/api/v1/kiosk/commands/x/result",
        data=b"x" * 2_800_000,
        headers=bearer,
        timeout=20,
    )
    assert "nginx" not in command.text, "a picture of the screen gets as far as the server"


def test_another_name_is_not_served(scene: Scene) -> None:
    reply = scene.ask("/readyz", headers={"Host": "nganhang.example"})
    assert reply.status_code == 421


def test_no_key_of_a_ticket_stands_in_the_log(scene: Scene) -> None:
    scene.ask("/t/khoa-bi-mat-cua-phieu")
    scene.ask("/d/khoa-cua-man-hinh?x=bi-mat")
    time.sleep(0.2)
    assert '"GET /t/-" 404' in scene.nginx.access_log
    assert "bi-mat" not in scene.nginx.access_log
    assert "khoa-cua" not in scene.nginx.access_log


def test_outside_sees_tickets_and_calls_of_banks_only(scene: Scene) -> None:
    outside = f"https://{NAME}:{scene.nginx.outside}"
    assert "nginx" not in scene.browser.get(f"{outside}/t/khong-co", timeout=20).text
    assert scene.browser.get(f"{outside}/assets/phone.css", timeout=20).ok
    for path in ("/staff/login", "/readyz", "/api/v1/live", "/metrics", "/d/x"):
        assert scene.browser.get(f"{outside}{path}", timeout=20).status_code == 404


def test_a_server_that_starts_again_is_said_kindly(scene: Scene) -> None:
    nobody = scene.nginx.folder / "nobody"
    nobody.mkdir()
    nginx = Nginx(nobody, 9)
    nginx.start()
    try:
        page = requests.get(f"{nginx.address}/staff/login", verify=nginx.ca, timeout=20)
        assert (page.status_code, page.headers["Refresh"]) == (503, "5")
        assert "Vui lòng chờ" in page.content.decode()
        api = requests.get(f"{nginx.address}/api/v1/live", verify=nginx.ca, timeout=20)
        assert (api.status_code, api.json()["status"]) == (503, 503)
        assert api.headers["Content-Type"] == "application/problem+json"
    finally:
        nginx.stop()


def test_http_2_carries_live_events_too(scene: Scene) -> None:
    """Browsers ask for it; `requests` knows HTTP/1.1 only."""
    done = subprocess.run(
        [
            "curl", "-sN", "--http2", "--max-time", "3", "--cacert", scene.nginx.ca,
            "-w", "%{http_version}", "-H", f"Authorization: Bearer {scene.token}",
            f"{scene.nginx.address}/api/v1/live",
        ],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert "event: hello" in done.stdout
    assert done.stdout.endswith("2")
