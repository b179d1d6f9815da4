"""From bytes of a stranger to one clean line of text."""

from __future__ import annotations

import re
import unicodedata

from backend.domain.identity.codes import ErrorCode, Refused

MAX_BYTES = 4096

_BAR = "\uff5c"  # fullwidth bar, from phone copies
_ENDS = "\ufeff\x00\r\n "
# AIM symbology identifiers that scanners may put in front: QR codes and Code 128.
_HEAD = re.compile(rf"(?:[{_ENDS}]|\]Q[0-6]|\]C[0-4])+")

# Vietnamese and the minority languages stay inside these blocks. U+0080-00BF is left out on
# purpose: it is where UTF-8 ends up when it was read as Latin-1 or Windows-1252.
_FOREIGN = re.compile(
    rf"[^\x00-\x7f\u00c0-\u024f\u0300-\u036f\u1e00-\u1eff\u2010-\u201f\ufffd{_BAR}]"
)
_LOST_LETTER = re.compile(r"\ufffd|(?<=[^\W\d_])\?+(?=[^\W\d_])")
_URL = re.compile(r"https?://", re.IGNORECASE)


def read_text(untrusted_payload: bytes | str) -> str:
    """The normalised text. Raises Refused for size, charset and emptiness, in this order.

    Control characters inside are left to the caller: an MRZ has line breaks.
    """
    if len(untrusted_payload) > MAX_BYTES:
        raise Refused(ErrorCode.TOO_LONG)
    try:
        if isinstance(untrusted_payload, bytes):
            untrusted_text = untrusted_payload.decode("utf-8")
        else:
            untrusted_text = untrusted_payload
            if len(untrusted_text.encode("utf-8")) > MAX_BYTES:
                raise Refused(ErrorCode.TOO_LONG)
    except UnicodeError:
        raise Refused(ErrorCode.CHARSET_GARBLED) from None
    stripped = _strip(untrusted_text)
    check_charset(stripped)
    text = normalise(stripped)
    if not text:
        raise Refused(ErrorCode.EMPTY)
    return text


def check_charset(text: str) -> None:
    """Raises Refused when letters were changed (garbled) or dropped (lossy) on the way here."""
    if _FOREIGN.search(text):
        raise Refused(ErrorCode.CHARSET_GARBLED)
    # A question mark is at home in a web address.
    if _LOST_LETTER.search(text) and not is_url(text):
        raise Refused(ErrorCode.CHARSET_LOSSY)


def normalise(text: str) -> str:
    """Without scanner prefix and padding, `|` as the only bar, NFC. Idempotent."""
    return unicodedata.normalize("NFC", _strip(text).replace(_BAR, "|"))


def is_url(text: str) -> bool:
    return _URL.match(text) is not None


def _strip(text: str) -> str:
    head = _HEAD.match(text)
    return text[head.end() if head else 0 :].rstrip(_ENDS)
