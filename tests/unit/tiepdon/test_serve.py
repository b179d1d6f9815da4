"""The real thing: `tiepdon serve` as processes, over HTTP on the loopback."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests

from tiepdon.demo.server import sign_in

pytestmark = pytest.mark.slow

TIEPDON = (sys.executable, "-c", "from tiepdon.cli import main; main()")


class Served:
    def __init__(self, folder: Path, *options: str, **environ: str) -> None:
        clean = {k: v for k, v in os.environ.items() if not k.startswith("TIEPDON_")}
        with (folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [
                    *TIEPDON, "serve", "--port", "0",
                    "--db", f"sqlite:///{folder}/server.sqlite3", *options,
                ],
                env=clean | environ,
                cwd=folder,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )  # fmt: skip

    def wait_until_ready(self) -> str:
        assert self.process.stdout is not None
        address = str(json.loads(self.process.stdout.readline())["address"])
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            if requests.get(f"{address}/readyz", timeout=20).ok:
                return address
            time.sleep(0.1)
        raise AssertionError("not ready")

    def children(self) -> list[int]:
        path = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        others = Path(f"/proc/{self.process.pid}/task").glob("*/children")
        pids = {int(pid) for file in {path, *others} for pid in file.read_text().split()}
        return sorted(pids)

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait(40)
        if self.process.stdout is not None:
            self.process.stdout.close()


def is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def wait_for(condition: object, timeout_s: float = 40.0) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < deadline
        time.sleep(0.1)


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    served = Served(tmp_path, "--demo", "--workers", "2")
    yield served
    served.stop()


def enrol(address: str, code: str = "DEMO-KIOSK") -> requests.Response:
    body = {"code": code, "name": "K1"}
    return requests.post(f"{address}/api/v1/kiosks/enrol", json=body, timeout=20)


def test_a_demo_is_served_survives_a_crash_and_stops_in_order(served: Served) -> None:
    address = served.wait_until_ready()
    credential = enrol(address).json()["token"]
    headers = {"Authorization": f"Bearer {credential}"}
    listed = requests.get(f"{address}/api/v1/services", headers=headers, timeout=20).json()
    assert len(listed["items"]) >= 10
    assert requests.get(f"{address}/t/none", timeout=20).status_code == 404

    before = served.children()
    assert len(before) == 3  # two web workers and the jobs
    for pid in before:
        os.kill(pid, signal.SIGKILL)
    wait_for(lambda: len([pid for pid in served.children() if pid not in before]) == 3)
    wait_for(lambda: requests.get(f"{address}/readyz", timeout=20).ok)
    assert requests.get(f"{address}/api/v1/kiosk", headers=headers, timeout=20).ok

    children = served.children()
    served.process.terminate()
    assert served.process.wait(40) == 0
    wait_for(lambda: not any(is_alive(pid) for pid in children))


def test_children_do_not_outlive_a_killed_parent(served: Served) -> None:
    served.wait_until_ready()
    children = served.children()
    served.process.kill()
    wait_for(lambda: not any(is_alive(pid) for pid in children))


def test_without_keys_nothing_is_served(tmp_path: Path) -> None:
    served = Served(tmp_path)
    assert served.process.wait(60) == 1
    served.stop()
    assert "TIEPDON_KEYS_FILE" in (tmp_path / "log").read_text()


def test_a_demo_is_not_for_production(tmp_path: Path) -> None:
    served = Served(tmp_path, "--demo", TIEPDON_ENV="production")
    assert served.process.wait(60) == 1
    served.stop()


def test_demo_codes_are_refused_without_the_demo(tmp_path: Path) -> None:
    keys = tmp_path / "keys.json"
    subprocess.run([*TIEPDON, "keys", "new", keys], check=True)
    served = Served(tmp_path, "--workers", "1", TIEPDON_KEYS_FILE=str(keys))
    try:
        address = served.wait_until_ready()
        assert enrol(address).status_code == 403
        with requests.Session() as browser, pytest.raises(requests.HTTPError, match="401"):
            sign_in(browser, address, "letan")
    finally:
        served.stop()


def test_callers_who_stop_half_way_do_not_hold_the_server(served: Served) -> None:
    address = urlsplit(served.wait_until_ready())
    half = b"POST /api/v1/scans HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n"
    with ExitStack() as stack:
        for end in (b"", b"\r\n{") * 16:  # in the headers, in the body
            line = stack.enter_context(socket.create_connection((address.hostname, address.port)))
            line.sendall(half + end)
        assert requests.get(f"{address.geturl()}/healthz", timeout=30).ok
