"""The zbar decoder in binary mode: the only module that knows pyzbar.

By default zbar guesses a character set and rewrites Vietnamese text wrongly (zbar issue 212,
pyzbar issues 14, 95 and 155). Its binary mode hands out the bytes as they are in the symbol, but
pyzbar does not offer it (pyzbar pull request 82), so it is switched on where pyzbar makes its
scanner.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from pyzbar import pyzbar, wrapper

from devices.models import Frame

_CFG_BINARY = 4  # ZBAR_CFG_BINARY of zbar.h, since zbar 0.23.1
_new_scanner = pyzbar._image_scanner  # noqa: SLF001 - the one place to reach the settings


@contextmanager
def _binary_scanner() -> Iterator[Any]:
    with _new_scanner() as scanner:
        wrapper.zbar_image_scanner_set_config(
            scanner, wrapper.ZBarSymbol.QRCODE.value, _CFG_BINARY, 1
        )
        yield scanner


pyzbar._image_scanner = _binary_scanner  # noqa: SLF001


def read_qr(grey: Frame) -> list[bytes]:
    """Raw bytes of the QR codes zbar sees in a grey picture."""
    return _read(grey, wrapper.ZBarSymbol.QRCODE)


def read_code128(grey: Frame) -> list[bytes]:
    """Raw bytes of the Code 128 symbols zbar sees in a grey picture."""
    return _read(grey, wrapper.ZBarSymbol.CODE128)


def read_both(grey: Frame) -> list[bytes]:
    """Raw bytes of the QR codes and Code 128 symbols zbar sees in a grey picture."""
    return _read(grey, wrapper.ZBarSymbol.QRCODE, wrapper.ZBarSymbol.CODE128)


def _read(grey: Frame, *symbols: wrapper.ZBarSymbol) -> list[bytes]:
    return [code.data for code in pyzbar.decode(grey, symbols=symbols)]
