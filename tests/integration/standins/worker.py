"""A worker whose application speaks a line protocol, so that the supervisor can be tested by itself.

who    answers `pid place policy`, writes an audit line
hold   answers `held` and waits for another line, then answers `done`
die    exits with code 3 at once
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import sys

from engine.settings import Settings
from engine.telemetry.audit import AuditWriter
from engine.telemetry.metrics import Metrics
from engine.worker import run


class LineApplication:
    def __init__(self, settings: Settings, place: int, audit: AuditWriter, metrics: Metrics) -> None:
        self.place = place
        self.audit = audit
        self.metrics = metrics
        self.served = metrics.counter("tidegate_requests_total", endpoint="who", status="2xx")
        self.policy = ""
        self.open: set[asyncio.Task[None]] = set()

    @property
    def connections(self) -> int:
        return len(self.open)

    def load_policy(self, text: str, source: str) -> None:
        if "unloadable" in text:
            raise ValueError(f"{source}: line 1: unloadable")
        self.policy = text.strip()

    async def serve(self, sock: socket.socket) -> None:
        self.server = await asyncio.start_server(self.talk, sock=sock)

    async def drain(self, grace_s: float) -> None:
        self.server.close()
        if self.open:
            await asyncio.wait(self.open, timeout=grace_s)

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self.open.add(task)
        try:
            match (await reader.readline()).split():
                case [b"who", number]:
                    self.audit.write(json.dumps({"status": 200, "number": int(number)}).encode())
                    self.metrics.add(self.served)
                    writer.write(f"{os.getpid()} {self.place} {self.policy}\n".encode())
                case [b"hold"]:
                    writer.write(b"held %d\n" % os.getpid())
                    await reader.readline()
                    writer.write(b"done\n")
                case [b"die"]:
                    os._exit(3)
            await writer.drain()
        finally:
            self.open.discard(task)
            writer.close()


if __name__ == "__main__":
    sys.exit(run(int(sys.argv[1]), LineApplication))
