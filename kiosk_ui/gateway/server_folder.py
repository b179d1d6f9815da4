"""Where a machine keeps what belongs to one server: its credential, and what that server waits for.

Another server, such as a lesson's, gets a folder of its own: it neither overwrites the credential
of the first nor is handed its reports and numbers. The server this machine was enrolled at first
has the data folder itself, where everything always was; an older release finds it there too.
"""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from urllib.parse import urlsplit

from kiosk_ui.gateway.credential import find_server_of

CREDENTIAL_FILE = "credential.json"
_OTHERS = "other-servers"


def settle_server_folder(data_dir: Path, server: str) -> Path:
    """The folder of the server at that address, made where there is none. Raises OSError.

    A server that is called by another address is another one.
    """
    folder = data_dir
    if find_server_of(data_dir / CREDENTIAL_FILE) not in {None, server}:
        folder = data_dir / _OTHERS / _name_of(server)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return folder


def _name_of(server: str) -> str:
    """For people to read, and different for each address."""
    readable = re.sub(r"[^A-Za-z0-9.-]+", "-", urlsplit(server).netloc).strip("-.")[:80]
    return f"{readable}-{hashlib.sha256(server.encode()).hexdigest()[:12]}"
