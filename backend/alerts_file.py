"""The TOML file that says whom alerts are told to (TIEPDON_ALERTS_CONFIG).

[smtp]
host = "mail.hospital.vn"
port = 587                        # 465 with tls, 587 with starttls, 25 with none
security = "starttls"             # starttls, tls, or none (never with a password)
user = "tiepdon"
password_file = "/etc/tiepdon/smtp-password"
from = "tiepdon@hospital.vn"
to = ["it@hospital.vn"]
quiet = "21:00-05:30"             # told at 05:30 …
always = ["audit_broken", "disk_low"]   # … except these

[[webhook]]
name = "zalo"
url = "https://hooks.hospital.vn/tiepdon"
secret_file = "/etc/tiepdon/webhook-secret"
only = ["kiosk_away", "paper_out"]      # no other kinds; without it all
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import time
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from backend.domain.alert_channels import TellingRules
from backend.domain.alerts import AlertKind
from backend.errors import ConfigError

MAIL = "mail"
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
LEAST_SECRET_CHARS = 24
PORTS = {"none": 25, "starttls": 587, "tls": 465}
_MAX_BYTES = 64_000
_QUIET = re.compile(r"(\d\d:\d\d)-(\d\d:\d\d)")
_ADDRESS = r"[^@\s<>,;]+@[^@\s<>,;]+"
_ONE_LINE = r"[^\x00-\x1f\x7f]+"

Security = Literal["starttls", "tls", "none"]


@dataclass(frozen=True, kw_only=True)
class MailChannel:
    host: str
    port: int
    security: Security
    sender: str
    recipients: tuple[str, ...]
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    ca_file: Path | None = None
    rules: TellingRules = field(default_factory=TellingRules)

    @property
    def name(self) -> str:
        return MAIL


@dataclass(frozen=True, kw_only=True)
class WebhookChannel:
    label: str
    url: str = field(repr=False)
    """It may hold a token of the other side."""
    secret: str = field(repr=False)
    ca_file: Path | None = None
    rules: TellingRules = field(default_factory=TellingRules)

    @property
    def name(self) -> str:
        return f"webhook:{self.label}"


Channel = MailChannel | WebhookChannel


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    only: list[str] = Field(default_factory=list)
    always: list[str] = Field(default_factory=list)
    quiet: str | None = None
    ca_file: str | None = None


class _Smtp(_Entry):
    host: str = Field(pattern=rf"\A{_ONE_LINE}\z")
    port: int | None = Field(default=None, ge=1, le=65535)
    security: Security = "starttls"
    user: str | None = None
    password_file: str | None = None
    sender: str = Field(alias="from", pattern=rf"\A{_ADDRESS}\z")
    to: list[str] = Field(min_length=1, max_length=20)


class _Webhook(_Entry):
    name: str = Field(pattern=r"\A[a-z][a-z0-9_-]{0,31}\z")
    url: str
    secret_file: str


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    smtp: _Smtp | None = None
    webhook: list[_Webhook] = Field(default_factory=list, max_length=8)


def read_alerts_file(path: Path) -> tuple[Channel, ...]:
    """Raises ConfigError that names the field at fault, and no value."""
    try:
        content = path.read_bytes()[: _MAX_BYTES + 1]
        if len(content) > _MAX_BYTES:
            raise ConfigError(f"{path.name} is too large")
        document = tomllib.loads(content.decode())
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{path.name} cannot be read: {error}") from error
    return read_alerts(document)


def read_alerts(document: Mapping[str, Any]) -> tuple[Channel, ...]:
    """As `read_alerts_file`."""
    try:
        file = _File.model_validate(document)
    except ValidationError as error:
        fault = error.errors(include_url=False, include_context=False, include_input=False)[0]
        where = ".".join(map(str, fault["loc"]))
        raise ConfigError(f"{where}: {fault['msg']}") from error
    if file.smtp is None and not file.webhook:
        raise ConfigError("takes [smtp], [[webhook]] or both")
    channels: list[Channel] = [_read_mail(file.smtp)] if file.smtp else []
    for index, entry in enumerate(file.webhook):
        channels.append(_read_webhook(entry, f"webhook.{index}"))
    names = [channel.name for channel in channels]
    if len(set(names)) < len(names):
        raise ConfigError("webhook.name: two have one name")
    return tuple(channels)


def _read_mail(entry: _Smtp) -> MailChannel:
    for index, address in enumerate(entry.to):
        if not re.fullmatch(_ADDRESS, address):
            raise ConfigError(f"smtp.to.{index}: is no address")
    if (entry.user is None) != (entry.password_file is None):
        raise ConfigError("smtp.password_file: user and password_file go together")
    if entry.user is not None and entry.security == "none" and entry.host not in LOOPBACK:
        raise ConfigError("smtp.security: a password goes over starttls or tls only")
    password = None
    if entry.password_file is not None:
        password = _read_secret(entry.password_file, "smtp.password_file")
    return MailChannel(
        host=entry.host,
        port=entry.port or PORTS[entry.security],
        security=entry.security,
        sender=entry.sender,
        recipients=tuple(entry.to),
        user=entry.user,
        password=password,
        ca_file=_read_ca(entry, "smtp"),
        rules=_read_rules(entry, "smtp"),
    )


def _read_webhook(entry: _Webhook, where: str) -> WebhookChannel:
    try:
        parts = urlsplit(entry.url)
        port = parts.port
    except ValueError as error:
        raise ConfigError(f"{where}.url: is no address") from error
    is_near = parts.scheme == "http" and parts.hostname in LOOPBACK
    if not (parts.scheme == "https" or is_near) or not parts.hostname or port == 0:
        raise ConfigError(f"{where}.url: takes https (on this machine http)")
    if parts.username or parts.password or parts.fragment:
        raise ConfigError(f"{where}.url: takes no account and no fragment")
    secret = _read_secret(entry.secret_file, f"{where}.secret_file")
    if len(secret) < LEAST_SECRET_CHARS:
        raise ConfigError(f"{where}.secret_file: needs {LEAST_SECRET_CHARS} characters")
    return WebhookChannel(
        label=entry.name,
        url=entry.url,
        secret=secret,
        ca_file=_read_ca(entry, where),
        rules=_read_rules(entry, where),
    )


def _read_rules(entry: _Entry, where: str) -> TellingRules:
    return TellingRules(
        only=_read_kinds(entry.only, f"{where}.only"),
        always=_read_kinds(entry.always, f"{where}.always"),
        quiet=_read_quiet(entry.quiet, f"{where}.quiet"),
    )


def _read_kinds(names: list[str], where: str) -> frozenset[AlertKind]:
    known = {kind.value for kind in AlertKind}
    for index, name in enumerate(names):
        if name not in known:
            raise ConfigError(f"{where}.{index}: is none of {', '.join(sorted(known))}")
    return frozenset(map(AlertKind, names))


def _read_quiet(text: str | None, where: str) -> tuple[time, time] | None:
    if text is None:
        return None
    match = _QUIET.fullmatch(text)
    try:
        begins, ends = map(time.fromisoformat, match.groups() if match else ("", ""))
    except ValueError as error:
        raise ConfigError(f"{where}: takes hours such as 21:00-05:30") from error
    if begins == ends:
        raise ConfigError(f"{where}: takes hours such as 21:00-05:30")
    return begins, ends


def _read_ca(entry: _Entry, where: str) -> Path | None:
    if entry.ca_file is None:
        return None
    path = Path(entry.ca_file)
    if not path.is_file():
        raise ConfigError(f"{where}.ca_file: is no file")
    return path


def _read_secret(name: str, where: str) -> str:
    try:
        secret = Path(name).read_text(encoding="utf-8").strip()
    except (OSError, ValueError) as error:
        raise ConfigError(f"{where}: cannot be read") from error
    if not secret:
        raise ConfigError(f"{where}: is empty")
    return secret
