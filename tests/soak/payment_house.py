"""Web server and worker of the soak of payments: as in a hospital, with the soak's clock.

The web server is `tests.soak.payment_house:create()` for gunicorn; the worker is
`python -m tests.soak.payment_house`.
"""

from __future__ import annotations

import logging
import os
from dataclasses import replace
from pathlib import Path

from flask import Flask

from backend.app import create_app
from backend.bootstrap import assemble, open_keys
from backend.config import load_config
from backend.jobs import worker
from backend.logging import set_up_logging
from backend.services import remote_party
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
    # Breakers and probes keep time by themselves: as much faster as the clock.
    remote_party.OPEN_FOR_S /= config.speed
    worker.JOBS = tuple(
        replace(job, every_s=max(1.0, job.every_s / config.speed))
        if job.name == "probe_providers"
        else job
        for job in worker.JOBS
    )
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
        worker.run_worker(resources)
    finally:
        resources.close()


if __name__ == "__main__":
    main()
