"""Gateways and upstreams that the integration tests share: one of each for a module."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.integration.gateway import ROOT, Gateway
from tests.integration.upstream import Upstream

Run = Callable[..., Gateway]


@pytest.fixture(scope="module")
def mock_port() -> Iterator[int]:
    """The port of a mock LLM."""
    mock = subprocess.Popen(
        [sys.executable, "-m", "engine.demo.mock_llm"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=ROOT,
    )
    assert mock.stdin is not None
    assert mock.stdout is not None
    yield int(mock.stdout.readline())
    mock.stdin.close()
    mock.wait(20)
    mock.stdout.close()


@pytest.fixture(scope="module")
def upstream() -> Iterator[Upstream]:
    """An upstream that misbehaves on request."""
    with Upstream() as running:
        yield running


@pytest.fixture(scope="module")
def run_gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """Starts gateways with a policy and environment; they end with the module, drained."""
    running = ExitStack()

    def run(policy: str, *arguments: str, **environment: str) -> Gateway:
        folder: Path = tmp_path_factory.mktemp("gateway")
        gateway = Gateway(folder, policy, **environment)
        running.callback(gateway.stop)
        gateway.start(*arguments)
        return gateway

    # All are stopped, whichever of them fails to.
    with running:
        yield run
