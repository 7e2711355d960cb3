"""Keys by the admin interface: who may do what, what is shown once, and what is on the record."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession, web

from engine.access.failures import FailedCredentials, FailureTable
from engine.admin import keys as admin_keys
from engine.admin.app import Readiness, build
from engine.admin.keys import KeyAdmin
from engine.identity.key_store import KeyStore
from engine.identity.store import KeyCache

ROOT = "root-token-of-the-environment"


class Ready:
    def readiness(self) -> Readiness:
        return Readiness(1, 1)

    def metrics(self) -> bytes:
        return b""


class Api:
    """An admin interface on a socket, over a store of its own."""

    def __init__(self, folder: Path, session: ClientSession, url: str, store: KeyStore, failures: FailureTable) -> None:
        self.folder, self.store, self.failures = folder, store, failures
        self._session, self._url = session, url

    async def call(self, method: str, path: str, token: str | None = ROOT, body: Any = None) -> tuple[int, Any]:
        headers = {"Authorization": f"Bearer {token}"} if token is not None else {}
        data = body if isinstance(body, bytes) else None
        given = body if data is None else None
        async with self._session.request(method, self._url + path, headers=headers, json=given, data=data) as answer:
            assert answer.headers["Cache-Control"] == "no-store"
            if answer.status == 401:
                assert answer.headers["WWW-Authenticate"].startswith("Bearer")
            return answer.status, await answer.json(content_type=None)


@pytest.fixture
def run(tmp_path: Path) -> Callable[[Callable[[Api], Awaitable[None]]], None]:
    async def serve(story: Callable[[Api], Awaitable[None]]) -> None:
        with KeyStore(tmp_path) as store:
            failures = FailureTable(tmp_path / "failures")
            runner = web.AppRunner(build(Ready(), KeyAdmin(tmp_path, store, failures, ROOT)), access_log=None)
            await runner.setup()
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            host, port = runner.addresses[0][:2]
            async with ClientSession() as session:
                await story(Api(tmp_path, session, f"http://{host}:{port}", store, failures))
            await runner.cleanup()
            failures.close()

    return lambda story: asyncio.run(serve(story))


Run = Callable[[Callable[[Api], Awaitable[None]]], None]


def test_the_life_of_a_key(run: Run) -> None:
    async def story(api: Api) -> None:
        asked = {"subject": "alice", "roles": ["user"], "owner": "ops", "expires": "30d", "models": ["gpt-*"]}
        status, made = await api.call("POST", "/keys", body=asked)
        assert status == 201
        cache = KeyCache(api.folder)
        assert cache.lookup(made["key"], 0) is not None
        status, shown = await api.call("GET", f"/keys/{made['id']}")
        assert (status, shown["status"], shown["owner"], shown["models"]) == (200, "active", "ops", ["gpt-*"])
        assert shown["last_used"] is None
        status, rotated = await api.call("POST", f"/keys/{made['id']}/rotate", body={"overlap": "1h"})
        assert status == 200
        assert rotated["id"] == made["id"]
        for key in (made["key"], rotated["key"]):
            assert cache.lookup(key, 0) is not None
        assert (await api.call("POST", f"/keys/{made['id']}/disable"))[1]["status"] == "disabled"
        assert cache.lookup(rotated["key"], 0) is None
        assert (await api.call("POST", f"/keys/{made['id']}/enable"))[1]["status"] == "active"
        assert (await api.call("POST", f"/keys/{made['id']}/expire", body={"expires": None}))[1]["expires"] is None
        assert (await api.call("POST", f"/keys/{made['id']}/revoke"))[1]["status"] == "revoked"
        assert cache.lookup(rotated["key"], 0) is None
        status, body = await api.call("GET", "/changes")
        assert [change["action"] for change in body["changes"]] == [
            "revoke",
            "expire",
            "enable",
            "disable",
            "rotate",
            "create",
        ]
        assert {change["actor"] for change in body["changes"]} == {"admin:environment"}
        listed = str((await api.call("GET", "/keys"))[1]) + str(body)
        for key in (made["key"], rotated["key"]):
            assert key.rpartition("_")[2] not in listed
        cache.close()

    run(story)


def test_nobody_gives_what_they_do_not_have(run: Run) -> None:
    async def story(api: Api) -> None:
        lesser = api.store.create_admin("team", ["user"])
        mine = (await api.call("POST", "/keys", lesser, {"subject": "bob", "roles": ["user"]}))[1]
        theirs = (await api.call("POST", "/keys", body={"subject": "eve", "roles": ["user", "operator"]}))[1]
        for roles in (["operator"], ["user", "operator"], ["*"]):
            assert (await api.call("POST", "/keys", lesser, {"subject": "bob", "roles": roles}))[0] == 403
        # A key with a wider role is, to a lesser admin, not there.
        _, body = await api.call("GET", "/keys", lesser)
        assert [key["id"] for key in body["keys"]] == [mine["id"]]
        for method, path, sent in (
            ("GET", f"/keys/{theirs['id']}", None),
            ("POST", f"/keys/{theirs['id']}/rotate", {}),
            ("POST", f"/keys/{theirs['id']}/revoke", None),
            ("POST", f"/keys/{theirs['id']}/enable", None),
            ("POST", f"/keys/{theirs['id']}/expire", {"expires": None}),
        ):
            assert (await api.call(method, path, lesser, sent))[0] == 404
        assert (await api.call("GET", "/changes", lesser))[0] == 403
        assert (await api.call("POST", f"/keys/{mine['id']}/revoke", lesser))[0] == 200
        assert api.store.changes(mine["id"])[0].actor == "admin:team"
        api.store.remove_admin("team")
        assert (await api.call("GET", "/keys", lesser))[0] == 401

    run(story)


def test_only_with_an_admins_token(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(admin_keys, "_FAILED", FailedCredentials(slow_after=10, ban_after=20))

    async def story(api: Api) -> None:
        client = api.store.create("alice", ["user"])
        for token in (None, "", "x", ROOT + "x", ROOT[:-1], ROOT.upper(), client.key):
            for method, path in (
                ("GET", "/keys"),
                ("POST", "/keys"),
                ("GET", f"/keys/{client.id}"),
                ("POST", f"/keys/{client.id}/revoke"),
                ("GET", "/changes"),
                ("GET", "/bans"),
            ):
                status, _ = await api.call(method, path, token)
                assert status in (401, 429)
                if token is None:
                    assert status == 401
        # Guessing has a bound, and whoever has a token is not hurt by it.
        assert (await api.call("GET", "/keys", "x"))[0] == 429
        assert (await api.call("GET", "/keys"))[0] == 200
        assert api.store.get(client.id).status(0) == "active"  # type: ignore[union-attr]

    run(story)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"{", 400),
        ({"subject": "alice"}, 400),
        ({"subject": "alice", "roles": ["user"], "admin": True}, 400),
        ({"subject": "alice", "roles": "user"}, 400),
        ({"subject": "alice\n", "roles": ["user"]}, 422),
        ({"subject": "alice", "roles": []}, 422),
        ({"subject": "alice", "roles": ["user"], "expires": "yesterday"}, 422),
        ({"subject": "alice", "roles": ["user"], "addresses": ["nowhere"]}, 422),
    ],
)
def test_what_is_malformed(run: Run, body: Any, status: int) -> None:
    async def story(api: Api) -> None:
        assert (await api.call("POST", "/keys", body=body))[0] == status
        assert api.store.list() == []

    run(story)


def test_bans(run: Run) -> None:
    async def story(api: Api) -> None:
        for _ in range(100):
            api.failures.fail(bytes((192, 0, 2, 1)), FailedCredentials(), 4_000_000_000.0)
        _, body = await api.call("GET", "/bans")
        assert [ban["network"] for ban in body["bans"]] == ["192.0.2.1"]
        assert (await api.call("DELETE", "/bans/192.0.2.1"))[0] == 200
        assert (await api.call("GET", "/bans"))[1] == {"bans": []}
        assert (await api.call("DELETE", "/bans/192.0.2.1"))[0] == 404
        assert (await api.call("DELETE", "/bans/nowhere"))[0] == 422
        assert api.store.changes("192.0.2.1")[0].action == "lift-ban"

    run(story)
