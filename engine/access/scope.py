"""What one key may reach of what its roles allow: globs of models, networks it may be used from.

Compiled once for each list that is in use, not for each key: many keys of one kind share theirs.
"""

from __future__ import annotations

from functools import lru_cache
from ipaddress import ip_network
from typing import Final

from engine.access.globs import NameMatcher
from engine.access.network import NetworkRules

_KEPT: Final = 4096


@lru_cache(_KEPT)
def models_within(globs: tuple[str, ...]) -> NameMatcher:
    """The models of a scope."""
    return NameMatcher(globs)


@lru_cache(_KEPT)
def addresses_within(networks: tuple[str, ...]) -> NetworkRules:
    """The addresses of a scope. Raises ValueError for a text that is no network."""
    return NetworkRules(allow=map(ip_network, networks))
