"""What a peer is: a proxy that can be set up once and then started for each round."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from benchmarks import http, payloads
from benchmarks.cores import Cores
from benchmarks.processes import free_port, running
from benchmarks.upstream import Upstream


@dataclass(frozen=True)
class Running:
    """A peer that listens: `pid` leads its process tree. `headers` go with each request, as `Name: value` lines."""

    pid: int
    port: int
    path: str = payloads.PATH
    headers: tuple[str, ...] = ()


class Peer(Protocol):
    """A proxy under measurement. `name` is unique in a run, `what` is a line for the table's legend."""

    name: str
    what: str
    answer: bytes  # what a client must receive, byte for byte

    def prepare(self, folder: Path, upstream: Upstream, cores: Cores) -> None:
        """Write what it needs into `folder`, once. Raises BenchmarkError when it cannot be run here."""

    def start(self) -> Iterator[Running] | object:
        """A context manager that gives the running peer and stops it."""


def listens(port: int) -> bool:
    """Whether a chat request to a plain pass-through is answered with the upstream's answer."""
    got = http.request(port, "POST", payloads.PATH, payloads.REQUEST, {"Content-Type": "application/json"})
    return got is not None and got.status == 200


@dataclass
class CommandPeer:
    """A peer that is one command with one configuration file and needs no credential."""

    name: str
    what: str
    answer: bytes = payloads.ANSWER
    headers: tuple[str, ...] = ()
    port: int = field(default=0, init=False)
    folder: Path = field(default=Path(), init=False)
    cores: Cores = field(default=Cores(0, 1), init=False)

    def command(self) -> list[str]:
        """How it is started in the foreground."""
        raise NotImplementedError

    def configure(self, upstream: Upstream) -> None:
        """Write its configuration into `self.folder` for `self.port`."""
        raise NotImplementedError

    def environment(self) -> Mapping[str, str] | None:
        """Its environment; None is the harness's own."""
        return None

    def prepare(self, folder: Path, upstream: Upstream, cores: Cores) -> None:
        folder.mkdir(parents=True)
        self.folder, self.cores, self.port = folder, cores, free_port()
        self.configure(upstream)
        self.command()

    @contextmanager
    def start(self) -> Iterator[Running]:
        headers = dict(line.split(": ", 1) for line in self.headers) | {"Content-Type": "application/json"}

        def ready() -> bool:
            got = http.request(self.port, "POST", payloads.PATH, payloads.REQUEST, headers)
            return got is not None and got.status == 200

        with running(
            self.name,
            self.command(),
            core=self.cores.proxy,
            ready=ready,
            log=self.folder / "output.log",
            environment=self.environment(),
        ) as process:
            yield Running(process.pid, self.port, headers=self.headers)
