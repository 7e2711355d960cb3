"""Checksums of addresses on public ledgers."""

from __future__ import annotations

import hashlib
from typing import Final

_BASE58: Final = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_BECH32: Final = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"


# The XRP Ledger writes the same digits in an order of its own.
_RIPPLE: Final = "rpshnaf39wBUDNEGHJKLM4PQRST7VWXYZ2bcdeCg65jkm8oFqi1tuvAxyz"


def other_ledger(text: str) -> bool:
    """Litecoin, Dogecoin, Dash and TRON as Bitcoin does it, the XRP Ledger; Monero's 95 characters end in a Keccak sum,
    which is not computed here."""
    if len(text) == 95:
        return any(c.isdigit() for c in text) and any(c.isupper() for c in text) and any(c.islower() for c in text)
    return base58check(text, _RIPPLE if text[0] == "r" else _BASE58)


def base58check(text: str, alphabet: str = _BASE58) -> bool:
    """25 bytes in base 58, the last four the start of SHA-256 twice over the others."""
    number = 0
    for character in text:
        number = number * 58 + alphabet.index(character)
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
