"""What the use cases of one process work with, built once by `backend.bootstrap`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from backend.config import Config
from backend.services.remote_party import RemoteParty
from backend.storage.catalogue import CatalogueSource
from backend.storage.crypto import Keys
from backend.storage.database import Database
from backend.voice.speaker import Speaker, open_speaker
from his_adapter.ports import HisGateway, Insurer
from payments.ports import PaymentProvider


@dataclass(frozen=True, kw_only=True)
class Resources:
    config: Config
    database: Database
    keys: Keys = field(repr=False)
    catalogue: CatalogueSource
    his: HisGateway
    his_party: RemoteParty
    insurer_party: RemoteParty
    """Apart from the HIS: an insurer that hangs must not keep people from being found."""
    insurer: Insurer | None = None
    """The insurer's own gateway; without one the HIS is asked about cards."""
    providers: Mapping[str, PaymentProvider] = field(default_factory=dict)
    """Banks and wallets by name, in the order patients are offered them."""
    provider_parties: Mapping[str, RemoteParty] = field(default_factory=dict)
    """Each apart: a wallet that hangs must not keep anybody from paying at a bank."""

    @cached_property
    def his_wants_person(self) -> bool:
        """A HIS that knows somebody is told of them all the same; does not change as it runs."""
        return self.his.capabilities().wants_person

    @cached_property
    def speaker(self) -> Speaker:
        """Opened when first wanted: many processes never speak."""
        return open_speaker(
            clips_folder=self.config.clips_folder, packs_folder=self.config.packs_folder
        )

    def close(self) -> None:
        """In this order: who still waits for an answer may write it down before the database goes.

        Takes a few seconds at most.
        """
        self.his_party.close()
        self.insurer_party.close()
        for party in self.provider_parties.values():
            party.close()
        for provider in self.providers.values():
            provider.close()
        if self.insurer is not None:
            self.insurer.close()
        self.his.close()
        self.database.close()
