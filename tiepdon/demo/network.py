"""A line to one or several servers that can be cut and mended: bytes through a loopback port."""

from __future__ import annotations

import contextlib
import itertools
import socket
import threading
from typing import Self


class NetworkLine:
    """Listens on a port of its own and passes everything on to the server's.

    With several servers each connection goes to the next in turn, or to another when that one is
    gone, as a balancer in front of two nodes does.

    While cut, what is open is reset and what is new is refused, as with a pulled cable behind a
    switch that answers.
    """

    def __init__(self, *server_ports: int) -> None:
        self._turns = itertools.cycle(range(len(server_ports)))
        self._server_ports = server_ports
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._cut = False
        self._closing = False
        self._listener = socket.create_server(("127.0.0.1", 0))

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def start(self) -> Self:
        threading.Thread(target=self._accept, name="network line", daemon=True).start()
        return self

    def cut(self) -> None:
        with self._lock:
            self._cut = True
            lines, self._open = self._open, set()
        for line in lines:
            _close(line)

    def mend(self) -> None:
        with self._lock:
            self._cut = False

    def close(self) -> None:
        self._closing = True
        self.cut()
        _close(self._listener)

    def _accept(self) -> None:
        while not self._closing:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            with self._lock:
                cut = self._cut
            if cut:
                _close(near)
                continue
            far = self._reach_a_server()
            if far is None:
                _close(near)
                continue
            far.settimeout(None)
            with self._lock:
                self._open |= {near, far}
            for source, sink in ((near, far), (far, near)):
                threading.Thread(
                    target=self._pass_on, args=(source, sink), name="network line", daemon=True
                ).start()

    def _reach_a_server(self) -> socket.socket | None:
        first = next(self._turns)
        for offset in range(len(self._server_ports)):
            port = self._server_ports[(first + offset) % len(self._server_ports)]
            with contextlib.suppress(OSError):
                return socket.create_connection(("127.0.0.1", port), timeout=2)
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
    # shutdown wakes a thread that waits in recv or accept; close alone does not.
    with contextlib.suppress(OSError):
        line.shutdown(socket.SHUT_RDWR)
    line.close()
