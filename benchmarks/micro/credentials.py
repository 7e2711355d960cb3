"""credentials: what it costs to know who is calling, the first time and every other time, beside PyJWT alone.

The rival verifies each token as it comes, as a service does that keeps nothing.
"""

from __future__ import annotations

import json
import tempfile
import time
from pathlib import Path
from typing import Any

import jwt

from benchmarks.micro.timing import Case, Contender
from engine.identity.claims import ClaimRules
from engine.identity.fetch import Fetcher
from engine.identity.key_source import KeySourceConfig
from engine.identity.key_store import KeyStore
from engine.identity.store import KeyCache
from engine.identity.tokens import IssuerConfig, TokenAuthority, TokenConfig
from tests.unit.identity import forge

# Claims of an ordinary token of a company's identity provider.
_PADDING = "x" * 500


def _authority() -> TokenAuthority:
    keys = [forge.rsa_jwk(forge.RSA, kid="rsa"), forge.ec_jwk("256", kid="ec256")]
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump({"keys": keys}, file)
        file.flush()
        source = KeySourceConfig(forge.ISSUER, file.name, frozenset(("RS256", "ES256")))
        rules = ClaimRules(frozenset((forge.AUDIENCE,)), frozenset(("user",)))
        return TokenAuthority(TokenConfig((IssuerConfig(source, rules),)), Fetcher())


def _token(algorithm: str, key: Any, name: str) -> Case:
    token = forge.token(forge.claims(padding=_PADDING, exp=int(time.time()) + 3600), algorithm, key, kid=name)
    authority = _authority()
    # The time is given: at its beginning the keys are as fresh as they were read.
    known = {"lookup": authority.lookup, "token": token, "now": time.time()}
    options = {"algorithms": [algorithm], "audience": forge.AUDIENCE, "issuer": forge.ISSUER}
    rival = {"decode": jwt.decode, "token": token, "key": key.public_key(), "options": options}
    return Case(
        f"credentials: a token of {algorithm}",
        [
            Contender("kernel", "lookup(token, now, 0.0)", known, lambda principal: principal.subject),
            Contender(
                "kernel, first time",
                "forget() or lookup(token, now, 0.0)",
                {**known, "forget": authority._kept.clear},
                lambda principal: principal.subject,
            ),
            Contender("PyJWT", "decode(token, key, **options)", rival, lambda claims: claims["sub"]),
        ],
        size=len(token),
    )


def _key() -> Case:
    folder = Path(tempfile.mkdtemp())
    with KeyStore(folder) as store:
        made = store.create("alice", ["user"])
    cache = KeyCache(folder)
    known = {"lookup": cache.lookup, "key": made.key.encode(), "now": time.time()}
    return Case(
        "credentials: an API key",
        [
            Contender("kernel", "lookup(key, now)", known, lambda principal: principal.subject),
            Contender(
                "kernel, first time",
                "forget() or lookup(key, now)",
                {**known, "forget": cache._forget},
                lambda principal: principal.subject,
            ),
        ],
    )


def cases() -> list[Case]:
    """Both algorithms that issuers use most, and a key of our own."""
    return [_token("RS256", forge.RSA, "rsa"), _token("ES256", forge.EC["256"], "ec256"), _key()]
