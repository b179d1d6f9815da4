"""Web server and worker of the soak of payments: as in a hospital, with the soak's clock.

The web server is `tests.soak.payment_house:create()` for gunicorn; the worker is
`python -m tests.soak.payment_house`.
"""

from __future__ import annotations

import logging
import os
from pathlib import Path

from flask import Flask

from backend.app import create_app
from backend.bootstrap import assemble, open_keys
from backend.config import load_config
from backend.jobs.worker import run_worker
from backend.logging import set_up_logging
from backend.services.resources import Resources
from backend.storage.database import open_database
from his_adapter.demo.gateway import open_demo
from payments.registry import open_providers
from tests.soak.payment_clock import SoakClock

FOLDER = "SOAK_FOLDER"


def open_house() -> Resources:
    folder = Path(os.environ[FOLDER])
    clock = SoakClock(folder)
    config = load_config(os.environ)
    return assemble(
        config,
        database=open_database(config, clock=clock),
        keys=open_keys(config),
        his=open_demo(folder / "his", clock=clock),
        providers=open_providers(config.payments, clock=clock),
    )


def create() -> Flask:
    set_up_logging(logging.ERROR)
    return create_app(open_house())


def main() -> None:
    set_up_logging(logging.ERROR)
    resources = open_house()
    try:
        run_worker(resources)
    finally:
        resources.close()


if __name__ == "__main__":
    main()
