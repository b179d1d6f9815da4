"""Errors of devices. Expected conditions (no paper, unplugged) are status values instead.

DeviceError
├── UnknownDevice          the setting names no device that exists: start-up stops
├── UnreadablePicture      a file is no picture or video
└── SimulatorInProduction  a stand-in was asked for where real patients are
"""

from __future__ import annotations

from typing import ClassVar


class DeviceError(Exception):
    """Base of all. `code` is stable; `retryable` says whether the same call may work later."""

    code: ClassVar[str] = "device_error"
    retryable: ClassVar[bool] = False

    @property
    def message_key(self) -> str:
        """Key of the sentence shown to people."""
        return f"errors.{self.code}"


class UnknownDevice(DeviceError):  # noqa: N818 - reads as the sentence it is
    code = "device_unknown"


class UnreadablePicture(DeviceError):  # noqa: N818
    code = "picture_unreadable"


class SimulatorInProduction(DeviceError):  # noqa: N818
    code = "simulator_in_production"
