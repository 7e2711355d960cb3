"""checksums: numbers that are no card's, no Aadhaar and no account, beside the oracle."""

from __future__ import annotations

from benchmarks.micro.timing import Case, Contender
from engine._fast import checksums
from tests.fast.oracles import checksums as oracle

_CARD = "4111 1111 1111 1112"
_AADHAAR = "2116 3726 5168"
_IBAN = "DE89 3704 0044 0532 0130 01"


def cases() -> list[Case]:
    """What nearly all candidates of a table of numbers come to."""
    return [
        Case(
            f"checksums: {name}",
            [
                Contender(way, "check(text)", {"check": getattr(module, check), "text": text})
                for way, module in (("kernel", checksums), ("oracle", oracle))
            ],
        )
        for name, check, text in (("card", "luhn", _CARD), ("Aadhaar", "verhoeff", _AADHAAR), ("IBAN", "mod_97", _IBAN))
    ]
