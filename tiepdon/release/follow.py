"""A kiosk runs what its server decided: asks, fetches, installs, and says how it went.

The line brings nothing that is believed: the bundle's signature is, by the public key that lies
on this machine since its first installation.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from datetime import datetime, time
from pathlib import Path

import requests
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from pydantic import BaseModel, ValidationError

from backend.errors import BackendError, BundleRefused, ReleaseRefused, ReleaseRolledBack
from tiepdon.release.archive import CHUNK_BYTES, hash_of
from tiepdon.release.install import Rules, install_bundle
from tiepdon.release.layout import Root
from tiepdon.release.service import Service

CONNECT_S, READ_S = 5, 30
MAX_BUNDLE_BYTES = 4_000_000_000


class _Wanted(BaseModel):
    version: str | None = None
    sha256: str | None = None
    size_bytes: int | None = None


@dataclass(frozen=True, kw_only=True)
class Server:
    """`url` was checked: https, or this very machine."""

    url: str
    credential: str
    ca_file: str | None = None

    def open(self) -> requests.Session:
        session = requests.Session()
        session.headers["Authorization"] = f"Bearer {self.credential}"
        session.verify = self.ca_file or True
        return session


def is_hour(now: datetime, begins: time, ends: time) -> bool:
    """Whether it is the hour for changes; the span may go over midnight."""
    here = now.time()
    return begins <= here < ends if begins <= ends else here >= begins or here < ends


def follow_release(
    server: Server, key: Ed25519PublicKey, root: Root, service: Service, rules: Rules
) -> str | None:
    """The version that was installed just now; None when there was nothing to do.

    Raises ReleaseRefused when the server is away or sends something else, BundleRefused,
    ReleaseRolledBack. After the last two the file is not tried again, unless `rules.again`; what
    was refused for a passing cause (a full disk, a service that does not stop) is.
    """
    with server.open() as session:
        wanted = _ask(session, server)
        current = root.find_current()
        if wanted.version is None or (current and current.version == wanted.version):
            return None
        bundle = _fetch(session, server, root, wanted)
        if not rules.again and _failed_before(root, bundle, wanted.version):
            return None
        try:
            done = install_bundle(bundle, key, root, service, rules)
        except BackendError as error:
            state = "rolled_back" if isinstance(error, ReleaseRolledBack) else "refused"
            _tell(session, server, wanted.version, state, error.code)
            if isinstance(error, (BundleRefused, ReleaseRolledBack)):
                _remember(root, bundle)
            raise
        bundle.unlink(missing_ok=True)
        _tell(session, server, done.version, "installed", None)
        return done.version


def tell_rolled_back(server: Server, version: str, reason: str) -> None:
    """For a change that ended without asking the server: after a power cut."""
    with server.open() as session:
        _tell(session, server, version, "rolled_back", reason)


def _ask(session: requests.Session, server: Server) -> _Wanted:
    try:
        reply = session.get(
            f"{server.url}/api/v1/kiosk/release",
            timeout=(CONNECT_S, READ_S),
            allow_redirects=False,
        )
        if reply.status_code != requests.codes.ok:
            raise ReleaseRefused(f"the server answered with status {reply.status_code}")
        return _Wanted.model_validate_json(reply.content)
    except requests.RequestException as error:
        raise ReleaseRefused(f"the server is away: {type(error).__name__}") from error
    except ValidationError as error:
        raise ReleaseRefused("the server answered with something else") from error


def _fetch(session: requests.Session, server: Server, root: Root, wanted: _Wanted) -> Path:
    """The file as the server described it; a broken download goes on where it stopped."""
    size = wanted.size_bytes or 0
    if not wanted.sha256 or not 0 < size <= MAX_BUNDLE_BYTES:
        raise ReleaseRefused("the server answered with something else")
    folder = root.folder / "fetched"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        whole = folder / f"{wanted.sha256}.bundle"
        if whole.is_file():
            return whole
        for other in folder.glob("*.bundle*"):
            if not other.name.startswith(wanted.sha256):
                other.unlink()
        part = whole.with_suffix(".bundle.part")
        begin = part.stat().st_size if part.is_file() else 0
        if shutil.disk_usage(folder).free < size - begin:
            raise ReleaseRefused("the disk is too full for the new release")
        _download(session, f"{server.url}/api/v1/kiosk/release/{wanted.version}/bundle", part, size)
        if part.stat().st_size != size or hash_of(part) != wanted.sha256:
            part.unlink()
            raise ReleaseRefused("what arrived is not what the server has: fetched anew next time")
        part.replace(whole)
    except requests.RequestException as error:
        raise ReleaseRefused(
            f"the line broke: {type(error).__name__}; goes on next time"
        ) from error
    except OSError as error:
        raise ReleaseRefused(f"{folder} cannot be written: {error.strerror}") from error
    return whole


def _download(session: requests.Session, url: str, part: Path, size: int) -> None:
    begin = part.stat().st_size if part.is_file() else 0
    if begin >= size:
        return
    with session.get(
        url,
        headers={"Range": f"bytes={begin}-"} if begin else {},
        timeout=(CONNECT_S, READ_S),
        allow_redirects=False,
        stream=True,
    ) as reply:
        if reply.status_code not in {requests.codes.ok, requests.codes.partial_content}:
            raise ReleaseRefused(f"the server answered with status {reply.status_code}")
        goes_on = reply.status_code == requests.codes.partial_content
        with part.open("ab" if goes_on else "wb") as file:
            for chunk in reply.iter_content(CHUNK_BYTES):
                file.write(chunk)
                if file.tell() > size:
                    raise ReleaseRefused("the server sends more than it said")
            file.flush()
            os.fsync(file.fileno())


def _tell(
    session: requests.Session, server: Server, version: str, state: str, reason: str | None
) -> None:
    """The change stands whether the server hears of it or not: its heartbeat says the version."""
    try:
        session.post(
            f"{server.url}/api/v1/kiosk/release",
            json={"version": version, "state": state, "reason": reason},
            timeout=(CONNECT_S, READ_S),
            allow_redirects=False,
        )
    except requests.RequestException:
        return


def _mark(root: Root) -> Path:
    return root.folder / "fetched/failed.txt"


def _failed_before(root: Root, bundle: Path, version: str) -> bool:
    """Nobody installs the same broken file again every quarter of an hour."""
    release = root.find_release(version)
    if release is not None and release.digest in root.state.failed:
        return True
    try:
        return bundle.stem in _mark(root).read_text(encoding="ascii").split()
    except OSError:
        return False


def _remember(root: Root, bundle: Path) -> None:
    with _mark(root).open("a", encoding="ascii") as file:
        file.write(f"{bundle.stem}\n")
