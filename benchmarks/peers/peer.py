"""What a peer is: a proxy that is set up once and then started afresh for each round.

A fresh process for each round costs a second or two, and buys rounds that are independent: another address layout and
another hash seed each time, no other peer alive beside the one that is measured.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks import http, payloads
from benchmarks.cores import Cores
from benchmarks.processes import free_port, running
from benchmarks.upstream import Upstream


@dataclass(frozen=True)
class Running:
    """A peer that listens on 127.0.0.1:`port`; `pid` leads its process tree.

    A request goes to `path` with `headers`, each a `Name: value` line.
    """

    pid: int
    port: int
    path: str = payloads.PATH
    headers: tuple[str, ...] = ()

    def chat(self) -> http.Answer | None:
        """The answer to one chat request of the harness itself."""
        headers = dict(line.split(": ", 1) for line in self.headers)
        return http.request(
            self.port, "POST", self.path, payloads.REQUEST, headers | {"Content-Type": "application/json"}
        )


class Peer(ABC):
    """A proxy under measurement. `name` is unique in a run; `what` says in a line how it is set up."""

    name: str
    what: str

    @abstractmethod
    def prepare(self, folder: Path, upstream: Upstream, cores: Cores) -> None:
        """Write what it needs into `folder`, which exists and is its own. Raises BenchmarkError if it cannot run."""

    @abstractmethod
    def start(self) -> AbstractContextManager[Running]:
        """The running peer, ready; stopped on the way out."""

    def right(self, answer: bytes) -> bool:
        """Whether `answer` is what a client must receive: what the upstream said, byte for byte."""
        return answer == payloads.ANSWER


class CommandPeer(Peer):
    """A peer that is one command, with one configuration written for one port."""

    headers: tuple[str, ...] = ()
    folder: Path
    cores: Cores
    port: int

    @abstractmethod
    def configure(self, upstream: Upstream) -> list[str]:
        """Write the configuration into `self.folder` for `self.port`; give the command that runs it in front."""

    def prepare(self, folder: Path, upstream: Upstream, cores: Cores) -> None:
        self.folder, self.cores, self.port = folder, cores, free_port()
        self._command = self.configure(upstream)

    @contextmanager
    def start(self) -> Iterator[Running]:
        def ready() -> bool:
            return Running(0, self.port, headers=self.headers).chat() is not None

        log = self.folder / "output.log"
        with running(self.name, self._command, core=self.cores.proxy, ready=ready, log=log) as process:
            yield Running(process.pid, self.port, headers=self.headers)
