"""Settings of a provider, checked before they are used."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, ValidationError

from payments.errors import ProviderMisconfigured
from payments.http import check_address

Model = TypeVar("Model", bound=BaseModel)


def read_settings(model: type[Model], provider: str, settings: Mapping[str, Any]) -> Model:
    """Raises ProviderMisconfigured, which names fields and faults and never a value."""
    try:
        return model.model_validate(dict(settings))
    except ValidationError as error:
        faults = (
            f"{'.'.join(str(part) for part in fault['loc']) or 'settings'}: {fault['msg']}"
            for fault in error.errors(include_input=False, include_url=False)
        )
        raise ProviderMisconfigured(f"{provider}: {'; '.join(faults)}") from None


def _read_address(text: str) -> str:
    try:
        return check_address(text)
    except ProviderMisconfigured as error:
        raise ValueError(str(error)) from None


AddressSetting = Annotated[str, AfterValidator(_read_address)]
"""A field with the address of a remote party, without its last slash; https off this machine."""
