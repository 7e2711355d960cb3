"""Upstreams and models as the way of a request needs them: an address to connect to, and which model goes where."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from engine.access.globs import MAX_NAME, Glob
from engine.errors import Dialect
from engine.limits.spend import Tariff
from engine.policy import model
from engine.settings import parse_duration

# Names that clients ask for are remembered up to here; past it they are looked for each time.
_REMEMBERED: Final = 4096
# What is reserved for the answer of a route, whose requests name no model with a number of its own.
DEFAULT_OUTPUT: Final = 1024


@dataclass(frozen=True)
class UpstreamConfig:
    """An upstream. Time-outs are in seconds; `authority` is the value of Host; `path_prefix` ends in no slash."""

    name: str
    scheme: str
    host: str
    port: int
    authority: bytes
    path_prefix: bytes
    dialect: Dialect
    api_key: str | None = field(repr=False)
    connect_timeout: float
    first_byte_timeout: float
    idle_timeout: float
    max_connections: int
    ca_file: Path | None
    fixed_fields: bytes = field(repr=False)

    def __hash__(self) -> int:
        # It keys the pool of connections, on the way of a request; equal configurations have equal names.
        return hash(self.name)


@dataclass(frozen=True)
class Price:
    """USD per million tokens."""

    input: float
    output: float


@dataclass(frozen=True)
class ModelTarget:
    """Where a model's requests go. `name` is the policy's entry: a name or a glob; of a route, its name.

    `tariff` is the price as limits on spend count it; `default_output` the tokens that are reserved for an answer to a
    request that does not say how many it wants.
    """

    name: str
    upstream: UpstreamConfig
    price: Price | None
    tariff: Tariff | None = None
    default_output: int = DEFAULT_OUTPUT


def compile_upstream(name: str, upstream: model.Upstream) -> UpstreamConfig:
    """The upstream of a checked policy."""
    url = urlsplit(upstream.base_url)
    assert url.hostname is not None
    return UpstreamConfig(
        name=name,
        scheme=url.scheme,
        host=url.hostname,
        port=url.port or (443 if url.scheme == "https" else 80),
        authority=url.netloc.lower().encode("ascii"),
        path_prefix=url.path.rstrip("/").encode("ascii"),
        dialect=upstream.dialect,
        api_key=upstream.api_key or None,
        connect_timeout=parse_duration(upstream.timeouts.connect),
        first_byte_timeout=parse_duration(upstream.timeouts.first_byte),
        idle_timeout=parse_duration(upstream.timeouts.idle),
        max_connections=upstream.max_connections,
        ca_file=Path(upstream.ca_file) if upstream.ca_file else None,
        fixed_fields=_fixed_fields(upstream, url.netloc.lower()),
    )


def _fixed_fields(upstream: model.Upstream, authority: str) -> bytes:
    """Header lines of every request to an upstream: its own name, no compression, and this gateway's credential."""
    lines = [f"host: {authority}", "accept-encoding: identity"]
    if upstream.api_key:
        if upstream.dialect == "anthropic":
            lines.append(f"x-api-key: {upstream.api_key}")
        else:
            lines.append(f"authorization: Bearer {upstream.api_key}")
    return "".join(f"{line}\r\n" for line in lines).encode("latin-1")


class ModelTable:
    """From a model's name to its target: the exact name, else the most specific glob, of equals the first."""

    __slots__ = ("_globs", "_known", "names")

    def __init__(self, models: Mapping[str, model.Model], upstreams: Mapping[str, UpstreamConfig]) -> None:
        exact: dict[str, ModelTarget | None] = {}
        globs = []
        for pattern, entry in models.items():
            price = Price(entry.price.input, entry.price.output) if entry.price is not None else None
            tariff = Tariff.of(price.input, price.output) if price is not None else None
            target = ModelTarget(pattern, upstreams[entry.upstream], price, tariff, entry.default_output)
            glob = Glob(pattern)
            if glob.is_exact:
                exact[pattern] = target
            else:
                globs.append((glob, target))
        # A stable sort: entries that say equally much stay in the order of the file.
        globs.sort(key=lambda pair: pair[0].specificity, reverse=True)
        self.names = tuple(exact)
        self._known = exact
        self._globs = globs

    def find(self, name: str) -> ModelTarget | None:
        """The target of a model, None where the policy has none for it."""
        try:
            return self._known[name]
        except KeyError:
            target = self._by_glob(name)
            if len(name) <= MAX_NAME and len(self._known) < len(self.names) + _REMEMBERED:
                self._known[name] = target
            return target

    def _by_glob(self, name: str) -> ModelTarget | None:
        return next((target for glob, target in self._globs if glob.matches(name)), None)
