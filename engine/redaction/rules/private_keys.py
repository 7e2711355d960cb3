"""Private keys: PEM (RFC 7468), OpenSSH, OpenPGP armor (RFC 9580), PuTTY, age, JWK (RFC 7517), WireGuard, BIP-32. A
group of its own: there is no masking half a key.

The end line is not asked for: an answer that stops before it has leaked the key all the same. Then what counts as key
is what follows the head up to the first sign that no key holds. Line breaks may be written as "\\n", as JSON and
environment files do. Bodies are bounded at 8 KB, which an RSA key of 8,192 bits fits in; of a longer one the rest is
not part of the finding.
"""

from __future__ import annotations

import base64

from engine.redaction.rule import Rule
from engine.redaction.rules.secret_shapes import ALNUM, HEX
from engine.redaction.secret_checks import plausible, plausible_mixed

_BODY = "MIIEpAIBAAKCAQEAtidegate0example0body"
_LINE = "MIIEpAIBAAKCAQEA" + ALNUM[:48]


def _up_to(characters: str, thousands: int) -> str:
    """At most so many thousands of characters. RE2 takes no repeat above 1,000, nor nested ones with such a product."""
    return f"(?:{characters}{{1000}})?" * (thousands - 1) + f"{characters}{{0,1000}}"


# Base64, white space, "\n", quotes and signs that join strings, in as few ranges of bytes as there are: each costs an
# instruction per repeat. Comma, full stop and hyphen are out, so what follows a key cut short is hidden up to those.
_BODY_CHARACTERS = r"[\t-+/-z]"
_ANY_CHARACTERS = r"[\t-z]"
_FIELD = r"(?:(?:\s|\\{1,2}[nr]){1,4}[A-Za-z][A-Za-z-]{2,20}: [ -\[\]-~]{0,80}){0,4}"
_KIND = r"(?:(?:RSA|EC|DSA|OPENSSH|ENCRYPTED|PGP|ANY|SSH2 ENCRYPTED|ED25519|X25519|TSS2) )?"


def _base64_heads() -> str:
    """The base64 of each head, as far as whole groups of three bytes go."""
    heads = []
    for kind in ("", "RSA ", "EC ", "DSA ", "OPENSSH ", "ENCRYPTED ", "PGP "):
        head = f"-----BEGIN {kind}PRIVATE KEY".encode()
        heads.append(base64.b64encode(head[: len(head) // 3 * 3]).decode())
    return "|".join(heads)


_PEM = "-----BEGIN {kind}PRIVATE KEY-----\n{body}\n-----END {kind}PRIVATE KEY-----"


def _rule(
    id: str,
    pattern: str,
    max_len: int,
    keywords: tuple[str, ...],
    examples: tuple[str, ...],
    counterexamples: tuple[str, ...],
    mixed: bool = False,
) -> Rule:
    return Rule(
        id,
        "private_key",
        pattern,
        max_len,
        "[PRIVATE_KEY]",
        examples,
        counterexamples,
        keywords,
        plausible_mixed if mixed else plausible,
    )


RULES = (
    _rule(
        "private_key",
        rf"-{{4,5}} ?BEGIN {_KIND}PRIVATE KEY(?: BLOCK)? ?-{{4,5}}"
        rf"{_FIELD}{_up_to(_BODY_CHARACTERS, 8)}(?:-{{4,5}} ?END {_KIND}PRIVATE KEY(?: BLOCK)? ?-{{4,5}})?",
        8558,
        ("private key",),
        (
            _PEM.format(kind="RSA ", body=_BODY),
            _PEM.format(kind="", body="\n".join([_LINE] * 26)),
            _PEM.format(kind="EC ", body=f"{_LINE}\n{_LINE[:20]}==").replace("\n", "\\n"),
            f"-----BEGIN PRIVATE KEY-----\n{_BODY}",
            f"-----BEGIN OPENSSH PRIVATE KEY-----\n{_BODY}",
            f"-----BEGIN OPENSSH PRIVATE KEY-----\n{_LINE}\n{_LINE}\n\nKeep it safe.",
            "-----BEGIN PGP PRIVATE KEY BLOCK-----",
            f"-----BEGIN PGP PRIVATE KEY BLOCK-----\nVersion: GnuPG v2\n\n{_LINE}\n{_LINE}\n=aB3d\n"
            "-----END PGP PRIVATE KEY BLOCK-----",
            f"-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,{HEX[:32]}\n\n{_LINE}",
        ),
        ("-----BEGIN PUBLIC KEY-----", "-----BEGIN CERTIFICATE-----", "the BEGIN PRIVATE KEY line"),
    ),
    _rule(
        "private_key_base64",
        rf"(?:{_base64_heads()})" + _up_to(r"[\n+-z]", 10),
        10040,
        ("ls0tls1crudjtib",),
        (
            base64.b64encode(_PEM.format(kind="RSA ", body=_LINE).encode()).decode(),
            "client-key-data: " + base64.b64encode(_PEM.format(kind="EC ", body=_LINE).encode()).decode(),
            "key=" + base64.b64encode(_PEM.format(kind="", body=_LINE).encode()).decode(),
        ),
        (
            base64.b64encode(b"-----BEGIN CERTIFICATE-----\nMIIB").decode(),
            base64.b64encode(b"-----BEGIN PUBLIC KEY-----\nMIIB").decode(),
        ),
    ),
    _rule(
        "putty_private_key",
        r"PuTTY-User-Key-File-[1-3]: [a-z0-9@.-]{3,40}"
        rf"(?:{_up_to(_ANY_CHARACTERS, 5)}Private-(?:MAC|Hash): [0-9a-f]{{40,64}}|{_up_to(_ANY_CHARACTERS, 5)})",
        5141,
        ("putty-user-key-file-",),
        (
            "PuTTY-User-Key-File-2: ssh-rsa\nEncryption: none\nComment: me\n"
            f"Public-Lines: 1\n{_LINE}\nPrivate-Lines: 1\n{_LINE}\nPrivate-MAC: {HEX[:40]}",
            f"PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none\nPrivate-Lines: 1\n{_LINE}\nPrivate-MAC: {HEX[:64]}",
        ),
        ("a PuTTY user key file",),
    ),
    _rule(
        "age_secret_key",
        r"\bAGE-SECRET-KEY-(?:PQ-)?1[0-9A-Z]{50,60}\b",
        79,
        ("age-secret-key-",),
        (
            "AGE-SECRET-KEY-1" + ("QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L" * 2)[:58],
            "AGE-SECRET-KEY-1" + ("L7AUM6ECHK45NJ3S0WDVT2FG8X9YRZPQ" * 2)[:58],
        ),
        ("AGE-SECRET-KEY-1SHORT", "age1" + "qpzry9x8gf2tvdw0s3jn54khce6mua7l" * 2),
    ),
    _rule(
        "jwk_private_key",
        r"\"d\"\s{0,3}:\s{0,3}\"([A-Za-z0-9_-]{40,1000})\"",
        1012,
        ('"d"',),
        (
            f'{{"kty":"EC","crv":"P-256","x":"{ALNUM[1:44]}","d":"{ALNUM[:43]}"}}',
            f'"kty": "RSA", "n": "{HEX}", "d" : "{ALNUM[:171]}"',
        ),
        ('{"d": "2024-01-02"}', '"d": "M 10 10 L 20 20"'),
        mixed=True,
    ),
    _rule(
        "xml_private_key",
        r"<D>([A-Za-z0-9+/=\s]{80,1000})</D>",
        1007,
        ("<d>",),
        (f"<RSAKeyValue><D>{ALNUM[:171]}=</D></RSAKeyValue>", f"<D>\n{ALNUM[:86]}==\n</D>"),
        ("<D>short</D>",),
        mixed=True,
    ),
    _rule(
        "wireguard_key",
        r"(?i:\b(?:private|preshared)key\s{0,3}=\s{0,3})([A-Za-z0-9+/]{42,43}={1,2})",
        68,
        ("privatekey", "presharedkey"),
        (f"[Interface]\nPrivateKey = {ALNUM[:43]}=\nAddress = 10.0.0.2/32", f"PresharedKey={ALNUM[1:44]}="),
        ("PrivateKey = <private key>",),
        mixed=True,
    ),
    _rule(
        "bip32_private_key",
        r"\b[xyztuvYZ]prv[1-9A-HJ-NP-Za-km-z]{105,110}\b",
        114,
        ("xprv", "yprv", "zprv", "tprv", "uprv", "vprv"),
        (
            "xprv" + "9s21ZrQH143K34rKKCrJ7ap566uKJTeGt48BBrhedpqBhdiER5ztPw4"
            "MitY63cTm1CMYxytf6jNCDPLmMKHVbrpmEfvyjSExCHS1WenMvDx",
            "the key xprv" + "9s21ZrQH143K2LtzVd7jbQqgi9MBkWwhVPirPY7kT7TpWFMQnf8iQV"
            "skQXsrEMNAiK5EXyN7oyz1ZdeMpDmiSZmGeM8u7KRSmvnRbznnQnY of the wallet",
        ),
        ("xprv9short", "xprv_field_name"),
        mixed=True,
    ),
    _rule(
        "wallet_private_key",
        r"(?i:priv(?:ate)?[ _-]?key|\bwif\b|wallet[ _-]?key)[\w \"'`*:=()>\\-]{0,24}?\b"
        r"([5KL][1-9A-HJ-NP-Za-km-z]{50,51}|(?:0x)?[0-9a-fA-F]{64})\b",
        105,
        (
            "privkey",
            "priv_key",
            "priv-key",
            "priv key",
            "privatekey",
            "private_key",
            "private-key",
            "private key",
            "wif",
            "walletkey",
            "wallet_key",
            "wallet-key",
            "wallet key",
        ),
        (
            f"private key: 0x{HEX[:64]}",
            f"ETH_PRIVATE_KEY={HEX[:64]}",
            "WIF " + "KzgimL3gWp6yCgEF2mQ7BnKwthD5YUvWpXZmfLTFDJkjCn9PKPh8",
        ),
        ("the private key is kept in the vault", f"sha256:{HEX[:64]}"),
        mixed=True,
    ),
)
