"""The accounts this stand-in can be started with."""

from payments.emulation.banks import BIDV, HDBANK, Account

__all__ = ["BIDV", "HDBANK", "Account"]
