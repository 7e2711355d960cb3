"""Keys, bans and the record of changes, for admins.

    GET    /keys                      the keys whose roles are the admin's to give
    POST   /keys                      make one: {"subject", "roles", "team", "owner", "expires", "models", "addresses",
                                      "limits"}
    GET    /keys/{id}
    POST   /keys/{id}/rotate          {"overlap": "1h"}
    POST   /keys/{id}/expire          {"expires": "30d", or a date, or null}
    POST   /keys/{id}/disable | enable | revoke
    GET    /changes                   who did what, newest first
    GET    /bans                      addresses whose credentials fail
    DELETE /bans/{address}

Rules. Every request carries an admin's token as `Authorization: Bearer`: that of TIDEGATE_ADMIN_TOKEN, which may give
every role, or one made by `tidegate admins create`, which names the roles that it may give. Nobody gives what they do
not have, and a key with a role beyond that is, to them, not there. A key of a client is no admin's token. A new secret
is in the one answer that made it. The name of the admin stands in the record beside each change.

Failure modes. 401 for a token that is none; 503 where the key store cannot be used. Failed tokens count against their
address as failed credentials of clients do.
"""

from __future__ import annotations

import asyncio
import hmac
import time
from collections.abc import Awaitable, Callable
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final, TypeVar

import msgspec
from aiohttp import web

from engine.access.address import parse_address
from engine.access.failures import FailedCredentials, FailureTable
from engine.admin.answers import json, problem
from engine.identity.key_store import KeyStore, StoreError
from engine.identity.keys import NewKey
from engine.identity.records import EVERY_ROLE, Admin, KeyRecord
from engine.identity.shown import expiry, moment, show_change, show_key
from engine.identity.usage import last_used
from engine.settings import parse_duration

T = TypeVar("T")

# Guesses at an admin's token are rarer than a client's mistakes, and worth more.
_FAILED: Final = FailedCredentials(slow_after=10, ban_after=20)
_REMEMBERED_CHANGES: Final = 1000


class _Create(msgspec.Struct, forbid_unknown_fields=True):
    subject: str
    roles: list[str]
    team: str | None = None
    owner: str | None = None
    expires: str | None = None
    models: list[str] | None = None
    addresses: list[str] | None = None
    limits: list[str] | None = None


class _Rotate(msgspec.Struct, forbid_unknown_fields=True):
    overlap: str = "0s"


class _Expire(msgspec.Struct, forbid_unknown_fields=True):
    expires: str | None


class KeyAdmin:
    """The handlers. `token` is the one from the environment, if any."""

    def __init__(self, folder: Path, store: KeyStore, failures: FailureTable, token: str | None) -> None:
        self._folder = folder
        self._store = store
        self._failures = failures
        self._token = token.encode() if token is not None else None
        # The store is one connection: one change at a time.
        self._turn = asyncio.Lock()

    def add_routes(self, router: web.UrlDispatcher) -> None:
        """Adds what the module's head lists."""
        for method, path, handler in (
            ("GET", "/keys", self._list),
            ("POST", "/keys", self._create),
            ("GET", "/keys/{id}", self._show),
            ("POST", "/keys/{id}/rotate", self._rotate),
            ("POST", "/keys/{id}/expire", self._expire),
            ("POST", "/keys/{id}/disable", partial(self._change, self._store.disable)),
            ("POST", "/keys/{id}/enable", partial(self._change, self._store.enable)),
            ("POST", "/keys/{id}/revoke", partial(self._change, self._store.revoke)),
            ("GET", "/changes", self._changes),
            ("GET", "/bans", self._bans),
            ("DELETE", "/bans/{address}", self._lift),
        ):
            router.add_route(method, path, partial(self._for_admins, handler))

    async def _for_admins(
        self, handler: Callable[[web.Request, Admin], Awaitable[web.Response]], request: web.Request
    ) -> web.Response:
        """Calls a handler for an admin; what it raises becomes an answer."""
        try:
            admin = await self._identify(request)
            if admin is None:
                return self._refuse(request)
            return await handler(request, admin)
        except StoreError:
            return problem(HTTPStatus.SERVICE_UNAVAILABLE, "The key store cannot be used.")
        except msgspec.DecodeError as error:
            return problem(HTTPStatus.BAD_REQUEST, str(error))
        except ValueError as error:
            return problem(HTTPStatus.UNPROCESSABLE_ENTITY, str(error))

    async def _identify(self, request: web.Request) -> Admin | None:
        scheme, _, given = request.headers.get("Authorization", "").partition(" ")
        token = given.strip().encode("utf-8", "replace")
        if scheme.lower() != "bearer" or not token:
            return None
        if self._token is not None and hmac.compare_digest(token, self._token):
            return Admin("environment", (EVERY_ROLE,))
        return await self._do(self._store.find_admin, token)

    def _refuse(self, request: web.Request) -> web.Response:
        headers = {"WWW-Authenticate": 'Bearer realm="admin"'}
        address = parse_address(request.remote or "")
        if address is not None and "Authorization" in request.headers:
            verdict = self._failures.fail(address, _FAILED, time.time())
            if verdict.banned_s > 0:
                headers["Retry-After"] = str(int(verdict.banned_s) + 1)
                answer = problem(HTTPStatus.TOO_MANY_REQUESTS, "Too many tokens from your address were not valid.")
                answer.headers.update(headers)
                return answer
        answer = problem(HTTPStatus.UNAUTHORIZED, "An admin's token is needed.")
        answer.headers.update(headers)
        return answer

    async def _do(self, call: Callable[..., T], *arguments: Any, **named: Any) -> T:
        """A call of the store in a thread: it waits for the disk."""
        async with self._turn:
            return await asyncio.to_thread(call, *arguments, **named)

    async def _list(self, _: web.Request, admin: Admin) -> web.Response:
        records = [record for record in await self._do(self._store.list) if admin.may_grant(record.roles)]
        used, now_s = await self._do(last_used, self._folder), time.time()
        return json(HTTPStatus.OK, {"keys": [show_key(record, used.get(record.id), now_s) for record in records]})

    async def _create(self, request: web.Request, admin: Admin) -> web.Response:
        asked = msgspec.json.decode(await request.read(), type=_Create)
        if not admin.may_grant(asked.roles):
            return problem(HTTPStatus.FORBIDDEN, "A role is not yours to give.")
        made = await self._do(
            self._store.create,
            asked.subject,
            asked.roles,
            team=asked.team,
            owner=asked.owner,
            expires=expiry(asked.expires, time.time()) if asked.expires is not None else None,
            models=asked.models,
            addresses=asked.addresses,
            limits=asked.limits,
            actor=_actor(admin),
        )
        return _shown_once(HTTPStatus.CREATED, made)

    async def _show(self, request: web.Request, admin: Admin) -> web.Response:
        record = await self._record(request, admin)
        if record is None:
            return _no_such_key()
        used = await self._do(last_used, self._folder)
        return json(HTTPStatus.OK, show_key(record, used.get(record.id), time.time()))

    async def _rotate(self, request: web.Request, admin: Admin) -> web.Response:
        asked = msgspec.json.decode(await request.read() or b"{}", type=_Rotate)
        record = await self._record(request, admin)
        if record is None:
            return _no_such_key()
        overlap_s = parse_duration(asked.overlap)
        made = await self._do(self._store.rotate, record.id, overlap_s, actor=_actor(admin))
        return _shown_once(HTTPStatus.OK, made) if made is not None else _no_such_key()

    async def _expire(self, request: web.Request, admin: Admin) -> web.Response:
        asked = msgspec.json.decode(await request.read(), type=_Expire)
        when = expiry(asked.expires, time.time()) if asked.expires is not None else None
        return await self._change(partial(self._store.expire, expires=when), request, admin)

    async def _change(self, call: Callable[..., bool], request: web.Request, admin: Admin) -> web.Response:
        record = await self._record(request, admin)
        if record is None or not await self._do(call, record.id, actor=_actor(admin)):
            return _no_such_key()
        return await self._show(request, admin)

    async def _record(self, request: web.Request, admin: Admin) -> KeyRecord | None:
        """The key of the path, where it is this admin's."""
        record = await self._do(self._store.get, request.match_info["id"])
        return record if record is not None and admin.may_grant(record.roles) else None

    async def _changes(self, _: web.Request, admin: Admin) -> web.Response:
        if EVERY_ROLE not in admin.roles:
            return problem(HTTPStatus.FORBIDDEN, "The record is for admins of every role.")
        changes = await self._do(self._store.changes, None, _REMEMBERED_CHANGES)
        return json(HTTPStatus.OK, {"changes": [show_change(change) for change in changes]})

    async def _bans(self, _: web.Request, admin: Admin) -> web.Response:
        bans = [
            {"network": ban.network, "until": moment(ban.until), "failures": ban.failures, "bans": ban.bans}
            for ban in self._failures.bans(time.time())
        ]
        return json(HTTPStatus.OK, {"bans": bans})

    async def _lift(self, request: web.Request, admin: Admin) -> web.Response:
        address = parse_address(request.match_info["address"])
        if address is None:
            raise ValueError("this is not an address")
        if not self._failures.lift(address):
            return problem(HTTPStatus.NOT_FOUND, "Nothing is known of this address.")
        await self._do(self._store.note, "lift-ban", request.match_info["address"], actor=_actor(admin))
        return json(HTTPStatus.OK, {"lifted": request.match_info["address"]})


def _actor(admin: Admin) -> str:
    return f"admin:{admin.name}"


def _shown_once(status: HTTPStatus, made: NewKey) -> web.Response:
    return json(status, {"id": made.id, "key": made.key})


def _no_such_key() -> web.Response:
    return problem(HTTPStatus.NOT_FOUND, "There is no such key.")
