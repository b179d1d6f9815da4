"""`tiepdon worker` with the HIS of the soak: `python -m tests.soak.worker HIS_PORT TIMEOUT_S`."""

from __future__ import annotations

import logging
import os
import sys

from backend.bootstrap import assemble, open_keys
from backend.config import load_config
from backend.jobs.worker import run_worker
from backend.logging import set_up_logging
from backend.storage.database import open_database
from tests.soak.gateway import SoakGateway


def main() -> None:
    set_up_logging(logging.ERROR)
    config = load_config(os.environ)
    resources = assemble(
        config,
        database=open_database(config),
        keys=open_keys(config),
        his=SoakGateway(int(sys.argv[1]), timeout_s=float(sys.argv[2])),
    )
    try:
        run_worker(resources, threads=int(os.environ.get("SOAK_THREADS", "8")))
    finally:
        resources.close()


if __name__ == "__main__":
    main()
