"""A listener behind proxies: only theirs, only with a header, in time; and what follows the header is whole."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Coroutine
from functools import wraps
from types import SimpleNamespace
from typing import Any

from engine.proxy.proxied import ProxiedListener
from tests.unit.proxy.test_proxy_protocol import IPV4, v2

DEADLINE_S = 30.0
LOCALHOST = bytes((127, 0, 0, 1))


class Served(asyncio.Protocol):
    """What came of one connection."""

    def __init__(self, told: tuple[bytes, str], all_of_them: list[Served]) -> None:
        self.address, self.text = told
        self.received = b""
        all_of_them.append(self)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.received += data


class Rig:
    """A listener on a port of its own, and what it served."""

    def __init__(self, trusted: tuple[str, ...] = ("127.0.0.0/8",), timeout_s: float = DEADLINE_S) -> None:
        self.served: list[Served] = []
        self.room = True
        self.lane = SimpleNamespace(
            loop=asyncio.get_running_loop(),
            header_timeout=timeout_s,
            has_room=lambda more: self.room,
            protocol=lambda told: Served(told, self.served),
        )
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.listener = ProxiedListener(self.lane, self.socket, None, trusted)  # type: ignore[arg-type]
        self.listener.start()

    async def connect(self, data: bytes = b"") -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(data)
        return reader, writer


def with_rig(**rig: Any) -> Callable[[Callable[[Rig], Coroutine[Any, Any, None]]], Callable[[], None]]:
    def decorate(test: Callable[[Rig], Coroutine[Any, Any, None]]) -> Callable[[], None]:
        async def run() -> None:
            made = Rig(**rig)
            try:
                async with asyncio.timeout(DEADLINE_S):
                    await test(made)
            finally:
                made.listener.close()
                for each in made.served:
                    each.transport.abort()  # type: ignore[attr-defined]

        @wraps(test)
        def whole() -> None:
            asyncio.run(run())

        del whole.__wrapped__  # type: ignore[attr-defined]
        return whole

    return decorate


async def until(condition: Callable[[], Any]) -> None:
    while not condition():  # noqa: ASYNC110 - of another task
        await asyncio.sleep(0.005)


async def closed(reader: asyncio.StreamReader) -> None:
    """Returns when the other side has ended the connection, one way or the other."""
    try:
        assert await reader.read() == b""
    except ConnectionResetError:
        pass


@with_rig()
async def test_the_address_is_what_the_proxy_says(rig: Rig) -> None:
    for header in (b"PROXY TCP4 192.0.2.7 198.51.100.1 12345 443\r\n", v2(0x21, 0x11, IPV4)):
        await rig.connect(header + b"GET /")
        await until(lambda: rig.served and rig.served[-1].received == b"GET /")
        assert (rig.served[-1].address, rig.served[-1].text) == (bytes((192, 0, 2, 7)), "192.0.2.7")
        rig.served.pop().transport.abort()  # type: ignore[attr-defined]
    await rig.connect(v2(0x20, 0, b"") + b"GET /health")
    await until(lambda: rig.served and rig.served[-1].received == b"GET /health")
    assert (rig.served[-1].address, rig.served[-1].text) == (LOCALHOST, "127.0.0.1")


@with_rig()
async def test_a_header_byte_by_byte(rig: Rig) -> None:
    _, writer = await rig.connect()
    for byte in v2(0x21, 0x11, IPV4 + b"\x04\x00\x00") + b"rest":
        writer.write(bytes((byte,)))
        await writer.drain()
        await asyncio.sleep(0)
    await until(lambda: rig.served and rig.served[0].received == b"rest")
    await until(lambda: rig.listener.pending == 0)


@with_rig()
async def test_what_is_no_header_is_closed(rig: Rig) -> None:
    for data in (b"GET / HTTP/1.1\r\n\r\n", b"PROXY UNKNOWN\r\n", v2(0x21, 0x31, bytes(216))):
        reader, _ = await rig.connect(data)
        await closed(reader)
    assert rig.served == []
    assert rig.listener._refused == 3


@with_rig(trusted=("192.0.2.0/24", "::1/128"))
async def test_a_peer_that_is_no_proxy_of_ours_is_closed_whatever_it_says(rig: Rig) -> None:
    reader, _ = await rig.connect(v2(0x21, 0x11, IPV4))
    await closed(reader)
    assert rig.served == []
    assert rig.listener._refused == 1


@with_rig(timeout_s=0.05)
async def test_a_header_that_does_not_come_in_time(rig: Rig) -> None:
    reader, _ = await rig.connect(b"PROXY TCP4 192.0")
    await closed(reader)
    assert rig.served == []
    await until(lambda: rig.listener.pending == 0)


@with_rig()
async def test_a_client_that_leaves_within_its_header(rig: Rig) -> None:
    _, writer = await rig.connect(b"PROXY TCP4 192.0")
    await until(lambda: rig.listener.pending == 1)
    writer.close()
    await until(lambda: rig.listener.pending == 0)
    assert rig.listener._refused == 1


@with_rig()
async def test_no_room_for_more(rig: Rig) -> None:
    rig.room = False
    reader, _ = await rig.connect(v2(0x21, 0x11, IPV4))
    await closed(reader)
    assert rig.served == []


@with_rig()
async def test_what_waits_in_the_queue_is_served_when_the_listener_closes(rig: Rig) -> None:
    waiting = socket.create_connection(("127.0.0.1", rig.port))
    waiting.sendall(v2(0x21, 0x11, IPV4) + b"last")
    rig.listener.close()
    await until(lambda: rig.served and rig.served[0].received == b"last")
    waiting.close()
