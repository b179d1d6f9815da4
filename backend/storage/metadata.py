"""The shape of the whole database: every module of tables here, loaded."""

from __future__ import annotations

import importlib
import pkgutil

from backend import storage
from backend.storage.base import Base

for _module in pkgutil.iter_modules(storage.__path__, f"{storage.__name__}."):
    if _module.name.endswith("_tables"):
        importlib.import_module(_module.name)
METADATA = Base.metadata
