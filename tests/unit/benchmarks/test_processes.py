"""Starting, waiting and stopping: what comes up, what does not, and what is left afterwards."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from benchmarks import cores, cpu, processes
from benchmarks.errors import BenchmarkError

CORE = min(os.sched_getaffinity(0))

# Says its pid and that of its child in a file, then waits; deaf: neither minds SIGTERM.
FAMILY = """
import os, signal, subprocess, sys, time
if sys.argv[2] == "deaf":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = subprocess.Popen(["sleep", "600"])
with open(sys.argv[1] + ".new", "w") as file:
    file.write(f"{os.getpid()} {child.pid}")
os.rename(sys.argv[1] + ".new", sys.argv[1])
time.sleep(600)
"""


@pytest.mark.parametrize("manners", ["polite", "deaf"])
def test_the_whole_family_is_stopped(tmp_path: Path, manners: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "STOP_S", 0.5)
    note = tmp_path / "pids"
    with processes.running(
        "family",
        [sys.executable, "-c", FAMILY, str(note), manners],
        core=CORE,
        ready=note.exists,
        log=tmp_path / "log",
    ) as process:
        parent, child = map(int, note.read_text().split())
        assert parent == process.pid
        assert os.sched_getaffinity(child) == {CORE}
        family = list(cpu.sample(parent))
        assert {pid for pid, _ in family} == {parent, child}
        assert all(map(cpu.alive, family))
    assert not any(map(cpu.alive, family))


def test_one_that_ends_at_once_is_quoted(tmp_path: Path) -> None:
    with (
        pytest.raises(BenchmarkError, match=r"(?s)broken ended with status 3:.*no such listener"),
        processes.running(
            "broken",
            [sys.executable, "-c", "import sys; print('no such listener', flush=True); sys.exit(3)"],
            core=CORE,
            ready=lambda: False,
            log=tmp_path / "log",
        ),
    ):
        pytest.fail("it was handed over")


def test_one_that_never_is_ready_is_given_up_and_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "START_S", 0.2)
    # What other tests left to this process, and the process itself.
    others = set(cpu.sample(os.getpid()))
    seen: set[cpu.Identity] = set()

    def ready() -> bool:
        seen.update(set(cpu.sample(os.getpid())) - others)
        return False

    with (
        pytest.raises(BenchmarkError, match="was not ready"),
        processes.running("slow", ["sleep", "600"], core=CORE, ready=ready, log=tmp_path / "log"),
    ):
        pytest.fail("it was handed over")
    assert seen
    assert not any(map(cpu.alive, seen))


def test_a_missing_program_names_its_package() -> None:
    with pytest.raises(BenchmarkError, match="comes with the package nosuch-package"):
        processes.tool("no-such-program-here", "nosuch-package")


def test_the_harness_goes_back_to_its_cores() -> None:
    before = os.sched_getaffinity(0)
    with cores.staying_on(CORE):
        assert os.sched_getaffinity(0) == {CORE}
    assert os.sched_getaffinity(0) == before


def test_one_core_is_not_enough() -> None:
    with cores.staying_on(CORE), pytest.raises(BenchmarkError, match="two cores"):
        cores.pick()
