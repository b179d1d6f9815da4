from __future__ import annotations

import subprocess
import sys

import pytest
import requests

from his_adapter.errors import NotSupported
from his_adapter.json_kiosk import emulator


def test_production_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIEPDON_ENV", "production")
    with pytest.raises(NotSupported):
        emulator.serve(port=0, seed=0)


@pytest.mark.slow
def test_the_command_says_where_it_is_and_answers() -> None:
    command = [sys.executable, "-m", "tiepdon", "emulate", "his-json"]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert child.stdout is not None
        address = child.stdout.readline().strip()
        assert address.startswith("http://127.0.0.1:")
        refused = requests.get(f"{address}/khoa", timeout=10)
        assert refused.json()["LOI"]["LOAI"] == "login"
        assert requests.get(f"{address}/nothing", timeout=10).status_code == 404
    finally:
        child.terminate()
        child.wait(10)
        child.stdout.close()
