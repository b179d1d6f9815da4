"""A HIS behind views and procedures of its own database. docs/how-to/his-sql-views.md says how."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import version as package_version
from typing import Any

from his_adapter.errors import HisError
from his_adapter.models import Capabilities, Facility, Health, HealthState
from his_adapter.ports import HisGateway
from his_adapter.sql_views.config import read_settings
from his_adapter.sql_views.database import Database
from his_adapter.sql_views.queries import checked_statements
from his_adapter.sql_views.write_calls import WriteCalls


class SqlViewsGateway(WriteCalls):
    """Declares what is configured, nothing else. Safe from several threads."""

    def capabilities(self) -> Capabilities:
        facility = self._config.facility
        return Capabilities(
            features=self._features,
            facility=Facility(
                code=facility.code,
                name_vi=facility.name_vi,
                name_en=facility.name_en or facility.name_vi,
                hotline=facility.hotline,
            ),
            max_limit=self._config.max_limit,
            adapter="sql_views",
            adapter_version=package_version("tiepdon"),
            his_version=self._config.his_version,
        )

    def health(self) -> Health:
        try:
            latency_ms = self._database.ping()
        except HisError as error:
            return Health(state=HealthState.DOWN, cause=error.code)
        return Health(state=HealthState.OK, latency_ms=latency_ms)

    def close(self) -> None:
        self._database.close()


def open_gateway(settings: Mapping[str, Any]) -> HisGateway:
    """Raises GatewayMisconfigured; a database that is away is for `health` to say."""
    config = read_settings(settings)
    statements, features = checked_statements(config.reads, config.writes)
    return SqlViewsGateway(config, Database(config, statements), features)
