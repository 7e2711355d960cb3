"""tidegate as a peer: one worker under its supervisor, set up as a user would, by environment and policy file.

The state folder and the key are made once, before the first round, by `tidegate keys create`; each round starts the
gateway anew on that state. CPU is that of supervisor and worker together. The audit log is a real file in the state
folder, emptied between rounds so that a long run does not fill the disk.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from benchmarks import http, payloads
from benchmarks.cores import Cores
from benchmarks.errors import BenchmarkError
from benchmarks.peers.peer import Peer, Running
from benchmarks.peers.variants import VARIANTS, Variant, policy_text
from benchmarks.processes import free_port, running
from benchmarks.upstream import Upstream

# Not the `tidegate` script: the checkout may run in place, without having been installed.
COMMAND = (sys.executable, "-c", "import sys; from engine.cli import main; sys.exit(main())")
_CLI_TIMEOUT_S = 60.0


class Gateway:
    """A gateway with its own state folder: environment, key, and how it is started.

    `policy` is the text of the policy file, which may name ${BENCH_UPSTREAM}; `upstream` is what stands for it.
    """

    def __init__(self, folder: Path, policy: str, upstream: str, settings: Mapping[str, str] | None = None) -> None:
        self.folder = folder
        self.port, self.admin_port = free_port(), free_port()
        file = folder / "tidegate.yaml"
        file.write_text(policy)
        self.audit_log = folder / "audit.jsonl"
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("TIDEGATE_")}
        self.environment = inherited | {
            "BENCH_UPSTREAM": upstream,
            "TIDEGATE_LISTEN": f"127.0.0.1:{self.port}",
            "TIDEGATE_ADMIN_LISTEN": f"127.0.0.1:{self.admin_port}",
            "TIDEGATE_POLICY": str(file),
            "TIDEGATE_STATE_DIR": str(folder / "state"),
            "TIDEGATE_AUDIT_LOG": str(self.audit_log),
            "TIDEGATE_WORKERS": "1",
            "TIDEGATE_LOG_LEVEL": "warning",
            **(settings or {}),
        }

    def cli(self, *arguments: str) -> str:
        """Standard output of a `tidegate` command. Raises BenchmarkError with its error output when it fails."""
        try:
            done = subprocess.run(
                [*COMMAND, *arguments],
                env=self.environment,
                capture_output=True,
                text=True,
                timeout=_CLI_TIMEOUT_S,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise BenchmarkError(f"tidegate {arguments[0]} did not end in {_CLI_TIMEOUT_S:.0f} s") from None
        if done.returncode != 0:
            shown = (done.stderr or done.stdout).strip()[-1500:]
            raise BenchmarkError(f"tidegate {' '.join(arguments)} ended with status {done.returncode}:\n{shown}")
        return done.stdout

    def create_key(self) -> str:
        """A new key for the role `bench`. Raises BenchmarkError when none is printed."""
        printed = self.cli("keys", "create", "--subject", "bench", "--role", "bench")
        keys = [word for word in printed.split() if word.startswith("tg_")]
        if not keys:
            raise BenchmarkError(f"tidegate keys create printed no key:\n{printed}")
        return max(keys, key=len)

    def ready(self) -> bool:
        """Whether every worker serves."""
        got = http.request(self.admin_port, "GET", "/readyz")
        return got is not None and got.status == 200

    @contextmanager
    def serve(self, core: int) -> Iterator[int]:
        """The running gateway pinned to `core`: pid of its supervisor. Stopped on the way out."""
        if self.audit_log.exists():
            self.audit_log.write_bytes(b"")
        with running(
            "tidegate",
            [*COMMAND, "serve"],
            core=core,
            ready=self.ready,
            log=self.folder / "output.log",
            environment=self.environment,
        ) as process:
            yield process.pid


class Tidegate(Peer):
    """tidegate with one variant of the policy."""

    _gateway: Gateway
    _cores: Cores
    _headers: tuple[str, ...]

    def __init__(self, variant: Variant) -> None:
        self.name, self.what = variant.name, variant.what
        self._variant = variant

    def prepare(self, folder: Path, upstream: Upstream, cores: Cores) -> None:
        base = f"http://127.0.0.1:{upstream.port}{'/found' if self._variant.found else ''}/v1"
        self._gateway = Gateway(folder, policy_text(self._variant), base)
        self._gateway.cli("check", self._gateway.environment["TIDEGATE_POLICY"])
        self._headers = (f"Authorization: Bearer {self._gateway.create_key()}",) if self._variant.key else ()
        self._cores = cores

    @contextmanager
    def start(self) -> Iterator[Running]:
        with self._gateway.serve(self._cores.proxy) as pid:
            yield Running(pid, self._gateway.port, self._variant.path, self._headers)

    def right(self, answer: bytes) -> bool:
        if not self._variant.found:
            return answer == payloads.ANSWER
        return b"[EMAIL]" in answer and b"jane.roe" not in answer and b"4111 1111" not in answer


def tidegates() -> list[Tidegate]:
    """One peer for each variant."""
    return [Tidegate(variant) for variant in VARIANTS]
