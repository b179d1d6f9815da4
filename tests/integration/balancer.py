"""What nginx does in front of two nodes: one address, whichever node answers."""

from __future__ import annotations

import contextlib
import itertools
import socket
import threading
from collections.abc import Sequence
from typing import Self


class Balancer:
    """Gives each connection to the next node in turn, and to another when that one is gone."""

    def __init__(self, ports: Sequence[int]) -> None:
        self._turns = itertools.cycle(range(len(ports)))
        self._ports = list(ports)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self.port: int = self._listener.getsockname()[1]

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        with self._lock:
            lines = [self._listener, *self._open]
        for line in lines:
            _close(line)

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            far = self._reach_a_node()
            if far is None:
                _close(near)
                continue
            with self._lock:
                self._open |= {near, far}
            for source, sink in ((near, far), (far, near)):
                threading.Thread(target=self._pass_on, args=(source, sink), daemon=True).start()

    def _reach_a_node(self) -> socket.socket | None:
        first = next(self._turns)
        for offset in range(len(self._ports)):
            port = self._ports[(first + offset) % len(self._ports)]
            with contextlib.suppress(OSError):
                far = socket.create_connection(("127.0.0.1", port), timeout=2)
                far.settimeout(None)
                return far
        return None

    def _pass_on(self, source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65_536):
                sink.sendall(data)
        for line in (source, sink):
            _close(line)
        with self._lock:
            self._open -= {source, sink}


def _close(line: socket.socket) -> None:
    with contextlib.suppress(OSError):
        line.shutdown(socket.SHUT_RDWR)
    line.close()
