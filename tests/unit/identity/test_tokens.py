"""JWT access tokens: honest ones pass, and every known way to forge or break one does not."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from engine.identity.claims import ClaimRules
from engine.identity.errors import InvalidToken
from engine.identity.fetch import Fetcher
from engine.identity.jwks import KeySetError, parse_keys
from engine.identity.jws import MAX_TOKEN
from engine.identity.key_source import KeySourceConfig
from engine.identity.principal import Principal
from engine.identity.tokens import IssuerConfig, TokenAuthority, TokenConfig
from tests.unit.identity import forge
from tests.unit.identity.forge import b64, claims, token

ASYMMETRIC = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]
KEYS = [
    forge.rsa_jwk(forge.RSA, kid="rsa"),
    *(forge.ec_jwk(bits, kid=f"ec{bits}") for bits in forge.EC),
    forge.ed_jwk(kid="ed"),
]
RULES = ClaimRules(audience=frozenset(["tidegate"]), known_roles=frozenset(["user", "operator"]), team_claim="org")


@pytest.fixture
def authority(tmp_path: Path) -> Callable[..., TokenAuthority]:
    """Makes an authority with the given keys in a file."""

    def make(
        keys: list[Any] = KEYS,
        algorithms: list[str] = ASYMMETRIC,
        rules: ClaimRules = RULES,
        issuer: str = forge.ISSUER,
    ) -> TokenAuthority:
        path = tmp_path / "jwks.json"
        path.write_text(json.dumps({"keys": keys}))
        source = KeySourceConfig(issuer, str(path), frozenset(algorithms))
        return TokenAuthority(TokenConfig((IssuerConfig(source, rules),)), Fetcher())

    return make


def ask(authority: TokenAuthority, credential: bytes, now_s: float | None = None) -> Principal:
    async def answer() -> Principal:
        found = authority.lookup(credential, time.time() if now_s is None else now_s, time.monotonic())
        return found if isinstance(found, Principal) else await found

    return asyncio.run(answer())


def refused(authority: TokenAuthority, credential: bytes) -> str:
    with pytest.raises(InvalidToken) as error:
        ask(authority, credential)
    return str(error.value)


SIGNERS = {
    **dict.fromkeys(ASYMMETRIC[:6], (forge.RSA, "rsa")),
    "ES256": (forge.EC["256"], "ec256"),
    "ES384": (forge.EC["384"], "ec384"),
    "ES512": (forge.EC["512"], "ec512"),
    "EdDSA": (forge.ED, "ed"),
}


@pytest.mark.parametrize("algorithm", ASYMMETRIC)
def test_an_honest_token_passes_and_a_changed_one_does_not(
    authority: Callable[..., TokenAuthority], algorithm: str
) -> None:
    tokens = authority()
    key, name = SIGNERS[algorithm]
    honest = token(claims(org="acme"), algorithm, key, kid=name)
    principal = ask(tokens, honest)
    assert (principal.subject, principal.team, principal.roles, principal.source) == ("alice", "acme", ("user",), "jwt")
    assert ask(tokens, honest) is principal
    head, payload, signature = honest.split(b".")
    widened = b64(json.dumps(claims(roles=["operator"])).encode())
    for forged in (
        b".".join((head, widened, signature)),
        b".".join((head, payload, b64(bytes(len(signature) * 3 // 4)))),
        b".".join((head, payload, b64(b"\x00"))),
        b".".join((head, payload, signature[:-8])),
        token(claims(), algorithm, key, kid="nobody"),
    ):
        refused(tokens, forged)


@pytest.mark.parametrize("spelling", ["none", "None", "NONE", "nOnE", "", "RS255", "ES256K", "HS256", "A128KW", "dir"])
def test_unlisted_algorithms(authority: Callable[..., TokenAuthority], spelling: str) -> None:
    head = b64(json.dumps({"alg": spelling, "kid": "rsa"}).encode())
    body = b64(json.dumps(claims()).encode())
    tokens = authority()
    for signature in (b"", b64(b"x")):
        refused(tokens, b".".join((head, body, signature)))


def test_a_public_key_is_no_secret(authority: Callable[..., TokenAuthority]) -> None:
    tokens = authority()
    public = forge.RSA.public_key()
    for form in (serialization.PublicFormat.SubjectPublicKeyInfo, serialization.PublicFormat.PKCS1):
        for encoding in (serialization.Encoding.PEM, serialization.Encoding.DER):
            secret = public.public_bytes(encoding, form)
            refused(tokens, token(algorithm="HS256", key=secret))
    secret = json.dumps(forge.rsa_jwk(forge.RSA, kid="rsa")).encode()
    refused(tokens, token(algorithm="HS512", key=secret))


def test_a_listed_algorithm_with_another_ones_key(authority: Callable[..., TokenAuthority]) -> None:
    tokens = authority()
    # The header names a key that is of another type, or of another curve.
    refused(tokens, token(algorithm="ES256", key=forge.EC["256"], kid="rsa"))
    refused(tokens, token(algorithm="ES256", key=forge.EC["256"], kid="ec384"))
    refused(tokens, token(algorithm="ES384", key=forge.EC["256"], kid="ec256"))
    refused(tokens, token(algorithm="EdDSA", key=forge.ED, kid="rsa"))
    # And a key of the attacker's under a name that is known.
    refused(tokens, token(algorithm="RS256", key=forge.OTHER_RSA, kid="rsa"))
    refused(tokens, token(algorithm="ES256", key=ec.generate_private_key(ec.SECP256R1()), kid="ec256"))


def test_no_algorithm_that_the_policy_does_not_list(authority: Callable[..., TokenAuthority]) -> None:
    tokens = authority(algorithms=["RS256"])
    assert ask(tokens, token()).subject == "alice"
    for algorithm in ASYMMETRIC[1:]:
        key, name = SIGNERS[algorithm]
        refused(tokens, token(None, algorithm, key, kid=name))


@pytest.mark.parametrize("zeros", [bytes(64), b"\x00" * 31 + b"\x01" + b"\x00" * 32, b"\xff" * 64])
def test_signatures_of_zero(authority: Callable[..., TokenAuthority], zeros: bytes) -> None:
    head, body, _ = token(algorithm="ES256", key=forge.EC["256"], kid="ec256").split(b".")
    refused(authority(), b".".join((head, body, b64(zeros))))


def test_where_a_header_says_its_key_is(authority: Callable[..., TokenAuthority]) -> None:
    tokens = authority()
    theirs = forge.rsa_jwk(forge.OTHER_RSA, kid="theirs")
    for more in (
        {"jwk": theirs, "kid": ...},
        {"jwk": theirs, "kid": "theirs"},
        {"jku": "https://evil.example/jwks.json", "kid": "theirs"},
        {"x5u": "https://evil.example/cert.pem"},
        {"x5c": ["MIIB"]},
        {"kid": "../../../../dev/null"},
        {"kid": "' UNION SELECT 'key' --"},
        {"kid": "rsa\x00"},
        {"kid": ["rsa"]},
        {"kid": 1},
    ):
        refused(tokens, token(key=forge.OTHER_RSA, **more))


@pytest.mark.parametrize(
    "more",
    [
        {"crit": ["exp"], "exp": 1},
        {"crit": ["b64"], "b64": False},
        {"crit": []},
        {"b64": False},
        {"zip": "DEF"},
        {"enc": "A128GCM"},
        {"typ": "dpop+jwt"},
        {"typ": "logout+jwt"},
        {"typ": 1},
        {"alg": 1},
        {"alg": ["RS256"]},
        {"alg": ...},
    ],
)
def test_headers_that_are_refused(authority: Callable[..., TokenAuthority], more: dict[str, Any]) -> None:
    refused(authority(), token(**more))


def test_types_of_access_tokens(authority: Callable[..., TokenAuthority]) -> None:
    tokens = authority()
    for kind in ("at+jwt", "application/at+jwt", "JWT", "AT+JWT", ...):
        assert ask(tokens, token(typ=kind)).subject == "alice"


def test_a_token_without_a_key_id(authority: Callable[..., TokenAuthority]) -> None:
    assert ask(authority(), token(kid=...)).subject == "alice"
    two = authority([*KEYS, forge.rsa_jwk(forge.OTHER_RSA, kid="second")])
    refused(two, token(kid=...))


def spell(parts: list[bytes], index: int, change: Callable[[bytes], bytes]) -> bytes:
    return b".".join(change(part) if place == index else part for place, part in enumerate(parts))


@pytest.mark.parametrize("index", [0, 1, 2])
@pytest.mark.parametrize(
    "change",
    [
        lambda part: part + b"=" * (-len(part) % 4 or 4),
        lambda part: part + b"\n",
        lambda part: b" " + part,
        lambda part: part[:4] + b"\r\n" + part[4:],
        lambda part: part + b"A",
        lambda part: part[:-1] + b"+",
        lambda part: part[:-1] + b"/",
        lambda part: part[:-1] + b"\xff",
        lambda part: part + b"\x00",
        lambda part: b"",
    ],
)
def test_lax_base64(authority: Callable[..., TokenAuthority], index: int, change: Callable[[bytes], bytes]) -> None:
    refused(authority(), spell(token().split(b"."), index, change))


def test_bits_that_are_not_used_are_zero(authority: Callable[..., TokenAuthority]) -> None:
    alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    honest = token()
    # 256 bytes of signature leave four bits of the last character unused.
    last = alphabet.index(honest[-1])
    assert last % 16 == 0
    tokens = authority()
    for bits in range(1, 16):
        refused(tokens, honest[:-1] + alphabet[last + bits : last + bits + 1])
    assert ask(tokens, honest).subject == "alice"


@pytest.mark.parametrize(
    "shape", [b"a.b", b"a.b.c.d", b"..", b"ey.ey.", b".ey.ey", b"ey" + b"." * 1000, b"ey..", b"ey"]
)
def test_other_than_three_parts(authority: Callable[..., TokenAuthority], shape: bytes) -> None:
    refused(authority(), shape)


def test_the_size_is_bounded_before_anything_is_decoded(authority: Callable[..., TokenAuthority]) -> None:
    honest = token(claims(padding="x" * MAX_TOKEN))
    assert refused(authority(), honest) == "The token is too long."


@pytest.mark.parametrize(
    "payload",
    [
        b'{"iss":"https://idp.example.com/","aud":"tidegate","sub":"alice","exp":9999999999,"sub":"root"}',
        b'{"iss":"https://idp.example.com/","aud":"tidegate","sub":"alice","exp":9999999999,"\\u0073ub":"root"}',
        b'{"iss":"https://idp.example.com/","aud":"tidegate","sub":"alice","exp":NaN}',
        b'{"iss":"https://idp.example.com/","aud":"tidegate","sub":"alice","exp":Infinity}',
        b'{"iss":"https://idp.example.com/","aud":"tidegate","sub":"alice","exp":1e400}',
        b'{"iss":"https://idp.example.com/","aud":"tidegate","sub":"alice","exp":09999999999}',
        b'{"iss":"https://idp.example.com/","aud":"tidegate","sub":"alice","exp":9999999999,}',
        b'{"iss":"https://idp.example.com/","aud":"tidegate","sub":"alice","exp":9999999999} ,',
        b'\xef\xbb\xbf{"iss":"https://idp.example.com/","aud":"tidegate","sub":"alice","exp":9999999999}',
        b'{"iss":"https://idp.example.com/","aud":"tidegate","sub":"al\xffce","exp":9999999999}',
        b'[{"iss":"https://idp.example.com/"}]',
        b'"iss"',
        b"null",
        b"{" * 100,
        b"",
    ],
)
def test_claims_that_are_not_strict_json(authority: Callable[..., TokenAuthority], payload: bytes) -> None:
    refused(authority(), token(payload))


def test_a_header_with_two_algorithms(authority: Callable[..., TokenAuthority]) -> None:
    refused(authority(), token(header=b'{"alg":"none","kid":"rsa","alg":"RS256"}'))
    refused(authority(), token(header=b'{"alg":"RS256","kid":"rsa","kid":"rsa"}'))


NOW = int(time.time())


@pytest.mark.parametrize(
    "more",
    [
        {"exp": ...},
        {"exp": None},
        {"exp": str(NOW + 600)},
        {"exp": True},
        {"exp": [NOW + 600]},
        {"exp": NOW - 1},
        {"exp": NOW - 86400},
        {"exp": 0},
        {"exp": -1},
        {"exp": 10**30},
        {"exp": 1e300},
        {"nbf": NOW + 3600},
        {"nbf": str(NOW)},
        {"nbf": True},
        {"nbf": None},
        {"iat": NOW + 3600},
        {"iat": "now"},
        {"iat": False},
        {"iss": ...},
        {"iss": "https://idp.example.com"},
        {"iss": "https://idp.example.com/ "},
        {"iss": "HTTPS://idp.example.com/"},
        {"iss": ["https://idp.example.com/"]},
        {"iss": None},
        {"aud": ...},
        {"aud": "other"},
        {"aud": "tidegate "},
        {"aud": "Tidegate"},
        {"aud": []},
        {"aud": ["other"]},
        {"aud": ["tidegate", 1]},
        {"aud": {"tidegate": 1}},
        {"aud": 1},
        {"aud": None},
        {"sub": ...},
        {"sub": None},
        {"sub": ""},
        {"sub": 1},
        {"sub": ["alice"]},
        {"sub": {"name": "alice"}},
        {"sub": "alice\n"},
        {"sub": "alice\u200b"},
        {"sub": "\u202eecila"},
        {"sub": "alic\u0065\u0301"},
        {"sub": "a" * 300},
        {"roles": 1},
        {"roles": {"user": True}},
        {"roles": ["user", 1]},
        {"org": 1},
        {"org": "acme\x00"},
        {"cnf": {"jkt": "x"}},
        {"cnf": {"x5t#S256": "x"}},
        {"cnf": None},
    ],
)
def test_claims_that_are_refused(authority: Callable[..., TokenAuthority], more: dict[str, Any]) -> None:
    refused(authority(), token(claims(**more)))


@pytest.mark.parametrize(
    "more",
    [
        {"exp": NOW + 600.5},
        {"aud": ["other", "tidegate"]},
        {"nbf": NOW - 5, "iat": ...},
        {"iat": NOW + 2},
        {"sub": "a|b@c d"},
        {"sub": "Zoë"},
    ],
)
def test_claims_that_pass(authority: Callable[..., TokenAuthority], more: dict[str, Any]) -> None:
    assert ask(authority(), token(claims(**more))).roles == ("user",)


@pytest.mark.parametrize(
    ("given", "roles"),
    [
        (["operator", "user"], ("operator", "user")),
        (["root", "user", "user"], ("user",)),
        ("user", ("user",)),
        ("openid user operator", ("user", "operator")),
        (["User", "user\u200b", "us\u0435r"], ()),
        ([], ()),
        ("", ()),
        (..., ()),
        (None, ()),
    ],
)
def test_roles(authority: Callable[..., TokenAuthority], given: Any, roles: tuple[str, ...]) -> None:
    assert ask(authority(), token(claims(roles=given))).roles == roles


def test_claims_by_mapping(authority: Callable[..., TokenAuthority]) -> None:
    rules = ClaimRules(
        audience=frozenset(),
        known_roles=frozenset(["user", "operator"]),
        subject_claims=("email",),
        roles_claim="realm_access.roles",
        role_map={"llm-admins": "operator"},
        default_roles=("user",),
    )
    tokens = authority(rules=rules)
    known = ask(tokens, token(claims(aud=..., email="a@b.c", realm_access={"roles": ["llm-admins", "user"]})))
    assert (known.subject, known.roles) == ("a@b.c", ("operator",))
    assert ask(tokens, token(claims(aud=..., email="a@b.c"))).roles == ("user",)
    # A token for an audience, where the policy names none, was made for somebody else.
    refused(tokens, token(claims(email="a@b.c")))
    refused(tokens, token(claims(aud=..., email=1)))


def test_expiry_ends_what_is_remembered(authority: Callable[..., TokenAuthority]) -> None:
    tokens = authority()
    honest = token(claims(exp=NOW + 600))
    assert ask(tokens, honest, NOW + 599.9).subject == "alice"
    with pytest.raises(InvalidToken, match="expired"):
        ask(tokens, honest, NOW + 600)


def test_tokens_with_equal_prefixes_never_cross(authority: Callable[..., TokenAuthority]) -> None:
    tokens = authority()
    made = {
        f"user-{index:04}": token(claims(jti="x" * 500, sub=f"user-{index:04}"), "ES256", forge.EC["256"], kid="ec256")
        for index in range(1000)
    }
    for _ in range(2):
        for subject, honest in made.items():
            assert ask_now(tokens, honest).subject == subject
            assert ask_now(tokens, honest) is ask_now(tokens, honest)


def ask_now(tokens: TokenAuthority, honest: bytes) -> Principal:
    found = tokens.lookup(honest, time.time(), time.monotonic())
    assert isinstance(found, Principal)
    return found


def test_memory_of_verified_tokens_is_bounded(
    authority: Callable[..., TokenAuthority], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.identity.tokens._KEPT_BYTES", 4000)
    tokens = authority()
    made = [token(claims(n=index), "ES256", forge.EC["256"], kid="ec256") for index in range(40)]
    for honest in made:
        ask_now(tokens, honest)
        assert sum(map(len, [*tokens._kept, *tokens._older])) <= 8000
    assert ask_now(tokens, made[0]).subject == "alice"


def test_keys_that_cannot_be_used_are_left_out(authority: Callable[..., TokenAuthority]) -> None:
    small = rsa.generate_private_key(65537, 1024)  # noqa: S505 - the point of the test
    broken = [
        None,
        "key",
        {},
        {"kty": "RSA"},
        {"kty": "RSA", "n": "AQAB", "e": "AQAB", "kid": "tiny"},
        forge.rsa_jwk(small, kid="small"),
        forge.rsa_jwk(forge.OTHER_RSA, kid="other", use="enc"),
        forge.rsa_jwk(forge.OTHER_RSA, kid="other", alg="RS512"),
        forge.rsa_jwk(forge.OTHER_RSA, kid="other", key_ops=["encrypt"]),
        {**forge.rsa_jwk(forge.OTHER_RSA, kid="one"), "e": "AQ"},
        {**forge.ec_jwk("256", kid="point"), "x": forge.ec_jwk("256")["y"]},
        {**forge.ec_jwk("256", kid="curve"), "crv": "P-384"},
        {**forge.ec_jwk("256", kid="curve"), "crv": "secp256k1"},
        {"kty": "oct", "k": "c2VjcmV0", "kid": "rsa"},
        {"kty": ["RSA"], "kid": "list"},
    ]
    tokens = authority([*broken, *KEYS])
    assert ask(tokens, token()).subject == "alice"
    refused(tokens, token(key=small, kid="small"))
    refused(tokens, token(key=forge.OTHER_RSA, kid="other"))
    assert ask(tokens, token(algorithm="RS512", key=forge.OTHER_RSA, kid="other")).subject == "alice"


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"<html>",
        b"[]",
        b"{}",
        b'{"keys":{}}',
        b'{"keys":[]}',
        b'{"keys":[{"kty":"RSA"}]}',
        b'{"keys":[],"keys":[]}',
    ],
)
def test_what_is_no_key_set(text: bytes) -> None:
    with pytest.raises(KeySetError):
        parse_keys(text, ["RS256"])


def test_private_members_are_not_read() -> None:
    private = forge.RSA.private_numbers()
    keys = parse_keys(
        json.dumps({"keys": [forge.rsa_jwk(forge.RSA, kid="rsa", d=forge.number(private.d))]}).encode(), ["RS256"]
    )
    assert all("d" not in json.loads(identity) for _, _, identity in keys.identities)


def test_shared_secrets(authority: Callable[..., TokenAuthority]) -> None:
    secret = b"0123456789abcdef0123456789abcdef"
    jwk = {"kty": "oct", "k": b64(secret).decode(), "kid": "shared"}
    tokens = authority([jwk], ["HS256"])
    assert ask(tokens, token(algorithm="HS256", key=secret, kid="shared")).subject == "alice"
    refused(tokens, token(algorithm="HS256", key=secret[:-1], kid="shared"))
    with pytest.raises(KeySetError):
        authority([{**jwk, "k": b64(secret[:31]).decode()}], ["HS256"])


def test_a_key_that_is_withdrawn_takes_its_tokens_with_it(
    authority: Callable[..., TokenAuthority], tmp_path: Path
) -> None:
    tokens = authority()
    honest = token()

    async def story() -> None:
        assert tokens.lookup(honest, time.time(), time.monotonic())
        (tmp_path / "jwks.json").write_text(json.dumps({"keys": KEYS[1:]}))
        # Due: this one still goes by the keys at hand, and starts the fetch.
        later = time.monotonic() + 301
        (source,) = tokens._sources.values()
        source._begun -= 301
        assert isinstance(tokens.lookup(honest, time.time(), later), Principal)
        assert source._task is not None
        await source._task
        found = tokens.lookup(honest, time.time(), time.monotonic())
        assert not isinstance(found, Principal)
        with pytest.raises(InvalidToken):
            await found

    asyncio.run(story())


def test_a_reload_keeps_the_keys_and_follows_the_roles(authority: Callable[..., TokenAuthority]) -> None:
    before = authority()
    (config,) = before._sources
    rules = ClaimRules(audience=frozenset(["tidegate"]), known_roles=frozenset(["operator"]))
    after = TokenAuthority(TokenConfig((IssuerConfig(config, rules),)), Fetcher(), before)
    honest = token(claims(roles=["user", "operator"]))
    assert ask(before, honest).roles == ("user", "operator")
    assert ask(after, honest).roles == ("operator",)
    assert after._sources[config] is before._sources[config]
