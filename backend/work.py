"""The process of jobs: `python -m backend.work`, started by `backend.serve`."""

from __future__ import annotations

import os

from backend.bootstrap import build_resources
from backend.config import load_config
from backend.jobs.worker import run_worker
from backend.logging import set_up_logging


def main() -> None:
    set_up_logging()
    resources = build_resources(load_config(os.environ))
    try:
        run_worker(resources)
    finally:
        resources.close()


if __name__ == "__main__":
    main()
