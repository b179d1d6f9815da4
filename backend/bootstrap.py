"""Builds what a process works with, and picks the HIS adapter through its registry."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from sqlalchemy import select

from backend.config import Config
from backend.domain.numbering import find_numbering_fault
from backend.errors import ConfigError
from backend.services.payment_methods import party_of
from backend.services.remote_party import RemoteParty
from backend.services.resources import Resources
from backend.services.share_answering import share_answering
from backend.services.sync_catalogue import sync_catalogue
from backend.storage.catalogue import CatalogueSource, load_catalogue
from backend.storage.catalogue_tables import Facility
from backend.storage.crypto import Keys, demo_keys, load_keys
from backend.storage.database import Clock, Database, open_database, system_clock
from backend.storage.migrate import find_revision, is_at_head, migrate
from his_adapter.ports import HisGateway, Insurer
from his_adapter.registry import open_gateway, open_insurer
from payments.ports import PaymentProvider
from payments.registry import open_providers


def build_resources(config: Config, *, clock: Clock = system_clock) -> Resources:
    """Opens no connection yet. Raises ConfigError, GatewayMisconfigured for HIS and insurer,
    ProviderMisconfigured for banks and wallets.
    """
    return assemble(
        config,
        database=open_database(config, clock=clock),
        keys=open_keys(config),
        his=open_gateway(config.his_adapter, config.his_settings),
        insurer=open_insurer(config.insurer, config.insurer_settings) if config.insurer else None,
        providers=open_providers(config.payments, clock=clock),
    )


def assemble(
    config: Config,
    *,
    database: Database,
    keys: Keys,
    his: HisGateway,
    insurer: Insurer | None = None,
    providers: Mapping[str, PaymentProvider] | None = None,
) -> Resources:
    """Resources around parts that are there already; tests bring their own."""
    return Resources(
        config=config,
        database=database,
        keys=keys,
        catalogue=CatalogueSource(database),
        his=his,
        his_party=RemoteParty(
            "his", max_calls=config.threads, tell=partial(share_answering, database, "his")
        ),
        insurer_party=RemoteParty(
            "insurer", max_calls=config.threads, tell=partial(share_answering, database, "bhxh")
        ),
        insurer=insurer,
        providers=providers or {},
        provider_parties={
            name: RemoteParty(
                name,
                max_calls=config.threads,
                tell=partial(share_answering, database, party_of(name)),
            )
            for name in providers or {}
        },
    )


def open_keys(config: Config) -> Keys:
    """Demo keys only where a demo runs without keys of its own."""
    if config.keys_file is not None:
        return load_keys(config.keys_file)
    return demo_keys()


def set_up(database: Database, config: Config) -> None:
    """Makes a database ready: its tables, its facility.

    Raises ConfigError when the settings of the facility cannot stand or lessons and patients would
    meet, HisError or GatewayMisconfigured when the HIS cannot say for the first time what the
    facility offers; later the stored catalogue serves while the HIS is away.
    """
    migrate(database.engine)
    if not _has_facility(database):
        his = open_gateway(config.his_adapter, config.his_settings)
        try:
            sync_catalogue(database, his, practice=config.practice)
        finally:
            his.close()
    _check_settings(database, practice=config.practice)


def check_shape(database: Database) -> None:
    """For commands beside a server: it alone changes a shape, theirs may be another release.

    An empty database is left to whoever comes first. Raises ConfigError, StorageUnavailable.
    """
    revision = find_revision(database.engine)
    if revision is not None and not is_at_head(database.engine):
        raise ConfigError(
            f"the database has the shape of another release ({revision}): use that release's command,"
            " or start the server of this one first"
        )


def _check_settings(database: Database, *, practice: bool) -> None:
    """Two people with one number must not be possible, nor a lesson among patients."""
    with database.read() as connection:
        catalogue = load_catalogue(connection, database.facility_id)
    if catalogue.practice and not practice:
        raise ConfigError("this database is for lessons: `tiepdon practice` serves it")
    if practice and not catalogue.practice:
        raise ConfigError("TIEPDON_PRACTICE takes a database of its own, not the hospital's")
    letters = [service.series_letter for service in catalogue.services.values()]
    settings = catalogue.settings
    fault = find_numbering_fault(settings.numbering, settings.letter_beside_his, letters)
    if fault is not None:
        raise ConfigError(f"the settings of the facility: {fault}")


def _has_facility(database: Database) -> bool:
    with database.read() as connection:
        return (
            connection.scalar(select(Facility.id).where(Facility.id == database.facility_id))
            is not None
        )
