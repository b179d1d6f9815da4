"""Starts the server, fills it, asks it, puts it back between tests."""

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
_DONE = 300
"""From this status on a request was not done."""


class FhirServerError(RuntimeError):
    """The server cannot run here, or did not do as asked."""


class FhirServer:
    """`with FhirServer() as server`: an empty FHIR server at `base_url`.

    Raises FhirServerError where node or the server's packages are missing.
    """

    def __init__(self) -> None:
        if not _NODE.exists():
            raise FhirServerError("the FHIR server needs node: make setup installs it")
        if not (FOLDER / "node_modules").is_dir():
            raise FhirServerError(
                "the FHIR server's packages are missing: make setup installs them"
            )
        self._process: subprocess.Popen[str] | None = None
        self._session = requests.Session()
        # A connection that lies idle is closed over there just when it is used again.
        self._session.headers["Connection"] = "close"
        self._port = 0

    @property
    def port(self) -> int:
        return self._port

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self._port}/fhir"

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [str(_NODE), "server.mjs"],
            cwd=FOLDER,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={"PORT": "0", "PATH": str(_NODE.parent)},
        )
        line = self._process.stdout.readline() if self._process.stdout else ""
        if not line.strip().isdigit():
            self._end()
            raise FhirServerError("the FHIR server did not start")
        self._port = int(line)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._end()

    def _end(self) -> None:
        """What runs as `node` may be a wrapper, so the server itself is told: by its input's end."""
        self._session.close()
        if self._process is None:
            return
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                stream.close()
        self._process.wait(_WAIT_S)

    def put(self, *resources: dict[str, Any]) -> None:
        """Stored as they are, under their own ids."""
        for resource in resources:
            url = f"{self.base_url}/{resource['resourceType']}/{resource['id']}"
            response = self._session.put(
                url, json=resource, headers={"Content-Type": "application/fhir+json"}, timeout=10
            )
            _check_done(response)

    def get(self, path: str) -> dict[str, Any]:
        response = self._session.get(f"{self.base_url}/{path}", timeout=10)
        _check_done(response)
        document: dict[str, Any] = response.json()
        return document

    def find(self, kind: str, **wanted: str) -> list[dict[str, Any]]:
        """Everything of a kind that a search finds, by the server's own REST interface."""
        response = self._session.get(f"{self.base_url}/{kind}", params=wanted, timeout=10)
        _check_done(response)
        return [entry["resource"] for entry in response.json().get("entry", [])]

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
        _check_done(self._session.post(url, timeout=10))


def _check_done(response: requests.Response) -> None:
    if response.status_code >= _DONE:
        raise FhirServerError(f"{response.status_code}: {response.text[:2000]}")
