from __future__ import annotations

from pathlib import Path

import pytest

from backend.config import DEFAULT_DATABASE_URL, load_config
from backend.errors import ConfigError

DEMO = {"TIEPDON_DEMO": "1"}


def test_keys_are_needed_except_in_a_demo() -> None:
    with pytest.raises(ConfigError):
        load_config({})
    config = load_config({"TIEPDON_DEMO": "1"})
    assert (config.demo, config.his_adapter) == (True, "demo")
    assert config.database_url == DEFAULT_DATABASE_URL
    config = load_config({"TIEPDON_KEYS_FILE": "/etc/keys.json"})
    assert (config.keys_file, config.his_adapter) == (Path("/etc/keys.json"), "builtin")


def test_the_command_line_wins() -> None:
    environ = {"TIEPDON_DEMO": "1", "TIEPDON_DB": "sqlite:///a"}
    assert load_config(environ, database_url="sqlite:///b").database_url == "sqlite:///b"
    assert load_config(environ, database_url=None).database_url == "sqlite:///a"


@pytest.mark.parametrize(
    "environ",
    [
        {"TIEPDON_DEMO": "1", "TIEPDON_ENV": "production"},
        {"TIEPDON_DEMO": "1", "TIEPDON_DB": "mysql://x"},
        {"TIEPDON_DEMO": "1", "TIEPDON_HIS_SETTINGS": "{"},
        {"TIEPDON_DEMO": "1", "TIEPDON_HIS_SETTINGS": "[]"},
    ],
)
def test_what_cannot_be_used_stops_the_start(environ: dict[str, str]) -> None:
    with pytest.raises(ConfigError):
        load_config(environ)


def test_passwords_stay_out_of_repr() -> None:
    environ = {
        "TIEPDON_DEMO": "1",
        "TIEPDON_DB": "postgresql://u:secret@h/d",
        "TIEPDON_HIS_SETTINGS": '{"password": "secret"}',
    }
    assert "secret" not in repr(load_config(environ))


def test_clips_lie_beside_the_database_or_where_one_says() -> None:
    def folder(**environ: str) -> str:
        return str(load_config(environ, needs_keys=False).clips_folder)

    assert folder(TIEPDON_DB="sqlite:////srv/t.sqlite3") == "/srv/tiepdon-data/clips"
    assert folder(TIEPDON_DB="sqlite:///t.sqlite3") == "tiepdon-data/clips"
    assert folder(TIEPDON_DB="postgresql://h/db") == "tiepdon-data/clips"
    assert folder(TIEPDON_DATA="/var/lib/tiepdon") == "/var/lib/tiepdon/clips"


def test_the_way_to_the_insurer_stands_in_a_file(tmp_path: Path) -> None:
    file = tmp_path / "insurer.toml"
    file.write_text('adapter = "bhxh"\n[settings]\naccount = "99001_BV"\n')
    config = load_config({"TIEPDON_DEMO": "1", "TIEPDON_INSURER_CONFIG": str(file)})
    assert (config.insurer, config.insurer_settings) == ("bhxh", {"account": "99001_BV"})
    assert "99001" not in repr(config)
    assert load_config({"TIEPDON_DEMO": "1"}).insurer is None
    file.write_text("adapter = 1")
    with pytest.raises(ConfigError, match="TIEPDON_INSURER_CONFIG"):
        load_config({"TIEPDON_DEMO": "1", "TIEPDON_INSURER_CONFIG": str(file)})


def test_time_is_scaled_in_tests_only() -> None:
    assert load_config(DEMO).speed == 1
    assert load_config(DEMO | {"TIEPDON_SPEED": "20"}).speed == 20
    for text in ("0.5", "x", "1001", "nan"):
        with pytest.raises(ConfigError):
            load_config(DEMO | {"TIEPDON_SPEED": text})
    production = {"TIEPDON_KEYS_FILE": "keys.json", "TIEPDON_ENV": "production"}
    with pytest.raises(ConfigError):
        load_config(production | {"TIEPDON_SPEED": "2"})


def test_the_token_for_metrics_is_long_and_readable(tmp_path: Path) -> None:
    file = tmp_path / "token"
    environ = DEMO | {"TIEPDON_METRICS_TOKEN_FILE": str(file)}
    with pytest.raises(ConfigError):
        load_config(environ)
    file.write_text("short\n")
    with pytest.raises(ConfigError):
        load_config(environ)
    file.write_text("a-token-of-at-least-24-chars\n")
    config = load_config(environ)
    assert config.metrics_token == "a-token-of-at-least-24-chars"
    assert "a-token" not in repr(config)
