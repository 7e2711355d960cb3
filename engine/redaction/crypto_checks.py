"""Checksums of addresses on public ledgers."""

from __future__ import annotations

import hashlib
from typing import Final

_BASE58: Final = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_BECH32: Final = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"


def base58check(text: str) -> bool:
    """25 bytes in base 58, the last four the start of SHA-256 twice over the others."""
    number = 0
    for character in text:
        number = number * 58 + _BASE58.index(character)
    try:
        data = number.to_bytes(25, "big")
    except OverflowError:
        return False
    return hashlib.sha256(hashlib.sha256(data[:21]).digest()).digest()[:4] == data[21:]


def bech32(text: str) -> bool:
    """BIP 173 and, for later versions of programs, BIP 350."""
    if text not in (text.lower(), text.upper()):
        return False
    head, _, body = text.lower().rpartition("1")
    values = [ord(c) >> 5 for c in head] + [0] + [ord(c) & 31 for c in head] + [_BECH32.index(c) for c in body]
    check = 1
    for value in values:
        top = check >> 25
        check = (check & 0x1FFFFFF) << 5 ^ value
        for bit, factor in enumerate((0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)):
            if top >> bit & 1:
                check ^= factor
    return check in (1, 0x2BC830A3)
