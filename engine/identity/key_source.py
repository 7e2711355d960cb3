"""Where an issuer's keys come from, and how long they are believed.

Theory of operation. The keys of an issuer are at a URL, in a file, or where its discovery document says (RFC 8414,
OpenID Connect Discovery). They are fetched before they are needed and again every `refresh_s`; requests go on with
those at hand meanwhile. One fetch is under way at a time, whoever asks.

A token that names a key not at hand makes a fetch, because the issuer may have rotated; the request waits for it, so
that a rotation costs no valid token a refusal. Between the beginnings of two fetches are `FLOOR_S` at least (of a file,
less), however many such tokens come. A name that a fetch did not find is refused for `ABSENT_S` without another; and
when more than `PATIENCE` names were not found, they are made up: then nobody waits, and the floor is `SLOW_FLOOR_S`.

Failure modes. While the issuer cannot be reached, or what it serves is no key set with a usable key, the keys at hand
are kept for `keep_s` after they were last fetched; then there are none, and the caller refuses (503). A token whose key
is unknown while the issuer is down is neither right nor wrong: 503 too.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from engine.identity.errors import IdentityUnavailable
from engine.identity.fetch import Fetcher, FetchError
from engine.identity.jwks import MAX_SET, KeySet, KeySetError, UnknownKey, parse_keys

log = logging.getLogger(__name__)

FLOOR_S: Final = 2.0
SLOW_FLOOR_S: Final = 10.0
ABSENT_S: Final = 10.0
PATIENCE: Final = 5
# A file costs nobody anything: a change of it is seen sooner.
_FILE_FLOOR_S: Final = 0.1
_FILE_REFRESH_S: Final = 5.0
# A provider that is down is asked again this often, whatever `refresh_s` says.
_RETRY_S: Final = 10.0
# Misses are forgotten after a quiet minute.
_CALM_S: Final = 60.0
# Requests that wait for one fetch: each holds a connection of its client.
_MAX_WAITING: Final = 1024
_MAX_ABSENT: Final = 1024
_MAX_METADATA: Final = 256 * 1024

# OpenID Connect Discovery 1.0, section 4; then RFC 8414, section 3.1, which puts it before the issuer's path.
_OIDC: Final = "/.well-known/openid-configuration"
_OAUTH: Final = "/.well-known/oauth-authorization-server"


class _Metadata(msgspec.Struct):
    issuer: str
    jwks_uri: str


@dataclass(frozen=True, slots=True)
class KeySourceConfig:
    """`jwks`: a URL, a file, or None for what the issuer's discovery document names. Durations in seconds."""

    issuer: str
    jwks: str | None
    algorithms: frozenset[str]
    refresh_s: float = 300.0
    keep_s: float = 3600.0
    ca_file: str | None = None

    @property
    def file(self) -> Path | None:
        """The path, where the keys are in a file."""
        return Path(self.jwks) if self.jwks is not None and "://" not in self.jwks else None


class KeySource:
    """The keys of one issuer in one worker. `fresh_until` is when they are to be fetched again; times are monotonic
    seconds. Must be used in a running loop, `load_file` excepted."""

    __slots__ = (
        "_absent",
        "_begun",
        "_clock",
        "_dead_at",
        "_failed",
        "_fetcher",
        "_fetches",
        "_floor_s",
        "_missed_at",
        "_misses",
        "_refresh_s",
        "_task",
        "_waiting",
        "config",
        "fresh_until",
        "keys",
    )

    def __init__(self, config: KeySourceConfig, fetcher: Fetcher, clock: Callable[[], float] = time.monotonic) -> None:
        self.config = config
        self.keys: KeySet | None = None
        self.fresh_until = 0.0
        self._floor_s = FLOOR_S if config.file is None else _FILE_FLOOR_S
        self._refresh_s = config.refresh_s if config.file is None else min(config.refresh_s, _FILE_REFRESH_S)
        self._fetcher = fetcher
        self._clock = clock
        self._dead_at = 0.0
        self._begun = float("-inf")
        self._fetches = 0
        self._failed = False
        self._task: asyncio.Task[None] | None = None
        self._absent: dict[str | None, float] = {}
        self._misses = 0
        self._missed_at = 0.0
        self._waiting = 0

    def load_file(self) -> None:
        """Reads keys that are in a file, now. Raises OSError, KeySetError."""
        if self.config.file is not None:
            self._begun = self._clock()
            self._adopt(parse_keys(_read_file(self.config.file), self.config.algorithms))

    def current(self, now: float) -> KeySet | None:
        """The keys that may be used at `now`, None where there are none. Starts a fetch where one is due."""
        if now >= self.fresh_until and self._task is None and now >= self._begun + self._floor_s:
            self._start()
        return self.keys if now < self._dead_at else None

    def is_absent(self, key_id: str | None, now: float) -> bool:
        """Whether a key was looked for a moment ago and not found, so that nobody has to wait for it."""
        seen = self._absent.get(key_id)
        if seen is not None and now < seen + ABSENT_S:
            return True
        return self._is_tired(now) and now < self._begun + SLOW_FLOOR_S

    async def learn(self, key_id: str | None) -> None:
        """Returns once keys are at hand that were fetched after this call began, or that include `key_id`.

        Raises IdentityUnavailable where the issuer does not give any, or too many wait.
        """
        if self._waiting >= _MAX_WAITING:
            raise IdentityUnavailable("too many requests wait for keys")
        self._waiting += 1
        try:
            await self._fetched_after(self._fetches, key_id)
        finally:
            self._waiting -= 1

    def miss(self, key_id: str | None) -> UnknownKey:
        """Notes that a fetch did not find a key. The error to be raised."""
        now = self._clock()
        self._misses = self._misses + 1 if now < self._missed_at + _CALM_S else 1
        self._missed_at = now
        if len(self._absent) >= _MAX_ABSENT:
            self._absent.clear()
        self._absent[key_id] = now
        return UnknownKey("The token's key is not known.")

    def close(self) -> None:
        """End a fetch that is under way."""
        if self._task is not None:
            self._task.cancel()

    def _is_tired(self, now: float) -> bool:
        return self._misses > PATIENCE and now < self._missed_at + _CALM_S

    async def _fetched_after(self, fetches: int, key_id: str | None) -> None:
        while True:
            now = self._clock()
            at_hand = self.keys if now < self._dead_at else None
            if at_hand is not None and at_hand.has(key_id):
                return
            if self._task is None and self._fetches > fetches:
                break
            if self._task is None:
                wait_s = self._begun + self._floor_s - now
                if wait_s > 0 and at_hand is None and self._failed:
                    raise IdentityUnavailable("the issuer's keys cannot be fetched")
                if wait_s > 0:
                    await asyncio.sleep(wait_s)
                    continue
                self._start()
            assert self._task is not None
            # One client that leaves must not end the fetch for the others.
            await asyncio.shield(self._task)
        if self._failed or at_hand is None:
            raise IdentityUnavailable("the issuer's keys cannot be fetched")

    def _start(self) -> None:
        self._begun = self._clock()
        self._fetches += 1
        self._task = asyncio.get_running_loop().create_task(self._fetch())

    async def _fetch(self) -> None:
        try:
            self._adopt(parse_keys(await self._read(), self.config.algorithms))
        except (FetchError, KeySetError, OSError) as error:
            self._failed = True
            self.fresh_until = self._clock() + _RETRY_S
            left = self._dead_at - self._clock()
            kept = f"those at hand are kept for {left:.0f} s" if left > 0 else "there are none, its tokens get 503"
            log.warning("the keys of %s cannot be fetched: %s; %s", self.config.issuer, error, kept)
        finally:
            self._task = None

    def _adopt(self, keys: KeySet) -> None:
        self._failed = False
        self.fresh_until = self._begun + self._refresh_s
        self._dead_at = self._begun + self.config.keep_s
        if self.keys is not None and self.keys.identities == keys.identities:
            return
        # Another object: what rests on the one before is verified anew.
        self.keys = keys
        self._absent.clear()

    async def _read(self) -> bytes:
        config = self.config
        if config.file is not None:
            return await asyncio.to_thread(_read_file, config.file)
        url = config.jwks if config.jwks is not None else await self._discover()
        return await self._fetcher.get(url, MAX_SET, config.ca_file)

    async def _discover(self) -> str:
        issuer = self.config.issuer
        scheme, _, rest = issuer.rstrip("/").partition("://")
        host, slash, path = rest.partition("/")
        try:
            text = await self._fetcher.get(f"{scheme}://{rest}{_OIDC}", _MAX_METADATA, self.config.ca_file)
        except FetchError:
            url = f"{scheme}://{host}{_OAUTH}{slash}{path}"
            text = await self._fetcher.get(url, _MAX_METADATA, self.config.ca_file)
        try:
            metadata = msgspec.json.decode(text, type=_Metadata)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            raise FetchError("its discovery document is malformed") from None
        if metadata.issuer != issuer:
            # RFC 8414, section 3.3: otherwise one issuer could speak for another.
            raise FetchError("its discovery document is another issuer's")
        return metadata.jwks_uri


def _read_file(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(MAX_SET + 1)
