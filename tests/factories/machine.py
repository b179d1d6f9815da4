"""A machine that releases are installed on, in a folder."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass, field, replace
from pathlib import Path

import requests
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.factories.releases import make_release
from tiepdon.release.install import Rules, install_bundle
from tiepdon.release.layout import Root
from tiepdon.release.service import CommandService

KEY = Ed25519PrivateKey.generate()


def free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])


@dataclass
class Machine:
    folder: Path
    port: int = field(default_factory=free_port)
    role: str = "server"
    notifies: bool = False

    @property
    def root(self) -> Root:
        return Root(folder=self.folder / "opt")

    @property
    def rules(self) -> Rules:
        environ = {"PATH": os.environ["PATH"], "CALLS": str(self.folder / "calls.txt")}
        return Rules(role=self.role, wait_s=6, environ=environ)  # type: ignore[arg-type]

    @property
    def service(self) -> CommandService:
        return CommandService(
            folder=self.root.folder,
            command=f"current/.venv/bin/tiepdon serve {self.port}",
            ready_url=None if self.notifies else f"http://127.0.0.1:{self.port}/readyz",
            environ=self.rules.environ,
            steady_s=0.3,
        )

    def make(self, *args: object, **more: object) -> Path:
        return make_release(self.folder, KEY, *args, **more)  # type: ignore[arg-type]

    def install(self, bundle: Path, **rules: object) -> str:
        changed = replace(self.rules, **rules)  # type: ignore[arg-type]
        return install_bundle(bundle, KEY.public_key(), self.root, self.service, changed).version

    @property
    def answers(self) -> str | None:
        try:
            return requests.get(f"http://127.0.0.1:{self.port}/readyz", timeout=2).text
        except requests.RequestException:
            return None

    @property
    def linked(self) -> str | None:
        current = self.root.find_current()
        return current.version if current else None

    @property
    def calls(self) -> list[str]:
        return (self.folder / "calls.txt").read_text().splitlines()
