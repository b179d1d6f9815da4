from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter

from his_adapter.builtin.catalogue import Catalogue
from his_adapter.demo.hospital import Hours, demo_catalogue
from his_adapter.hl7_v2.config import read_config
from his_adapter.hl7_v2.gateway import Hl7Gateway
from tests.unit.his_adapter.hl7_v2.peer import Peer, Respond

MONDAY_MORNING = datetime(2026, 1, 5, 2, 0, tzinfo=UTC)
Connect = Callable[..., tuple[Peer, Hl7Gateway]]


@pytest.fixture(scope="session")
def catalogue_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("hl7") / "catalogue.json"
    file.write_bytes(TypeAdapter(Catalogue).dump_json(demo_catalogue(Hours.ALWAYS)))
    return file


@pytest.fixture
def connect(catalogue_file: Path) -> Iterator[Connect]:
    """A gateway to a peer that answers as it is told."""
    with ExitStack() as stack:

        def connected(respond: Respond, **settings: Any) -> tuple[Peer, Hl7Gateway]:
            peer = stack.enter_context(Peer(respond, tls=settings.pop("peer_tls", None)))
            config = {
                "address": peer.address,
                "catalogue_file": str(catalogue_file),
                "read_timeout_s": 0.5,
                "write_timeout_s": 0.5,
                **settings,
            }
            gateway = Hl7Gateway(read_config(config), clock=lambda: MONDAY_MORNING)
            stack.callback(gateway.close)
            return peer, gateway

        yield connected
