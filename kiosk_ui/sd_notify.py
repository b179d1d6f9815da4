"""Tells systemd that the kiosk is ready, and from the window's own clock that it still turns.

https://www.freedesktop.org/software/systemd/man/latest/sd_notify.html: a datagram to a socket.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class ServiceNotifier:
    """`address` empty: nobody listens. `watchdog_s` None: nobody waits for signs of life."""

    address: str = ""
    watchdog_s: float | None = None

    @classmethod
    def of(cls, environ: Mapping[str, str] = os.environ) -> ServiceNotifier:
        """WATCHDOG_PID is passed over: under a compositor it is that of the compositor."""
        address = environ.get("NOTIFY_SOCKET", "")
        usec = environ.get("WATCHDOG_USEC", "")
        known = bool(address) and usec.isdecimal() and int(usec) > 0
        return cls(address=address, watchdog_s=int(usec) / 1_000_000 if known else None)

    def ready(self) -> None:
        self._send(b"READY=1")

    def alive(self) -> None:
        self._send(b"WATCHDOG=1")

    def stopping(self) -> None:
        self._send(b"STOPPING=1")

    def _send(self, state: bytes) -> None:
        """Never waits: a supervisor that does not read must not freeze what it watches."""
        if not self.address:
            return
        # A leading @ stands for the zero byte of an abstract socket.
        target = f"\0{self.address[1:]}" if self.address.startswith("@") else self.address
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as wire:
                wire.setblocking(False)
                wire.sendto(state, target)
        except OSError:
            return  # without its supervisor a kiosk goes on
