"""fingerprint: what stands for a key in a look-up, beside the digests of the standard library."""

from __future__ import annotations

from hashlib import blake2b, sha256

from benchmarks.micro.timing import Case, Contender
from engine._fast.fingerprint import SECRET_BYTES, Fingerprint
from tests.fast.oracles.siphash import siphash

_KEY = b"tg_abcdefghjkmn_" + b"0123456789" * 4


def cases() -> list[Case]:
    """A key of 56 bytes."""
    of = Fingerprint(bytes(SECRET_BYTES)).of
    given = {"key": _KEY}
    # The digests are others, of course: only that they are made is compared.
    return [
        Case(
            "fingerprint of a key",
            [
                Contender("kernel", "of(key)", {**given, "of": of}),
                Contender(
                    "python (oracle)", "siphash(secret, key) * 2", {**given, "siphash": siphash, "secret": bytes(16)}
                ),
                Contender("SHA-256", "sha256(key).digest()", {**given, "sha256": sha256}, lambda _: of(_KEY)),
                Contender(
                    "BLAKE2b",
                    "blake2b(key, key=secret).digest()",
                    {**given, "blake2b": blake2b, "secret": bytes(32)},
                    lambda _: of(_KEY),
                ),
            ],
            size=len(_KEY),
        )
    ]
