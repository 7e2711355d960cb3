"""cidr: longest-prefix match among many networks, beside the oracle and a dict for each prefix length."""

from __future__ import annotations

import random
from collections.abc import Iterable

from benchmarks.micro.timing import Case, Contender
from engine._fast.cidr import Prefixes
from tests.fast.oracles.cidr import Prefixes as Oracle

_ADDRESS = bytes((100, 64, 1, 2))
_SEED = 20_260_101


class DictPrefixes:
    """The usual way in plain Python, IPv4 only: a dict of networks for each length, looked up from the longest."""

    def __init__(self, networks: Iterable[tuple[bytes, int, int]]) -> None:
        by_length: dict[int, dict[int, int]] = {}
        for packed, length, value in networks:
            by_length.setdefault(length, {})[int.from_bytes(packed) >> (32 - length)] = value
        self._lengths = [(32 - length, by_length[length]) for length in sorted(by_length, reverse=True)]

    def match(self, address: bytes) -> int:
        """The value of the longest network that holds `address` (4 bytes), or -1."""
        number = int.from_bytes(address)
        for shift, found in self._lengths:
            value = found.get(number >> shift)
            if value is not None:
                return value
        return -1


def networks(count: int) -> list[tuple[bytes, int, int]]:
    """`count` different IPv4 networks of /8 to /32, the same ones in every run, without the address that is asked."""
    chance = random.Random(_SEED)  # noqa: S311 - no secret
    asked = int.from_bytes(_ADDRESS)
    found: dict[tuple[int, int], None] = {}
    while len(found) < count:
        length = chance.choices(range(8, 33), [1] * 8 + [8] * 17)[0]
        network = chance.getrandbits(length)
        if asked >> (32 - length) != network:
            found[network << (32 - length), length] = None
    return [(network.to_bytes(4), length, place) for place, (network, length) in enumerate(found)]


def _case(count: int, *, oracle: bool) -> Case:
    listed = networks(count)
    contenders = [
        Contender("kernel", "match(address)", {"match": Prefixes(listed).match, "address": _ADDRESS}),
        Contender("dict by length", "match(address)", {"match": DictPrefixes(listed).match, "address": _ADDRESS}),
    ]
    if oracle:
        contenders.append(Contender("oracle", "match(address)", {"match": Oracle(listed).match, "address": _ADDRESS}))
    return Case(f"cidr: an address in none of {count:,} networks", contenders)


def cases() -> list[Case]:
    """The oracle tries every network, so that it takes part among the few only."""
    return [_case(100, oracle=True), _case(100_000, oracle=False)]
