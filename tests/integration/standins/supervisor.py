"""A real supervisor over the stand-in worker. Prints its two addresses when every worker serves."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from engine.settings import load
from engine.supervisor import Supervisor, run


def check(text: str, source: str) -> Sequence[str]:
    """A policy here is a line; it may be bad, or name what is not enforced."""
    if "bad" in text:
        raise ValueError(f"{source}: line 1: bad policy")
    return ["jwt (line 1)"] if "jwt" in text else []


def say(supervisor: Supervisor) -> None:
    print(supervisor.address.port, supervisor.admin_address.port, flush=True)


if __name__ == "__main__":
    worker = (sys.executable, str(Path(__file__).with_name("worker.py")))
    sys.exit(run(load(os.environ), "--allow-unenforced" in sys.argv, say, check=check, worker_command=worker))
