"""Makes tokens, honest and forged, byte by byte, so that no library stands between a test and what it sends."""

from __future__ import annotations

import base64
import hmac
import json
import time
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

ISSUER = "https://idp.example.com/"
AUDIENCE = "tidegate"
HASHES = {"256": hashes.SHA256(), "384": hashes.SHA384(), "512": hashes.SHA512()}
CURVES = {"256": (ec.SECP256R1(), "P-256"), "384": (ec.SECP384R1(), "P-384"), "512": (ec.SECP521R1(), "P-521")}

RSA = rsa.generate_private_key(65537, 2048)
OTHER_RSA = rsa.generate_private_key(65537, 2048)
EC = {bits: ec.generate_private_key(curve) for bits, (curve, _) in CURVES.items()}
ED = ed25519.Ed25519PrivateKey.generate()


def b64(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def number(value: int, size: int | None = None) -> str:
    return b64(value.to_bytes(size or (value.bit_length() + 7) // 8, "big")).decode()


def rsa_jwk(key: rsa.RSAPrivateKey, **more: Any) -> dict[str, Any]:
    public = key.public_key().public_numbers()
    return {"kty": "RSA", "n": number(public.n), "e": number(public.e), **more}


def ec_jwk(bits: str, **more: Any) -> dict[str, Any]:
    public, size = EC[bits].public_key().public_numbers(), (CURVES[bits][0].key_size + 7) // 8
    return {"kty": "EC", "crv": CURVES[bits][1], "x": number(public.x, size), "y": number(public.y, size), **more}


def ed_jwk(**more: Any) -> dict[str, Any]:
    return {"kty": "OKP", "crv": "Ed25519", "x": b64(ED.public_key().public_bytes_raw()).decode(), **more}


def claims(**more: Any) -> dict[str, Any]:
    """The claims of an honest token; `...` takes one out."""
    now = int(time.time())
    made = {"iss": ISSUER, "aud": AUDIENCE, "sub": "alice", "roles": ["user"], "iat": now, "exp": now + 600, **more}
    return {name: value for name, value in made.items() if value is not ...}


def sign(algorithm: str, key: Any, data: bytes) -> bytes:
    family, bits = algorithm[:2], algorithm[2:]
    if family == "RS":
        return key.sign(data, padding.PKCS1v15(), HASHES[bits])
    if family == "PS":
        return key.sign(data, padding.PSS(padding.MGF1(HASHES[bits]), HASHES[bits].digest_size), HASHES[bits])
    if family == "ES":
        r, s = decode_dss_signature(key.sign(data, ec.ECDSA(HASHES[bits])))
        size = (key.curve.key_size + 7) // 8
        return r.to_bytes(size, "big") + s.to_bytes(size, "big")
    if family == "HS":
        return hmac.digest(key, data, f"sha{bits}")
    return key.sign(data)


def token(
    payload: dict[str, Any] | bytes | None = None,
    algorithm: str = "RS256",
    key: Any = RSA,
    header: dict[str, Any] | bytes | None = None,
    **more: Any,
) -> bytes:
    """A signed token. `header` replaces the header; `more` are more members of it, `...` taking one out."""
    if header is None:
        made = {"alg": algorithm, "kid": "rsa", "typ": "at+jwt", **more}
        header = {name: value for name, value in made.items() if value is not ...}
    if payload is None:
        payload = claims()
    parts = [part if isinstance(part, bytes) else json.dumps(part).encode() for part in (header, payload)]
    signed = b".".join(map(b64, parts))
    return signed + b"." + b64(sign(algorithm, key, signed))
