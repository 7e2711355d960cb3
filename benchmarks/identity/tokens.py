"""A key set that a gateway believes, and tokens that are signed with another key of the same name."""

from __future__ import annotations

import base64
import json
import secrets
import time
from collections.abc import Callable
from pathlib import Path

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

_ID = "bench"


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _number(value: int) -> str:
    return _encoded(value.to_bytes((value.bit_length() + 7) // 8, "big"))


def write_keys(path: Path) -> None:
    """A JWKS with one RSA key, the private half of which is thrown away."""
    public = rsa.generate_private_key(65537, 2048).public_key().public_numbers()
    key = {"kty": "RSA", "kid": _ID, "use": "sig", "alg": "RS256", "n": _number(public.n), "e": _number(public.e)}
    path.write_text(json.dumps({"keys": [key]}))


def forged(issuer: str, audience: str) -> Callable[[], str]:
    """Makes tokens that are right in all but their signature, each another one. The signature is made once: what is
    measured is who has to refuse it."""
    header = _encoded(json.dumps({"alg": "RS256", "kid": _ID, "typ": "at+jwt"}).encode())
    key = rsa.generate_private_key(65537, 2048)
    signature = _encoded(key.sign(b"anything", padding.PKCS1v15(), hashes.SHA256()))

    def make() -> str:
        claims = {"iss": issuer, "aud": audience, "sub": secrets.token_hex(8), "exp": int(time.time()) + 600}
        return f"{header}.{_encoded(json.dumps(claims).encode())}.{signature}"

    return make
