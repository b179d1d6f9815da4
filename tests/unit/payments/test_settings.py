from __future__ import annotations

import pytest
from pydantic import BaseModel, ConfigDict

from payments.errors import ProviderMisconfigured
from payments.secrets import SecretSetting
from payments.settings import read_settings


class Example(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)

    merchant: str
    secret: SecretSetting


def test_good_settings_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXAMPLE_SECRET", "hidden")
    config = read_settings(Example, "bank", {"merchant": "M1", "secret": {"env": "EXAMPLE_SECRET"}})
    assert config.secret.reveal() == "hidden"
    assert "hidden" not in repr(config)


def test_faults_name_the_field_and_never_the_value() -> None:
    with pytest.raises(ProviderMisconfigured) as caught:
        read_settings(Example, "bank", {"merchant": 7, "secret": "in-the-open", "other": 1})
    text = str(caught.value)
    assert text.startswith("bank: ")
    assert all(name in text for name in ("merchant", "secret", "other"))
    assert "in-the-open" not in text
    assert caught.value.__cause__ is None
