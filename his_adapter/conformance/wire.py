"""Where the adapter reaches its HIS: the one setting that the kit may point elsewhere."""

from __future__ import annotations

import copy
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from his_adapter.conformance.proxy import Codec, FaultProxy, HttpCodec, MllpCodec, Upstream
from his_adapter.errors import GatewayMisconfigured


@dataclass(frozen=True, kw_only=True)
class Wire:
    """`path` leads to the setting, whose value is a URL or HOST:PORT."""

    path: tuple[str, ...]
    address: str

    @property
    def is_http(self) -> bool:
        return self.address.startswith(("http://", "https://"))

    @property
    def is_tls(self) -> bool:
        return self.address.startswith(("https://", "tls://", "mllps://"))

    def open_proxy(self, *, ca_file: str | None = None) -> FaultProxy:
        """A proxy before the HIS. Certificates of the HIS are checked, as the adapter does."""
        parts = _split(self.address)
        tls = ssl.create_default_context(cafile=ca_file) if self.is_tls else None
        port = parts.port or (443 if self.is_tls else 80)
        codec: Codec = HttpCodec() if self.is_http else MllpCodec()
        return FaultProxy(Upstream(host=parts.hostname or "", port=port, tls=tls), codec=codec)

    def pointed_at(
        self, settings: Mapping[str, Any], port: int, *, tls: bool = False
    ) -> dict[str, Any]:
        """The settings with the address of a port of this machine in place of the HIS's."""
        parts = _split(self.address)
        here = f"127.0.0.1:{port}"
        if self.is_http:
            here = parts._replace(scheme="https" if tls else "http", netloc=here).geturl()
        elif "://" in self.address:
            here = parts._replace(scheme=parts.scheme.removesuffix("s"), netloc=here).geturl()
        return with_setting(settings, self.path, here)


def find_wire(settings: Mapping[str, Any], name: str | None) -> Wire | None:
    """None when no setting was named. Raises GatewayMisconfigured when it is not there."""
    if name is None:
        return None
    path = tuple(name.split("."))
    value: Any = settings
    for part in path:
        value = value.get(part) if isinstance(value, Mapping) else None
    if not isinstance(value, str) or _split(value).hostname is None:
        raise GatewayMisconfigured(f"[certify] proxied_setting: {name} holds no address")
    return Wire(path=path, address=value)


def with_setting(settings: Mapping[str, Any], path: tuple[str, ...], value: Any) -> dict[str, Any]:
    """A copy in which one setting, however deep, has another value."""
    changed: dict[str, Any] = copy.deepcopy(dict(settings))
    place = changed
    for part in path[:-1]:
        place = place.setdefault(part, {})
    place[path[-1]] = value
    return changed


def _split(address: str) -> Any:
    return urlsplit(address if "://" in address else f"tcp://{address}")
