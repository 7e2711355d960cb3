"""API keys of two gateways on one Valkey: what one host revokes ends on the other; a store that fails opens nothing."""

from __future__ import annotations

import json
import os
import signal
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.integration.conftest import Run
from tests.integration.gateway import Gateway
from tests.integration.test_revocation import admin, status, stream
from tests.integration.upstream import Upstream
from tests.integration.waiting import until
from tests.valkey import ValkeyServer

POLICY = """
upstreams: {{local: {{base_url: "http://127.0.0.1:{port}/v1"}}}}
network: {{bans: null}}
roles:
  user: {{endpoints: [chat, messages, models], models: ["*"], redaction: none}}
"""


@pytest.fixture(scope="module")
def valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ValkeyServer]:
    with ValkeyServer(data_dir=tmp_path_factory.mktemp("valkey"), save="", appendonly="no") as server:
        yield server


@pytest.fixture(scope="module")
def hosts(run_gateway: Run, upstream: Upstream, valkey: ValkeyServer) -> list[Gateway]:
    environment = {
        "TIDEGATE_REDIS_URL": f"redis://127.0.0.1:{valkey.port}/0",
        "TIDEGATE_WORKERS": "1",
        "TIDEGATE_KEYS_WITHOUT_STORE": "2s",
        "TIDEGATE_ADMIN_TOKEN": "the-admin-token-of-this-test",
    }
    policy = POLICY.format(port=upstream.port)
    # Both at once: a host that joins waits until those that are there have said what they know.
    with ThreadPoolExecutor(2) as pool:
        return [made.result() for made in [pool.submit(run_gateway, policy, **environment) for _ in range(2)]]


def _readiness(gateway: Gateway) -> Any:
    try:
        with urllib.request.urlopen(f"{gateway.admin_url}/readyz", timeout=5) as answer:  # noqa: S310
            return json.load(answer)
    except urllib.error.HTTPError as error:
        return json.load(error)


def test_a_key_of_one_host_works_on_all_until_it_is_revoked_on_any(hosts: list[Gateway]) -> None:
    one, two = hosts
    key, key_id = one.key("alice")
    kept, _ = two.key("bob")
    until(lambda: status(two, key) == 200 and status(one, kept) == 200)
    running, other = stream(two, key), stream(two, kept)
    admin(one, "POST", f"/keys/{key_id}/revoke")
    text = running.read()
    assert b"[DONE]" not in text
    assert b"credential_revoked" in text or b"authentication_error" in text
    assert status(two, key) == status(one, key) == 401
    assert other.readline() is not None
    other.close()
    assert status(two, kept) == 200
    assert [change["action"] for change in admin(two, "GET", "/changes")["changes"]].count("receive") >= 2


def test_a_change_by_the_command_line_is_told_by_the_command_itself(hosts: list[Gateway]) -> None:
    one, two = hosts
    key, key_id = one.key("carol")
    until(lambda: status(two, key) == 200)
    # By the command line of the other host, which has the key already.
    assert two.run("keys", "disable", key_id).returncode == 0
    until(lambda: status(one, key) == 401)
    assert two.run("keys", "enable", key_id).returncode == 0
    until(lambda: status(one, key) == 200)
    rotated = one.run("keys", "rotate", key_id).stdout.strip()
    until(lambda: status(two, rotated) == 200 and status(two, key) == 401)


def test_a_store_that_fails_closes_and_one_that_comes_back_empty_forgets_no_revocation(
    hosts: list[Gateway], valkey: ValkeyServer
) -> None:
    one, two = hosts
    kept, _ = one.key("dora")
    revoked, revoked_id = one.key("eve")
    until(lambda: status(two, kept) == 200 and status(two, revoked) == 200)
    running = stream(two, kept)
    assert valkey._process is not None
    os.kill(valkey._process.pid, signal.SIGSTOP)
    try:
        until(lambda: all(status(host, kept) == 503 for host in hosts))
        # A key that never was is told no more than one that is.
        assert status(one, "tg_abcdefghjkmn_" + "x" * 40) == 503
        told = one.run("keys", "revoke", revoked_id)
        assert told.returncode == 1
        assert "the others could not be told" in told.stderr
        assert any("cannot be compared" in warning for warning in _readiness(two)["warnings"])
        # What was admitted goes on.
        assert running.readline() is not None
    finally:
        os.kill(valkey._process.pid, signal.SIGCONT)
    until(lambda: all(status(host, kept) == 200 for host in hosts))
    until(lambda: status(two, revoked) == 401)
    port = valkey.port
    valkey.terminate()
    until(lambda: all(status(host, kept) == 503 for host in hosts))
    valkey._desired_port = port
    valkey.start()
    until(lambda: all(status(host, kept) == 200 for host in hosts))
    assert [status(host, revoked) for host in hosts] == [401, 401]
    running.close()
    events = [json.loads(line) for line in one.audit_log.read_text().splitlines()]
    found = [event["event"] for event in events if str(event.get("event", "")).startswith("keys_store")]
    assert {"keys_store_failing", "keys_store_sound", "keys_store_unknown"} <= set(found)
