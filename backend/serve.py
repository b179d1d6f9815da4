"""The server of one machine: web workers and the worker for jobs, under one parent.

gunicorn looks after the web workers and starts crashed ones again; the jobs run in a process of
their own, which this module starts again when it dies. Children notice when the parent is gone.
Settings travel in the environment, so that every process reads them in the same way.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

from gunicorn.app.base import BaseApplication
from gunicorn.workers.gthread import TConn, ThreadWorker

from backend.app import create_app
from backend.bootstrap import build_resources
from backend.config import Config, load_config
from backend.jobs.worker import run_worker
from backend.logging import set_up_logging

REQUEST_TIMEOUT_S = 30
GRACE_S = 10
CALLER_SILENCE_S = 3
JOBS_RESTART_S = 2.0
PARENT_CHECK_S = 1.0

_RUN_JOBS = "import sys; from backend.serve import run_jobs; run_jobs(parent=int(sys.argv[1]))"


_ONE_FORK = threading.Lock()
"""Popen waits until nobody holds the other end of a pipe. A web worker that gunicorn forked at
that moment would hold it for good: the jobs process would never be known, nor started again.
"""
os.register_at_fork(
    before=_ONE_FORK.acquire,
    after_in_parent=_ONE_FORK.release,
    after_in_child=_ONE_FORK.release,
)


class JobsProcess:
    """Keeps one worker process for jobs alive until it is stopped."""

    def __init__(self, command: list[str], *, restart_s: float = JOBS_RESTART_S) -> None:
        self._command = command
        self._restart_s = restart_s
        self._stopping = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None
        self._thread = threading.Thread(target=self._keep_alive, name="jobs", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        process = self._process
        if process is not None and process.poll() is None:
            process.terminate()
            try:
                process.wait(GRACE_S)
            except subprocess.TimeoutExpired:
                process.kill()
        self._thread.join(GRACE_S)

    def _keep_alive(self) -> None:
        while not self._stopping.is_set():
            with _ONE_FORK:
                # A session of its own: Ctrl-C reaches the parent, which stops it in order.
                self._process = subprocess.Popen(self._command, start_new_session=True)
            self._process.wait()
            self._stopping.wait(self._restart_s)


class StreamingWorker(ThreadWorker):  # type: ignore[misc]  # gunicorn has no types
    """Threads for requests; connections of live pages leave them (see `backend.web.live`)."""

    def handle_request(self, req: Any, conn: TConn) -> Any:
        """A detached socket belongs to the hub now: no further request comes on it."""
        keeps = super().handle_request(req, conn)
        return keeps if conn.sock.fileno() != -1 else False

    def finish_request(self, conn: TConn, fs: Any) -> None:
        """… and there is nothing left to close."""
        if conn.sock.fileno() == -1:
            self.nr_conns -= 1
            return
        super().finish_request(conn, fs)


class WebServer(BaseApplication):  # type: ignore[misc]  # gunicorn has no types
    """gunicorn with threads: requests wait for the database and the HIS, not for the processor."""

    def __init__(self, config: Config, *, host: str, port: int, workers: int) -> None:
        self._config = config
        self._settings = {
            "bind": f"[{host}]:{port}" if ":" in host else f"{host}:{port}",
            "workers": workers,
            "worker_class": f"{__name__}.{StreamingWorker.__name__}",
            "threads": config.threads,
            "timeout": REQUEST_TIMEOUT_S,
            "graceful_timeout": GRACE_S,
            "keepalive": 15,
            "backlog": 256,
            "limit_request_line": 2048,
            "limit_request_fields": 40,
            "limit_request_field_size": 4096,
            # Its warnings quote what a caller sent.
            "loglevel": "error",
            "proc_name": "tiepdon",
            "control_socket_disable": True,
            "when_ready": self._when_ready,
            "on_exit": self._on_exit,
        }
        self._jobs = JobsProcess([sys.executable, "-c", _RUN_JOBS, str(os.getpid())])
        super().__init__()

    def load_config(self) -> None:
        for name, value in self._settings.items():
            self.cfg.set(name, value)

    def load(self) -> Callable[..., Any]:
        """In each worker, after the fork: connections are never shared between processes."""
        set_up_logging()
        return create_app(build_resources(self._config))

    def _when_ready(self, server: Any) -> None:
        for listener in server.LISTENERS:
            _bound_silence(listener.sock)
        self._jobs.start()
        host, port = server.LISTENERS[0].sock.getsockname()[:2]
        address = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
        # Output that lies on a full disk is no reason not to serve.
        with contextlib.suppress(OSError):
            sys.stdout.write(json.dumps({"event": "ready", "address": address}) + "\n")
            sys.stdout.flush()

    def _on_exit(self, _server: Any) -> None:
        self._jobs.stop()


def _bound_silence(listening: socket.socket) -> None:
    """A caller who stops in the middle of a request frees its thread after a while.

    Connections inherit this from the socket they come in by (Linux, socket(7)); gunicorn itself
    waits without end. It bounds one silence, not a request: a proxy in front does that.
    """
    listening.setsockopt(
        socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("ll", CALLER_SILENCE_S, 0)
    )


def serve(*, host: str, port: int, workers: int) -> None:
    """Serves until SIGTERM or SIGINT; one JSON line on standard output says when it is ready."""
    set_up_logging()
    WebServer(load_config(os.environ), host=host, port=port, workers=workers).run()


def run_jobs(*, parent: int) -> None:
    """The process for jobs: until SIGTERM, or until its parent is gone.

    The parent's id is handed over: it may die before this process has looked.
    """
    set_up_logging()
    threading.Thread(target=_end_with, args=(parent,), name="parent", daemon=True).start()
    resources = build_resources(load_config(os.environ))
    try:
        run_worker(resources)
    finally:
        resources.close()


def _end_with(parent: int) -> None:
    """A killed parent cannot say goodbye: its children look whether it is still there."""
    while os.getppid() == parent:
        time.sleep(PARENT_CHECK_S)
    os.kill(os.getpid(), signal.SIGTERM)
