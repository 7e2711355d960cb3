"""A real gateway for tests: `tidegate serve` as a process, on ports that the kernel chooses, in a folder of its own."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from tests.integration.waiting import DEADLINE_S, alive, children, until

ROOT = Path(__file__).parents[2]
_LISTENING = re.compile(r"listening on \S+?:(\d+), admin on \S+?:(\d+)")


class Gateway:
    """A folder with a policy and state, and at most one gateway running in it."""

    def __init__(self, folder: Path, policy: str, **environment: str) -> None:
        self.folder = folder
        self.policy = folder / "policy.yaml"
        self.policy.write_text(policy)
        self.audit_log = folder / "audit.jsonl"
        self.log = folder / "log"
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("TIDEGATE_")}
        self.environment = {
            **inherited,
            "TIDEGATE_LISTEN": "127.0.0.1:0",
            "TIDEGATE_ADMIN_LISTEN": "127.0.0.1:0",
            "TIDEGATE_POLICY": str(self.policy),
            "TIDEGATE_STATE_DIR": str(folder / "state"),
            "TIDEGATE_AUDIT_LOG": str(self.audit_log),
            "TIDEGATE_WORKERS": "2",
            "TIDEGATE_GRACE": "10s",
            "PYTHONPATH": str(ROOT),
            **environment,
        }
        self.process: subprocess.Popen[bytes] | None = None
        self.port = self.admin_port = 0

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a command of the command line to its end."""
        return subprocess.run(
            [sys.executable, "-m", "engine", *arguments],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def key(self, subject: str = "alice", role: str = "user", *more: str) -> tuple[str, str]:
        """A new key: itself and its id."""
        made = self.run("keys", "create", "--subject", subject, "--role", role, *more)
        assert made.returncode == 0, made.stderr
        key = made.stdout.strip()
        return key, key.split("_")[1]

    def start(self, *arguments: str) -> int:
        """Start it and wait until every worker serves; its process id."""
        begin = self.log.stat().st_size if self.log.exists() else 0
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "engine", "serve", *arguments], env=self.environment, stdout=log, stderr=log
            )

        def listening() -> re.Match[str] | None:
            assert self.process is not None
            assert self.process.poll() is None, self.log.read_text()
            return _LISTENING.search(self.log.read_bytes()[begin:].decode())

        self.port, self.admin_port = map(int, until(listening).groups())
        return self.process.pid

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def admin_url(self) -> str:
        return f"http://127.0.0.1:{self.admin_port}"

    def ready(self) -> bool:
        """What /readyz says."""
        try:
            with urllib.request.urlopen(f"{self.admin_url}/readyz", timeout=5) as answer:  # noqa: S310
                return bool(answer.status == 200)
        except urllib.error.HTTPError:
            return False

    def workers(self) -> list[int]:
        """The process ids of the workers."""
        assert self.process is not None
        return children(self.process.pid)

    def kill_workers(self) -> list[int]:
        """kill -9 of all of them; who they were."""
        killed = self.workers()
        for pid in killed:
            os.kill(pid, signal.SIGKILL)
        until(lambda: not any(map(alive, killed)))
        return killed

    def stop(self) -> None:
        """Drain and end."""
        if self.process is not None:
            self.process.send_signal(signal.SIGTERM)
            try:
                assert self.process.wait(DEADLINE_S) == 0, self.log.read_text()
            finally:
                self.kill()

    def kill(self) -> None:
        """End it at once, workers and all."""
        if self.process is not None and self.process.poll() is None:
            workers = self.workers()
            for pid in (self.process.pid, *workers):
                os.kill(pid, signal.SIGKILL)
            self.process.wait(DEADLINE_S)
            until(lambda: not any(map(alive, workers)))
        self.process = None

    def metric(self, name: str) -> float:
        """The sum of all series whose name and labels begin so."""
        with urllib.request.urlopen(f"{self.admin_url}/metrics", timeout=5) as answer:  # noqa: S310
            lines = answer.read().decode().splitlines()
        return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(name))

    def audit(self) -> list[dict[str, Any]]:
        """The request lines of the audit log so far."""
        if not self.audit_log.exists():
            return []
        lines = self.audit_log.read_bytes().split(b"\n")[:-1]
        return [line for line in map(json.loads, lines) if "status" in line]

    def audited(self, request_id: str) -> dict[str, Any]:
        """The audit line of one request."""
        return until(lambda: next((line for line in self.audit() if line["id"] == request_id), None))  # type: ignore[return-value]
