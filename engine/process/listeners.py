"""The listening sockets: one for each worker, all on one address, owned by the supervisor.

Rules. With SO_REUSEPORT the kernel spreads connections over the sockets. The supervisor keeps each open while it
lives, so that the death of a worker refuses no connection: what comes meanwhile waits in the socket's queue for the
next worker in that place.

Failure modes. SO_REUSEPORT would let a second gateway of the same user share the port unnoticed. So the address is
first bound without it, which fails while anybody listens. Workers of a supervisor that was killed let go of it as
soon as they notice; they are given TAKEOVER_S.
"""

from __future__ import annotations

import errno
import socket
import time
from typing import Final

from engine.settings import Address

# Connections that the kernel keeps for a worker that is busy, or that is being started again.
BACKLOG: Final = 4096
TAKEOVER_S: Final = 5.0
_PROBE_EVERY_S: Final = 0.1


def bind(address: Address, count: int) -> list[socket.socket]:
    """`count` listening, non-blocking sockets. Port 0: the kernel chooses one port for all. Raises OSError."""
    family, kind, protocol, _, place = socket.getaddrinfo(
        address.host, address.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    if address.port:
        _wait_until_free(family, kind, protocol, place)
    sockets: list[socket.socket] = []
    try:
        for _ in range(count):
            listener = socket.socket(family, kind, protocol)
            sockets.append(listener)
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            listener.bind(place)
            place = listener.getsockname()
            listener.listen(BACKLOG)
            listener.setblocking(False)
    except BaseException:
        for listener in sockets:
            listener.close()
        raise
    return sockets


def bound_address(listener: socket.socket) -> Address:
    """Where a socket listens."""
    host, port = listener.getsockname()[:2]
    return Address(host, port)


def _wait_until_free(family: int, kind: int, protocol: int, place: tuple[object, ...]) -> None:
    deadline = time.monotonic() + TAKEOVER_S
    while True:
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(place)
                # Two sockets of one user may both be bound with SO_REUSEADDR; only one of them may listen.
                probe.listen(1)
            except OSError as error:
                if error.errno != errno.EADDRINUSE or time.monotonic() >= deadline:
                    raise
            else:
                return
        time.sleep(_PROBE_EVERY_S)
