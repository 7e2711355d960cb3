"""Roles: what a principal may reach. Nothing is allowed that no role allows.

A role names endpoints and models; `*` among the endpoints is every endpoint but those that have to be named (files
and sockets, see `engine.policy.endpoints`), models are globs. Both must allow. What
else a role decides (parameters, redaction) is decided by other packages; it only travels with the role's name.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from engine.access.globs import NameMatcher

EVERY_ENDPOINT: Final = "*"


class Role:
    """A compiled role. Immutable; a question is one look-up."""

    __slots__ = ("_endpoints", "_every", "_models", "_named_only", "name", "redaction")

    def __init__(
        self,
        name: str,
        endpoints: Iterable[str],
        models: Iterable[str],
        redaction: str,
        named_only: frozenset[str] = frozenset(),
    ) -> None:
        named = frozenset(endpoints)
        self.name = name
        self.redaction = redaction
        self._every = EVERY_ENDPOINT in named
        self._endpoints = named
        self._named_only = named_only
        self._models = NameMatcher(models)

    def permits_endpoint(self, endpoint: str) -> bool:
        """Whether the endpoint or route of this name may be called."""
        return endpoint in self._endpoints or (self._every and endpoint not in self._named_only)

    def permits_model(self, model: str) -> bool:
        """Whether the model of this name may be asked for."""
        return self._models.matches(model)
