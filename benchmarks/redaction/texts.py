"""The texts that are redacted: prose, prose with findings, and texts made to be as slow as can be."""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import count

from benchmarks.quality.formats import FIXED
from benchmarks.quality.sentences import PROSE

_SEED = 5
# What stands in prose mostly: kinds of personal data, and now and then a credential.
_KINDS = ("email", "phone", "card", "iban", "ipv4", "ssn", "github token", "url with password")

# Beginnings of rules over and over, digits, marks: each keeps some rule busy as long as the text lasts.
WORST: dict[str, str] = {
    "one letter": "a",
    "digits": "1",
    "digits in groups": "4111 ",
    "dots": "1.2.3.",
    "colons": "ab:",
    "half addresses": "a@b.",
    "half URLs": "a://b:",
    "names without values": "password: ",
    "names and words": "api_key=secret ",
    "spoken": "the password is ",
    "half private keys": "-----BEGIN PRIVATE KEY----- ",
    "base64": "eyJhbGci.",
    "hexadecimal": "0x1f",
    "quotes": 'key="',
    "assignments": "secret_key=",
    "hosts": "www.",
}


def _words(text: str) -> list[str]:
    return text.split()


# Ordinary English has no numbers, and none of the words that announce a value. Sentences are made of these words at
# random, because a processor soon knows a text that repeats by heart and foresees every branch.
_THINGS = _words("""
harbor boat morning letter drawer hill village river bridge mill garden kitchen window summer winter story
answer question meeting summary decision team plan reason example thought noise city road train station
platform weather wind rain snow fire bread flour butter apple tree forest path mountain valley island beach
wave storm clock hour minute evening night dream idea language word sentence page chapter book library school
teacher student child mother father brother sister friend neighbor doctor farmer painter singer music song
dance picture color light shadow stone wood metal glass paper cloth house roof wall floor door table chair
lamp shelf basket bottle cup plate
""")
_DEEDS = _words("""
carried found watched remembered forgot painted opened closed crossed followed described explained measured
built broke mended lifted covered offered promised borrowed returned noticed missed wanted needed loved
feared heard read wrote told asked learned showed brought took gave kept left met saw made turned moved
changed held sold bought
""")
_KINDS_OF = _words("""
old young small large quiet loud bright dark narrow wide early late simple strange careful gentle heavy empty
full warm cold wet dry green blue grey golden broken useful famous common rare deep shallow honest clever
patient tired
""")
_PLACES = _words("in on under behind beside near beyond above below across along toward around inside outside without")
_JOINTS = (", and", ", but", " because", " while", " until", ", so", " as if", " before", " although", ";")


def _phrase(rng: random.Random) -> str:
    article = rng.choice(("the", "a", "every", "some", "their", "his", "her", "no", "one", "this"))
    kind = f" {rng.choice(_KINDS_OF)}" if rng.random() < 0.5 else ""
    place = f" {rng.choice(_PLACES)} the {rng.choice(_THINGS)}" if rng.random() < 0.4 else ""
    return f"{article}{kind} {rng.choice(_THINGS)}{place}"


def _sentences(rng: random.Random) -> Iterator[str]:
    while True:
        clauses = [f"{_phrase(rng)} {rng.choice(_DEEDS)} {_phrase(rng)}" for _ in range(rng.randrange(1, 4))]
        text = clauses[0]
        for clause in clauses[1:]:
            text += f"{rng.choice(_JOINTS)} {clause}"
        yield text[0].upper() + text[1:] + "."


def english(size: int, findings_per_kb: float = 0.0, seed: int = 0) -> bytes:
    """Ordinary English of `size` bytes, in which no rule has anything to look for but so many values in a kilobyte."""
    rng = random.Random(_SEED + seed)  # noqa: S311 - to be repeated
    return _text(_sentences(rng), size, findings_per_kb, rng)


def prose(size: int, findings_per_kb: float, seed: int = 0) -> bytes:
    """English, German and other prose of `size` bytes, full of numbers and of words that announce a value, with so many
    values to hide in a kilobyte."""
    rng = random.Random(_SEED + seed)  # noqa: S311 - to be repeated
    # Not the lines of code and tables, and nothing that speaks of passwords: that is what dirt is here.
    sentences = [text for text in PROSE if text.isprintable() and text[0].isalpha() and text.endswith(".")]
    plain = [text for text in sentences if not any(word in text for word in ("password", "secret", "token", "key"))]
    return _text((rng.choice(plain) for _ in count()), size, findings_per_kb, rng)


def _text(sentences: Iterator[str], size: int, findings_per_kb: float, rng: random.Random) -> bytes:
    parts: list[str] = []
    length = 0
    values = 0
    while length < size:
        text = next(sentences)
        if length / 1000 * findings_per_kb > values:
            values += 1
            text = f"{text[:-1]}, see {FIXED[rng.choice(_KINDS)](rng)}."
        parts.append(text)
        length += len(text.encode()) + 1
    return " ".join(parts).encode()[:size].decode(errors="ignore").encode()


def worst(name: str, size: int) -> bytes:
    """A worst-case text of `size` bytes."""
    unit = WORST[name].encode()
    return (unit * (size // len(unit) + 1))[:size]
