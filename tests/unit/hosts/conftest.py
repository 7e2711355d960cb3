"""A real Valkey for the tests of keys that hosts share; one for each file, emptied before each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.valkey import ValkeyServer


@pytest.fixture(scope="module")
def server() -> Iterator[ValkeyServer]:
    with ValkeyServer(save="", appendonly="no") as running:
        yield running


@pytest.fixture
def url(server: ValkeyServer) -> str:
    with server.client() as client:
        client.flushall()
    return f"redis://127.0.0.1:{server.port}/0"
