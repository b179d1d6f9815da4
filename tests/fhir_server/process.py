"""Starts the server, fills it, puts it back between tests."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import requests

FOLDER = Path(__file__).parent
_NODE = Path(sys.executable).parent / "node"
_WAIT_S = 60


class FhirServer:
    """`with FhirServer() as server`: an empty FHIR server at `base_url`."""

    def __init__(self) -> None:
        if not (FOLDER / "node_modules").is_dir():
            raise FileNotFoundError("the FHIR server's packages: make setup installs them")
        self._process: subprocess.Popen[str] | None = None
        self._session = requests.Session()
        self._port = 0

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self._port}/fhir"

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [str(_NODE), "server.mjs"],
            cwd=FOLDER,
            stdout=subprocess.PIPE,
            text=True,
            env={"PORT": "0", "PATH": str(_NODE.parent)},
        )
        assert self._process.stdout is not None
        self._port = int(self._process.stdout.readline())
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._session.close()
        if self._process is not None:
            self._process.terminate()
            self._process.wait(_WAIT_S)
            if self._process.stdout is not None:
                self._process.stdout.close()

    def put(self, *resources: dict[str, Any]) -> None:
        """Stored as they are, under their own ids."""
        for resource in resources:
            url = f"{self.base_url}/{resource['resourceType']}/{resource['id']}"
            response = self._session.put(
                url, json=resource, headers={"Content-Type": "application/fhir+json"}, timeout=10
            )
            assert response.status_code < 300, response.text

    def get(self, path: str) -> dict[str, Any]:
        response = self._session.get(f"{self.base_url}/{path}", timeout=10)
        assert response.status_code < 300, response.text
        document: dict[str, Any] = response.json()
        return document

    def keep(self) -> None:
        self._control("keep")

    def reset(self) -> None:
        """Everything is as it was at `keep`, switches off."""
        self._control("reset")

    def switch(self, name: str, on: bool = True) -> None:
        self._control(f"set?{name}={int(on)}")

    def set_clock(self, now: datetime) -> None:
        """The server's clock goes on from there."""
        self._control(f"clock?now={now.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}")

    def _control(self, path: str) -> None:
        url = f"http://127.0.0.1:{self._port}/-/{path}"
        assert self._session.post(url, timeout=10).status_code == 200
