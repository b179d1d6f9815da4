"""What the kiosk asks of a device, whatever its make."""

from __future__ import annotations

from typing import Protocol

from devices.models import Frame, Scan, ScannerStatus


class CodeScanner(Protocol):
    """Reads QR and bar codes.

    A missing or lost device is a status, never an exception: after `open` a scanner looks for
    its device until `close`, and says within two seconds that it went away. Every method
    returns at once (`poll` after `timeout_s` at most) and may be called from any thread.
    """

    def open(self) -> None:
        """Starts reading. Opening an open scanner changes nothing."""

    def close(self) -> None:
        """Stops, lets go of the device and forgets what was read. May be called twice."""

    def pause(self) -> None:
        """Puts the device to sleep; what was read and not yet polled is forgotten."""

    def resume(self) -> None:
        """Wakes the device after `pause`."""

    def poll(self, timeout_s: float = 0.0) -> Scan | None:
        """The oldest scan not handed out yet; None when there is none within `timeout_s`.

        A code that stays before the scanner comes once.
        """

    def status(self) -> ScannerStatus:
        """The state now."""

    def latest_frame(self) -> Frame | None:
        """The newest picture for a preview, not to be changed; None when there is none."""
