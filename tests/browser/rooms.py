"""Rooms that call and displays that show it, beside a running server on the same database."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, cast

from backend.config import Config
from backend.domain.displays import DisplayKind, DisplayWish
from backend.domain.rooms import RoomReason, RoomState
from backend.services.manage_displays import add_display, list_displays, revoke_display
from backend.services.remote_party import RemoteParty
from backend.services.resources import Resources
from backend.storage.catalogue import CatalogueSource
from backend.storage.crypto import demo_keys
from backend.storage.database import open_database
from his_adapter.ports import HisGateway
from tests.factories.hospital import Hospital
from tests.factories.rooms import Console
from tiepdon.demo.server import DemoServer


class Rooms:
    """What staff do, without their pages."""

    def __init__(self, server: DemoServer) -> None:
        config = Config(database_url=server.database_url, demo=True)
        self.database = open_database(config)
        self.resources = Resources(
            config=config,
            database=self.database,
            keys=demo_keys(),
            catalogue=CatalogueSource(self.database),
            his=cast("HisGateway", None),
            his_party=cast("RemoteParty", None),
            insurer_party=cast("RemoteParty", None),
        )
        catalogue = self.resources.catalogue.get()
        self.ids = {room.code: room.id for room in catalogue.rooms.values()}
        self._hospital = Hospital(self.database, rooms=self.ids)
        self._consoles: dict[str, Console] = {}

    def console(self, code: str) -> Console:
        if code not in self._consoles:
            self._consoles[code] = Console(self.resources, self._hospital, code)
        return self._consoles[code]

    def call(self, code: str) -> str:
        """The next number of the room; whoever was there is done."""
        return self.console(code).next().current[-1].number

    def change(
        self, code: str, *, state: str = "open", minutes: int | None = None, doctor: bool = False
    ) -> None:
        now = self.database.clock()
        people = self.resources.catalogue.get().practitioners
        self.console(code).change(
            state=RoomState(state),
            reason=None if state == "open" else RoomReason.BREAK,
            until=now + timedelta(minutes=minutes) if minutes else None,
            practitioner_id=min(people) if doctor else None,
        )

    def add_display(self, name: str, *codes: str, **wish: Any) -> str:
        """The key of a new display."""
        wanted = DisplayWish(
            name=name,
            kind=wish.pop("kind", DisplayKind.HALL),
            room_ids=tuple(self.ids[code] for code in codes),
            **wish,
        )
        return add_display(
            self.database, self.resources.catalogue.get(), wanted, actor="command"
        ).key

    def revoke_display(self, name: str) -> None:
        (found,) = (each for each in list_displays(self.database) if each.name == name)
        revoke_display(self.database, found.id, actor="command")
