"""The texts that are redacted: prose, prose with findings, and texts made to be as slow as can be."""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import count, cycle

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


# Ordinary English: no numbers, and none of the words that announce a value.
_ENGLISH = (
    "The harbor was quiet when the first boats came back from the night.",
    "She read the letter twice before she put it into the drawer and closed it.",
    "Most of the hills behind the village are covered with pine and heather.",
    "If the weather holds, we will walk along the river and have lunch at the mill.",
    "A good summary says what was decided, who will do it, and what is still open.",
    "The children built a dam of stones and watched the water rise behind it.",
    "He had never liked the city, but he missed its noise as soon as he had left.",
    "Begin with the simplest case, make it work, and only then think about speed.",
    "Bread that rests overnight in a cool place has more flavor and a better crust.",
    "Nobody could say why the old clock had stopped, or who had last wound it.",
)


def english(size: int, findings_per_kb: float = 0.0) -> bytes:
    """Ordinary English of `size` bytes, in which no rule has anything to look for but so many values in a kilobyte."""
    return _text(cycle(_ENGLISH), size, findings_per_kb, random.Random(_SEED))  # noqa: S311 - to be repeated


def prose(size: int, findings_per_kb: float) -> bytes:
    """English, German and other prose of `size` bytes, full of numbers and of words that announce a value, with so many
    values to hide in a kilobyte."""
    rng = random.Random(_SEED)  # noqa: S311 - to be repeated
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
