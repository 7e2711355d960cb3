"""A real Valkey for the tests of shared limits; one for each file, emptied before each test."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from engine.limits.shared.client import Store
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


@pytest.fixture
def store(url: str) -> Store:
    return Store(url)


@pytest.fixture
def client(server: ValkeyServer, url: str) -> Iterator[Any]:
    with server.client(decode_responses=True) as made:
        yield made
