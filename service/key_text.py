"""What a key looks like: ``dbf_``, 256 random bits and a checksum, all in base 62.

The fixed prefix and the checksum let secret scanners find leaked keys with hardly a false alarm, and let us tell a
typo from an unknown key without asking the store.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import string
import zlib

PREFIX = "dbf_"
PATTERN = "dbf_[0-9A-Za-z]{49}"
"""For secret scanners: every key matches."""
SHOWN = 12
"""Characters of a key that may be shown afterwards, the prefix included: 48 of its 256 bits."""

_ALPHABET = string.digits + string.ascii_uppercase + string.ascii_lowercase
_BITS = 256
_SECRET_CHARS, _CHECKSUM_CHARS = 43, 6
_KEY = re.compile(PATTERN)


def new_key() -> str:
    """A new key from the system's random source."""
    secret = PREFIX + _base62(secrets.randbits(_BITS), _SECRET_CHARS)
    return secret + _checksum(secret)


def is_key(text: str) -> bool:
    """Whether the text has a key's form, right checksum or not."""
    return _KEY.fullmatch(text) is not None


def is_mistyped(text: str) -> bool:
    """Whether a text in a key's form cannot be a key: its checksum does not fit."""
    return _checksum(text[:-_CHECKSUM_CHARS]) != text[-_CHECKSUM_CHARS:]


def digest(text: str) -> str:
    """What is kept of a key: its SHA-256 in hexadecimal."""
    return hashlib.sha256(text.encode()).hexdigest()


def _checksum(text: str) -> str:
    return _base62(zlib.crc32(text.encode()), _CHECKSUM_CHARS)


def _base62(number: int, length: int) -> str:
    digits = ""
    for _ in range(length):
        number, rest = divmod(number, len(_ALPHABET))
        digits = _ALPHABET[rest] + digits
    return digits
