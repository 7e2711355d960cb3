"""Links that take data away: a page that shows an answer fetches its images unasked, and a reader follows its links.

A host is trusted if the policy's `hazards.allowed_hosts` names it. Where a URL does not say plainly which host it
leads to, it leads to none of these: browsers read URLs more widely (https://url.spec.whatwg.org) than this module does.

What carries data: a query, a user's name, an escape, a parenthesis (where the URL may go on behind what was matched),
or a piece of host, path or fragment that reads like a code and not like words.
"""

from __future__ import annotations

import re
import string
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final

from engine._fast.runs import Tokens

_URL: Final = re.compile(r"<?\s*(?:[A-Za-z]{2,5}:)?([\\/]*)([^\\/?#]{0,256})(.*)", re.DOTALL)
_HOST: Final = re.compile(r"([a-z0-9-]+(?:\.[a-z0-9-]+)*)\.?(?::[0-9]{1,5})?")
_ALLOWED: Final = re.compile(r"(?:\*\.)?[a-z0-9-]+(?:\.[a-z0-9-]+)*")
_SIGNS: Final = "?@%\\()"
# Pieces of so many letters and digits that mix both, or change their case often, read like a code.
_LEAST_PIECE: Final = 10
_PIECES: Final = Tokens((string.ascii_letters + string.digits).encode(), _LEAST_PIECE, 1 << 20)
_CASES: Final = 3
# No word is as long.
_LONGEST_WORD: Final = 28
# Of the names that DNS has (RFC 1035, 2.3.4).
_LONGEST_HOST: Final = 255


class HostError(ValueError):
    """An entry that names no host."""


def allowed_hosts(entries: Sequence[str]) -> frozenset[str]:
    """`example.com` allows this host, `*.example.com` those below it. Raises HostError."""
    hosts = [entry.lower() for entry in entries]
    for entry in hosts:
        if not _ALLOWED.fullmatch(entry):
            raise HostError(f"{entry!r} is no host such as example.com or *.example.com")
    return frozenset(hosts)


@dataclass(frozen=True, slots=True)
class LeadsAway:
    """Checks a URL: it leads to a host off the list and, unless it is fetched unasked, carries data."""

    fetched: bool
    allowed: frozenset[str] = frozenset()

    def allowing(self, hosts: frozenset[str]) -> LeadsAway:
        """The same with a list of hosts."""
        return replace(self, allowed=hosts)

    def __call__(self, url: str) -> bool:
        match = _URL.fullmatch(url) if self.allowed else None
        if match is None or "\\" in url or not self._trusts(match[2], match[1]):
            return self.fetched or carries_data(url)
        return False

    def _trusts(self, authority: str, slashes: str) -> bool:
        if len(authority) > _LONGEST_HOST:
            return False
        host = _HOST.fullmatch(authority.lower())
        if host is None or slashes not in ("", "//"):
            return False
        name = host[1]
        above = name
        while name not in self.allowed:
            _, dot, above = above.partition(".")
            if not dot:
                return False
            if f"*.{above}" in self.allowed:
                return True
        return True


def carries_data(url: str) -> bool:
    """See the module."""
    if any(sign in url for sign in _SIGNS):
        return True
    _, _, fragment = url.partition("#")
    return "=" in fragment or any(map(_is_code, _pieces(url.encode())))


def _pieces(url: bytes) -> Iterator[str]:
    at = 0
    while (place := _PIECES.find(url, at, len(url))) is not None:
        left, at = place
        yield url[left:at].decode()


def _is_code(piece: str) -> bool:
    if len(piece) >= _LONGEST_WORD:
        return True
    letters = sum(character.isalpha() for character in piece)
    turns = sum(one.islower() and two.isupper() for one, two in pairwise(piece))
    return 0 < letters < len(piece) or turns >= _CASES
