"""What the use cases of one process work with, built once by `backend.bootstrap`."""

from __future__ import annotations

from dataclasses import dataclass, field

from backend.config import Config
from backend.storage.crypto import Keys
from backend.storage.database import Database
from his_adapter.ports import HisGateway


@dataclass(frozen=True, kw_only=True)
class Resources:
    config: Config
    database: Database
    keys: Keys = field(repr=False)
    his: HisGateway
