"""The connection to the store: one server, or a cluster of them, by the same three methods.

Rules. A call is tried once: the scripts number their reports, so a repetition would do no harm, but it would take
time that a request waits for. What is not answered within the time-out is StoreDown, and its connection is closed, so
that an answer that comes late is read by nobody. Whether it is a cluster is asked of the server (`INFO cluster`). Its
nodes are remembered: the one that was named may be the one that has failed.

Failure modes. StoreDown for all that may pass by itself. A server that may evict keys (`maxmemory` with another policy
than `noeviction`) is StoreDown too, with that reason: it would forget debts.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, Final, cast
from urllib.parse import urlsplit

from engine.limits.shared.scripts import Call
from engine.settings import store_addresses

# redis-py takes 7 MB of memory and is imported by who has a store: a worker without one imports this module too.
if TYPE_CHECKING:
    from redis.asyncio import Redis, RedisCluster

# A request may wait this long for its first permit; a store in the same data centre answers in one ms.
CALL_TIMEOUT_S: Final = 0.2
# A connection is made in the background, where nobody waits.
CONNECT_TIMEOUT_S: Final = 1.0
# Calls to a cluster at the same time, from one worker.
_AT_ONCE: Final = 32


class StoreDown(Exception):
    """The store cannot be used now; the message says why and names no credential."""


class Store:
    """A lazy connection to the store at `url` (redis, rediss, valkey, valkeys or unix; of a cluster, several nodes with
    commas between); calls end by `timeout_s`."""

    def __init__(self, url: str, timeout_s: float = CALL_TIMEOUT_S) -> None:
        self._timeout_s = timeout_s
        self._named = store_addresses(url.replace("valkey", "redis", 1) if url.startswith("valkey") else url)
        # These and the nodes that a cluster told of, in the order in which they are tried.
        self._addresses = list(self._named)
        self._client: Redis | RedisCluster | None = None

    @property
    def clustered(self) -> bool:
        """Whether the connected store is a cluster."""
        return self._client is not None and _is_cluster(self._client)

    async def connect(self) -> None:
        """Make the connection anew, to the first of the addresses that has one. Raises StoreDown."""
        await self.close()
        reason = ""
        failures: tuple[type[Exception], ...] = (*_failures(), StoreDown)
        for url in list(self._addresses):
            try:
                self._client = await self._connected(url)
                return
            except failures as error:
                reason = reason or _reason(error)
                self._put_last(url)
        raise StoreDown(reason)

    def _put_last(self, url: str) -> None:
        self._addresses.remove(url)
        self._addresses.append(url)

    async def _connected(self, url: str) -> Redis | RedisCluster:
        from redis.asyncio import Redis, RedisCluster

        async with asyncio.timeout(CONNECT_TIMEOUT_S):
            single = Redis.from_url(url, **self._options())
            try:
                clustered = (await single.info("cluster")).get("cluster_enabled") == 1
                memory = await single.info("memory")
            finally:
                await single.aclose()
            policy = memory.get("maxmemory_policy", "noeviction")
            if memory.get("maxmemory", 0) > 0 and policy != "noeviction":
                raise StoreDown(f"the store evicts keys (maxmemory-policy {policy}); limits need noeviction")
            if not clustered:
                if len(self._named) > 1:
                    # Which of them is the one to believe is not for us to say.
                    raise StoreDown("several hosts are named, and this one is no cluster")
                return Redis.from_url(url, **self._options())
            cluster = RedisCluster.from_url(url, **self._options())
            try:
                await cluster.initialize()
            except BaseException:
                await cluster.aclose()
                raise
            nodes = [_at(url, node.host, int(node.port)) for node in cluster.get_nodes()]
            self._addresses = list(dict.fromkeys((url, *self._named, *nodes)))
            return cluster

    async def call(self, calls: Sequence[Call]) -> list[Any]:
        """Run scripts, in any order; their replies in the order of `calls`. Raises StoreDown if any of them fails."""
        client = self._client
        if client is None:
            raise StoreDown("not connected")
        try:
            async with asyncio.timeout(self._timeout_s):
                if _is_cluster(client):
                    return await _spread(cast("RedisCluster", client), calls)
                return await _pipelined(cast("Redis", client), calls)
        except _failures() as error:
            await self._give_up()
            raise StoreDown(_reason(error)) from error

    async def root(self, key: bytes, proposed: str | None) -> str | None:
        """The field `id` of a hash, set to `proposed` where it has none and one is proposed. Raises StoreDown."""
        client = self._client
        if client is None:
            raise StoreDown("not connected")
        try:
            async with asyncio.timeout(self._timeout_s):
                if proposed is not None:
                    await cast("Any", client).hsetnx(key, "id", proposed)
                found = await cast("Any", client).hget(key, "id")
        except _failures() as error:
            await self._give_up()
            raise StoreDown(_reason(error)) from error
        return found.decode() if found is not None else None

    async def publish(self, channel: str, message: bytes) -> None:
        """Tell every host that listens. Not stored: who is away misses it. Raises StoreDown."""
        client = self._client
        if client is None:
            raise StoreDown("not connected")
        try:
            async with asyncio.timeout(self._timeout_s):
                await cast("Any", client).execute_command("PUBLISH", channel, message)
        except _failures() as error:
            raise StoreDown(_reason(error)) from error

    async def messages(self, channel: str) -> AsyncIterator[bytes]:
        """What is published on a channel, over a connection of its own to the address that is tried first: in a
        cluster, any node hears all. Ends with StoreDown."""
        from redis.asyncio import Redis

        url = self._addresses[0]
        client = Redis.from_url(url, **{**self._options(), "socket_timeout": None})
        try:
            async with client.pubsub(ignore_subscribe_messages=True) as subscription:
                await subscription.subscribe(channel)
                async for message in subscription.listen():
                    yield message["data"]
        except _failures() as error:
            # Calls may go on without this node, and would leave it the first.
            if url in self._addresses:
                self._put_last(url)
            raise StoreDown(_reason(error)) from error
        finally:
            await client.aclose()

    def _options(self) -> dict[str, Any]:
        from redis.asyncio.retry import Retry
        from redis.backoff import NoBackoff

        return {
            "socket_timeout": self._timeout_s,
            "socket_connect_timeout": CONNECT_TIMEOUT_S,
            "retry": Retry(NoBackoff(), 0),
            "protocol": 2,
            "client_name": "tidegate",
        }

    async def _give_up(self) -> None:
        # What a node says that has lost the others is no better next time.
        self._put_last(self._addresses[0])
        await self.close()

    async def close(self) -> None:
        """Drop the connections; what is under way on them is lost."""
        client, self._client = self._client, None
        if client is not None:
            try:
                await client.aclose()
                if _is_cluster(client):
                    # A failure marks it as closed; calls that were under way then have opened connections again.
                    nodes = cast("RedisCluster", client).nodes_manager
                    await asyncio.gather(nodes.aclose(), nodes.aclose("startup_nodes"))
            except _failures():
                # It was to be dropped anyway.
                pass


@cache
def _failures() -> tuple[type[Exception], ...]:
    from redis.exceptions import RedisClusterException, RedisError

    return RedisError, RedisClusterException, OSError, TimeoutError


def _at(url: str, host: str, port: int) -> str:
    """The URL with another host: credentials and options are those of all nodes."""
    parts = urlsplit(url)
    credential, at, _ = parts.netloc.rpartition("@")
    return parts._replace(netloc=f"{credential}{at}{f'[{host}]' if ':' in host else host}:{port}").geturl()


def _is_cluster(client: Redis | RedisCluster) -> bool:
    from redis.asyncio import RedisCluster

    return isinstance(client, RedisCluster)


async def _pipelined(client: Redis, calls: Sequence[Call]) -> list[Any]:
    from redis.exceptions import NoScriptError

    replies = await _run(client, [("EVALSHA", call.sha, call) for call in calls])
    # A server that was restarted has no scripts: those calls did nothing and are sent again with their text.
    missing = [index for index, reply in enumerate(replies) if isinstance(reply, NoScriptError)]
    if missing:
        again = await _run(client, [("EVAL", calls[index].script.text, calls[index]) for index in missing])
        for index, reply in zip(missing, again, strict=True):
            replies[index] = reply
    for reply in replies:
        if isinstance(reply, Exception):
            raise reply
    return replies


async def _run(client: Redis, commands: Sequence[tuple[str, str, Call]]) -> list[Any]:
    async with client.pipeline(transaction=False) as pipeline:
        for command, script, call in commands:
            pipeline.execute_command(command, script, len(call.keys), *call.keys, *call.arguments)
        return await pipeline.execute(raise_on_error=False)


async def _spread(client: RedisCluster, calls: Sequence[Call]) -> list[Any]:
    gate = asyncio.Semaphore(_AT_ONCE)
    # All come to their end before one that failed has the connections closed: what goes on would open them again.
    replies = await asyncio.gather(*(_one(client, gate, call) for call in calls), return_exceptions=True)
    for reply in replies:
        if isinstance(reply, BaseException):
            raise reply
    return replies


async def _one(client: RedisCluster, gate: asyncio.Semaphore, call: Call) -> Any:
    from redis.exceptions import NoScriptError

    async with gate:
        try:
            return await cast("Any", client).evalsha(call.sha, len(call.keys), *call.keys, *call.arguments)
        except NoScriptError:
            return await cast("Any", client).eval(call.script.text, len(call.keys), *call.keys, *call.arguments)


def _reason(error: BaseException) -> str:
    if isinstance(error, TimeoutError):
        return "no answer in time"
    text = str(error).splitlines()[0] if str(error) else ""
    return text or type(error).__name__
