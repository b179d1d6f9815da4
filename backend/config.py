"""Settings of one server process, read once from the environment and checked at start.

| Variable                | Meaning                                             | Default             |
|-------------------------|-----------------------------------------------------|---------------------|
| TIEPDON_DB              | sqlite:///FILE or postgresql://…                    | ./tiepdon.sqlite3   |
| TIEPDON_KEYS_FILE       | JSON file with versioned keys (`tiepdon keys new`)  | none: refused       |
| TIEPDON_DEMO            | 1: demo hospital, demo keys, demo codes             | off                 |
| TIEPDON_ENV             | production refuses everything of the demo           | empty               |
| TIEPDON_HIS             | name of the HIS adapter                             | builtin (demo: demo)|
| TIEPDON_HIS_SETTINGS    | JSON object handed to the adapter                   | {}                  |
| TIEPDON_HIS_CONFIG      | TOML file with adapter and settings, instead of both| none                |
| TIEPDON_INSURER_CONFIG  | TOML file with the way to the insurer's gateway     | none: the HIS asks  |
| TIEPDON_PAYMENTS_CONFIG | TOML file with banks and wallets, in their order     | none: cash only     |
| TIEPDON_ALERTS_CONFIG   | TOML file: whom alerts are told to (alerts_file)    | none: page only     |
| TIEPDON_BACKUPS         | folders of backups, parted by a colon: IT is told   | none: not watched   |
|                         | when one has no fresh backup                        |                     |
| TIEPDON_LOGS            | folder whose disk must not run full of logs         | none: not watched   |
| TIEPDON_CALL_LISTS      | folder for call lists of all rooms, to go on from   | none: not written   |
| TIEPDON_AUDIT_HEADS     | file that heads of the audit chain are added to,    | none: not written   |
|                         | to be copied off the host                           |                     |
| TIEPDON_INCIDENT_CONTACTS | text file: whom to tell of an incident            | a sheet to fill in  |
| TIEPDON_PUBLIC_BASE     | address before /t/{token} in the ticket's QR        | none: token alone   |
| TIEPDON_OIDC_ISSUER     | https://… of the hospital's own sign-on (OpenID)    | none                |
| TIEPDON_OIDC_CLIENT_ID  | our name there                                      | none                |
| TIEPDON_OIDC_CLIENT_SECRET_FILE | file with our secret there                  | none                |
| TIEPDON_PASSWORD_MAX_DAYS | after so many days a password is chosen anew  | 0: never            |
| TIEPDON_REQUIRE_SECOND_FACTOR | 1: every account needs a second factor       | role `it` only      |
| TIEPDON_METRICS_TOKEN_FILE | file with the token for /metrics from elsewhere  | none: loopback only |
| TIEPDON_SPEED           | tests: pauses of the outbox, and before a card is   | 1, and 1 only in    |
|                         | asked about again, are so many times shorter        | production          |
| TIEPDON_PRACTICE        | 1: lessons; `tiepdon practice` sets it              | none                |
| TIEPDON_RELEASES        | folder of the bundles that kiosks fetch             | releases in         |
|                         |                                                     | TIEPDON_DATA        |
| TIEPDON_DATA            | folder for clips of the voice, made and recorded    | tiepdon-data beside |
|                         |                                                     | the SQLite database |

What belongs to a facility (series, sessions, priority table, texts) is data in the database.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from backend.alerts_file import Channel, read_alerts_file
from backend.errors import ConfigError
from his_adapter.config_file import read_config_file
from his_adapter.errors import GatewayMisconfigured
from payments.config_file import ProviderEntry
from payments.config_file import read_config_file as read_payments_file
from payments.errors import ProviderMisconfigured

DEFAULT_DATABASE_URL = "sqlite:///tiepdon.sqlite3"
DATABASE_SCHEMES = ("sqlite:///", "postgresql://", "postgresql+psycopg://")
DEFAULT_FACILITY_ID = "main"
MIN_TOKEN_CHARS = 24
LOOPBACK = ("127.0.0.1", "::1", "localhost")


@dataclass(frozen=True, kw_only=True)
class SingleSignOn:
    """`name_claim` holds the name of an account made here; people must not be able to choose it."""

    issuer: str
    client_id: str
    client_secret: str = field(repr=False)
    name_claim: str = "preferred_username"


@dataclass(frozen=True, kw_only=True)
class Config:
    database_url: str = field(default=DEFAULT_DATABASE_URL, repr=False)
    keys_file: Path | None = None
    demo: bool = False
    practice: bool = False
    """Lessons with invented people: a demo of this hospital, from which nothing leaves."""
    his_adapter: str = "builtin"
    his_settings: Mapping[str, Any] = field(default_factory=dict, repr=False)
    his_certify: Mapping[str, Any] = field(default_factory=dict, repr=False)
    """Facts about a marker patient, for the self-test at start."""
    insurer: str | None = None
    """Name of the way to the insurer's gateway; None leaves the look-up to the HIS."""
    insurer_settings: Mapping[str, Any] = field(default_factory=dict, repr=False)
    payments: tuple[ProviderEntry, ...] = field(default=(), repr=False)
    """Banks and wallets, in the order patients are offered them."""
    public_base: str | None = None
    metrics_token: str | None = field(default=None, repr=False)
    """What others than this machine show to read `/metrics`; without one they cannot."""
    call_lists: Path | None = None
    """Where lists of all rooms are written again and again; nothing of a person is in them."""
    audit_heads: Path | None = None
    """Lines are added to it and never changed."""
    alert_channels: tuple[Channel, ...] = field(default=(), repr=False)
    backups: tuple[Path, ...] = ()
    """Folders where a fresh backup has to lie each day."""
    logs: Path | None = None
    incident_contacts: Path | None = None
    """Put into every incident pack; read when one is made, so that it may be changed any time."""
    facility_id: str = DEFAULT_FACILITY_ID
    data_folder: Path | None = None
    releases: Path | None = None
    coverage_patient_wait_s: float = 2.0
    """Of the three seconds a patient waits for number and paper; the rest is for the machines."""
    """A silent insurer still leaves half a second of the three for number and ticket."""
    coverage_timeout_s: float = 8.0
    scan_lifetime_s: int = 600
    require_second_factor: bool = False
    password_max_days: int = 0
    """Of everybody; administrators need one in any case."""
    single_sign_on: SingleSignOn | None = None
    speed: float = 1.0
    """Pauses and time limits of the outbox, and pauses before a card is asked about again, are so
    many times shorter; for tests only."""
    threads: int = 8
    """Requests one web worker serves at once; the pool of database connections is as large."""

    @property
    def clips_folder(self) -> Path:
        """Clips of the voice, made by ourselves: may be deleted at any time."""
        return self.folder / "clips"

    @property
    def packs_folder(self) -> Path:
        """Recorded clip packs, a folder each, put there by the hospital."""
        return self.folder / "voice"

    @property
    def releases_folder(self) -> Path:
        """Signed bundles that kiosks fetch; `tiepdon release add` puts them there."""
        return self.releases or self.folder / "releases"

    @property
    def folder(self) -> Path:
        if self.data_folder is not None:
            return self.data_folder
        is_file = self.database_url.startswith("sqlite:///")
        beside = Path(self.database_url.removeprefix("sqlite:///")).parent if is_file else Path()
        return beside / "tiepdon-data"


def load_config(
    environ: Mapping[str, str], *, needs_keys: bool = True, **overrides: object
) -> Config:
    """Settings from the environment; `overrides` (from the command line) win when not None.

    Raises ConfigError for a value that cannot be used, and for keys that are missing outside a
    demo: data sealed with keys nobody chose would be no better than in clear. `needs_keys` is
    False for commands that touch nothing of a person.
    """
    practice = environ.get("TIEPDON_PRACTICE", "") == "1"
    demo = practice or environ.get("TIEPDON_DEMO", "") == "1"
    his = environ.get("TIEPDON_HIS") or None
    values: dict[str, object] = {
        "database_url": environ.get("TIEPDON_DB") or DEFAULT_DATABASE_URL,
        "keys_file": Path(environ["TIEPDON_KEYS_FILE"])
        if environ.get("TIEPDON_KEYS_FILE")
        else None,
        "demo": demo,
        "practice": practice,
        "speed": _speed(environ),
        "metrics_token": _metrics_token(environ),
        "data_folder": Path(environ["TIEPDON_DATA"]) if environ.get("TIEPDON_DATA") else None,
        "releases": Path(environ["TIEPDON_RELEASES"]) if environ.get("TIEPDON_RELEASES") else None,
        "his_settings": _his_settings(environ.get("TIEPDON_HIS_SETTINGS") or "{}"),
        "password_max_days": _days(environ.get("TIEPDON_PASSWORD_MAX_DAYS") or "0"),
        "require_second_factor": environ.get("TIEPDON_REQUIRE_SECOND_FACTOR", "") == "1",
        "single_sign_on": _single_sign_on(environ),
        "call_lists": Path(environ["TIEPDON_CALL_LISTS"])
        if environ.get("TIEPDON_CALL_LISTS")
        else None,
        "audit_heads": Path(environ["TIEPDON_AUDIT_HEADS"])
        if environ.get("TIEPDON_AUDIT_HEADS")
        else None,
        "alert_channels": _alert_channels(environ),
        "backups": tuple(
            Path(part) for part in environ.get("TIEPDON_BACKUPS", "").split(os.pathsep) if part
        ),
        "logs": Path(environ["TIEPDON_LOGS"]) if environ.get("TIEPDON_LOGS") else None,
        "incident_contacts": Path(environ["TIEPDON_INCIDENT_CONTACTS"])
        if environ.get("TIEPDON_INCIDENT_CONTACTS")
        else None,
        "public_base": (environ.get("TIEPDON_PUBLIC_BASE") or "").rstrip("/") or None,
    }
    if environ.get("TIEPDON_HIS_CONFIG"):
        values |= _his_from_file(environ["TIEPDON_HIS_CONFIG"])
    if environ.get("TIEPDON_INSURER_CONFIG"):
        values |= _insurer_from_file(environ["TIEPDON_INSURER_CONFIG"])
    if environ.get("TIEPDON_PAYMENTS_CONFIG"):
        values["payments"] = _payments_from_file(environ["TIEPDON_PAYMENTS_CONFIG"])
    values |= {name: value for name, value in overrides.items() if value is not None}
    values.setdefault("his_adapter", his or ("demo" if values["demo"] else "builtin"))
    config = Config(**values)  # type: ignore[arg-type]  # checked right below and by the tests
    if not config.database_url.startswith(DATABASE_SCHEMES):
        raise ConfigError("TIEPDON_DB takes sqlite:///… or postgresql://…")
    if config.demo and environ.get("TIEPDON_ENV") == "production":
        raise ConfigError("the demo refuses to run where TIEPDON_ENV is production")
    if config.practice:
        _refuse_ways_out(config)
    if needs_keys and config.keys_file is None and not config.demo:
        raise ConfigError("TIEPDON_KEYS_FILE is not set: `tiepdon keys new FILE` makes one")
    return config


PRACTICE_PAYMENTS = frozenset({"momo"})
"""A wallet's emulator: its QR means nothing to the apps on people's own telephones."""


def _refuse_ways_out(config: Config) -> None:
    """Raises ConfigError: from a lesson nothing may reach anybody."""
    ways_out = {
        "TIEPDON_HIS": config.his_adapter != "demo",
        "TIEPDON_INSURER_CONFIG": config.insurer is not None,
        "TIEPDON_PAYMENTS_CONFIG": not all(map(_stays_here, config.payments)),
        "TIEPDON_OIDC_ISSUER": config.single_sign_on is not None,
        "TIEPDON_PUBLIC_BASE": config.public_base is not None,
        "TIEPDON_AUDIT_HEADS": config.audit_heads is not None,
        "TIEPDON_CALL_LISTS": config.call_lists is not None,
        "TIEPDON_ALERTS_CONFIG": bool(config.alert_channels),
        "TIEPDON_BACKUPS": bool(config.backups),
        "TIEPDON_INCIDENT_CONTACTS": config.incident_contacts is not None,
        "TIEPDON_METRICS_TOKEN_FILE": config.metrics_token is not None,
    }
    for name, is_set in ways_out.items():
        if is_set:
            raise ConfigError(f"{name} is refused in a lesson: nothing may leave it")


def _stays_here(entry: ProviderEntry) -> bool:
    address = urlsplit(str(entry.settings.get("base_url", "")))
    return entry.kind in PRACTICE_PAYMENTS and address.hostname in LOOPBACK


def _speed(environ: Mapping[str, str]) -> float:
    text = environ.get("TIEPDON_SPEED") or "1"
    try:
        speed = float(text)
    except ValueError as error:
        raise ConfigError("TIEPDON_SPEED takes a number") from error
    if not 1 <= speed <= 1000:
        raise ConfigError("TIEPDON_SPEED is between 1 and 1000")
    if speed != 1 and environ.get("TIEPDON_ENV") == "production":
        raise ConfigError("TIEPDON_SPEED is for tests, not for production")
    return speed


def _metrics_token(environ: Mapping[str, str]) -> str | None:
    name = environ.get("TIEPDON_METRICS_TOKEN_FILE")
    if not name:
        return None
    try:
        token = Path(name).read_text(encoding="ascii").strip()
    except (OSError, ValueError) as error:
        raise ConfigError("TIEPDON_METRICS_TOKEN_FILE cannot be read") from error
    if len(token) < MIN_TOKEN_CHARS:
        raise ConfigError(f"the token for /metrics needs {MIN_TOKEN_CHARS} characters")
    return token


def _alert_channels(environ: Mapping[str, str]) -> tuple[Channel, ...]:
    name = environ.get("TIEPDON_ALERTS_CONFIG")
    if not name:
        return ()
    try:
        return read_alerts_file(Path(name))
    except ConfigError as error:
        raise ConfigError(f"TIEPDON_ALERTS_CONFIG: {error}") from error


def _days(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 4):
        raise ConfigError("TIEPDON_PASSWORD_MAX_DAYS takes a number of days")
    return int(text)


def _his_settings(text: str) -> dict[str, Any]:
    try:
        settings = json.loads(text)
    except ValueError as error:
        raise ConfigError("TIEPDON_HIS_SETTINGS is not JSON") from error
    if not isinstance(settings, dict):
        raise ConfigError("TIEPDON_HIS_SETTINGS is not a JSON object")
    return settings


def _his_from_file(name: str) -> dict[str, object]:
    try:
        config = read_config_file(Path(name))
    except GatewayMisconfigured as error:
        raise ConfigError(f"TIEPDON_HIS_CONFIG: {error}") from error
    return {
        "his_adapter": config.adapter,
        "his_settings": config.settings,
        "his_certify": config.certify,
    }


def _insurer_from_file(name: str) -> dict[str, object]:
    try:
        config = read_config_file(Path(name))
    except GatewayMisconfigured as error:
        raise ConfigError(f"TIEPDON_INSURER_CONFIG: {error}") from error
    return {"insurer": config.adapter, "insurer_settings": config.settings}


def _payments_from_file(name: str) -> tuple[ProviderEntry, ...]:
    try:
        return read_payments_file(Path(name))
    except ProviderMisconfigured as error:
        raise ConfigError(f"TIEPDON_PAYMENTS_CONFIG: {error}") from error


def _single_sign_on(environ: Mapping[str, str]) -> SingleSignOn | None:
    issuer = (environ.get("TIEPDON_OIDC_ISSUER") or "").rstrip("/")
    if not issuer:
        return None
    address = urlsplit(issuer)
    if address.scheme != "https" and address.hostname not in LOOPBACK:
        raise ConfigError("TIEPDON_OIDC_ISSUER takes an https address")
    client_id = environ.get("TIEPDON_OIDC_CLIENT_ID") or ""
    try:
        path = Path(environ["TIEPDON_OIDC_CLIENT_SECRET_FILE"])
        secret = path.read_text(encoding="utf-8").strip()
    except (KeyError, OSError, ValueError) as error:
        raise ConfigError("TIEPDON_OIDC_CLIENT_SECRET_FILE cannot be read") from error
    if not client_id or not secret:
        raise ConfigError("TIEPDON_OIDC_ISSUER needs TIEPDON_OIDC_CLIENT_ID and a secret")
    return SingleSignOn(issuer=issuer, client_id=client_id, client_secret=secret)
