from __future__ import annotations

from datetime import time
from pathlib import Path
from typing import Any

import pytest

from backend.alerts_file import MailChannel, WebhookChannel, read_alerts, read_alerts_file
from backend.config import load_config
from backend.domain.alerts import AlertKind
from backend.errors import ConfigError

SECRET = "a-secret-of-at-least-24-chars"


@pytest.fixture
def secret(tmp_path: Path) -> str:
    path = tmp_path / "secret"
    path.write_text(SECRET + "\n", encoding="utf-8")
    return str(path)


def smtp(**changes: Any) -> dict[str, Any]:
    return {"smtp": {"host": "mail", "from": "a@b.vn", "to": ["it@b.vn"]} | changes}


def webhook(secret: str, **changes: Any) -> dict[str, Any]:
    entry = {"name": "zalo", "url": "https://h.vn/x?token=1", "secret_file": secret} | changes
    return {"webhook": [entry]}


def test_what_the_file_says(tmp_path: Path, secret: str) -> None:
    file = tmp_path / "alerts.toml"
    file.write_text(
        f"""
        [smtp]
        host = "mail.example.vn"
        user = "tiepdon"
        password_file = "{secret}"
        from = "tiepdon@example.vn"
        to = ["it@example.vn", "truc@example.vn"]
        quiet = "21:00-05:30"
        always = ["audit_broken"]
        [[webhook]]
        name = "zalo"
        url = "https://hooks.example.vn/tiepdon"
        secret_file = "{secret}"
        only = ["kiosk_away"]
        """,
        encoding="utf-8",
    )
    mail, hook = read_alerts_file(file)
    assert isinstance(mail, MailChannel)
    assert (mail.name, mail.port, mail.security) == ("mail", 587, "starttls")
    assert mail.rules.quiet == (time(21), time(5, 30))
    assert isinstance(hook, WebhookChannel)
    assert (hook.name, hook.secret) == ("webhook:zalo", SECRET)
    assert hook.rules.only == {AlertKind.KIOSK_AWAY}
    environ = {"TIEPDON_DEMO": "1", "TIEPDON_ALERTS_CONFIG": str(file)}
    config = load_config(environ)
    assert config.alert_channels == (mail, hook)
    assert SECRET not in repr(config) + repr(mail) + repr(hook)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"port": 0}, "smtp.port"),
        ({"security": "ssl"}, "smtp.security"),
        ({"to": []}, "smtp.to"),
        ({"to": ["x"]}, "smtp.to.0"),
        ({"from": "no address"}, "smtp.from"),
        ({"from": "a@b.vn\nBcc: c@d.vn"}, "smtp.from"),
        ({"user": "u"}, "smtp.password_file"),
        ({"user": "u", "password_file": "none"}, "smtp.password_file"),
        ({"quiet": "9-17"}, "smtp.quiet"),
        ({"quiet": "24:00-05:00"}, "smtp.quiet"),
        ({"only": ["fire"]}, "smtp.only.0"),
        ({"ca_file": "none"}, "smtp.ca_file"),
        ({"pasword": "x"}, "smtp.pasword"),
    ],
)
def test_a_field_at_fault_is_named(changes: dict[str, Any], field: str) -> None:
    with pytest.raises(ConfigError) as refused:
        read_alerts(smtp(**changes))
    assert refused.value.detail.startswith(f"{field}: ")


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"url": "http://h.vn/"}, "webhook.0.url"),
        ({"url": "https://u:p@h.vn/"}, "webhook.0.url"),
        ({"url": "https://h.vn:x/"}, "webhook.0.url"),
        ({"name": "Zalo!"}, "webhook.0.name"),
        ({"secret_file": "none"}, "webhook.0.secret_file"),
    ],
)
def test_so_is_one_of_a_webhook(secret: str, changes: dict[str, Any], field: str) -> None:
    with pytest.raises(ConfigError) as refused:
        read_alerts(webhook(secret, **changes))
    assert refused.value.detail.startswith(f"{field}: ")


def test_a_password_never_goes_in_clear(secret: str) -> None:
    login = {"user": "u", "password_file": secret, "security": "none"}
    with pytest.raises(ConfigError, match=r"smtp\.security"):
        read_alerts(smtp(**login))
    assert read_alerts(smtp(**login, host="127.0.0.1"))


def test_two_webhooks_have_two_names(secret: str) -> None:
    entry = webhook(secret)["webhook"]
    with pytest.raises(ConfigError, match=r"webhook\.name"):
        read_alerts({"webhook": entry * 2})
    with pytest.raises(ConfigError):
        read_alerts({})


def test_the_server_does_not_start_with_a_broken_file(tmp_path: Path) -> None:
    file = tmp_path / "alerts.toml"
    environ = {"TIEPDON_DEMO": "1", "TIEPDON_ALERTS_CONFIG": str(file)}
    with pytest.raises(ConfigError, match="TIEPDON_ALERTS_CONFIG"):
        load_config(environ)
    file.write_text("[smtp]\nhost = 1\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"TIEPDON_ALERTS_CONFIG: smtp\.host"):
        load_config(environ)
