"""`tidegate keys`, `tidegate admins` and `tidegate bans`: what the admin interface does, at the command line.

Whoever may read the state folder may do all of it; the record of changes names the user of the operating system.

Where hosts share their keys (TIDEGATE_REDIS_URL), those of the other hosts are fetched before a command and told after
it. A change that they could not be told is made all the same, exits with 1 and says so; the gateway of this host tells
them when it can.
"""

from __future__ import annotations

import argparse
import asyncio
import getpass
import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson

from engine import settings
from engine.access.address import parse_address
from engine.access.failures import FAILURES, FailureTable
from engine.identity.database import StoreError
from engine.identity.key_store import KeyStore
from engine.identity.records import KeyFields
from engine.identity.shown import expiry, moment, show_change, show_key
from engine.identity.usage import last_used
from engine.policy.loader import PolicyError, load_policy
from engine.settings import Settings

FAILED = 1
WRONG = 2

_READS = frozenset(("list", "show"))
_CHANGES = frozenset(("create", "import", "rotate", "change"))


def run(command: str, options: argparse.Namespace) -> int:
    """Runs one of COMMANDS. Returns the exit code."""
    loaded = settings.load(os.environ)
    try:
        if command in _READS | _CHANGES and (reason := _share(loaded)) is not None:
            _say(0, f"warning: the keys of other hosts may be missing here: {reason}")
        code = _COMMANDS[command](loaded, options)
        if code == 0 and command in _CHANGES and (reason := _share(loaded)) is not None:
            return _say(FAILED, f"done on this host, but the others could not be told: {reason}")
        return code
    except ValueError as error:
        return _say(WRONG, str(error))
    except (StoreError, OSError) as error:
        return _say(FAILED, str(error))


def _say(code: int, text: str) -> int:
    print(f"tidegate: {text}", file=sys.stderr)
    return code


def _share(loaded: Settings) -> str | None:
    """Makes the keys of this host and those of the others one. Why that cannot be done."""
    if loaded.redis_url is None:
        return None
    # Not at the top: the client of the store is much to import for a command that needs none.
    from engine.hosts.keys import share_once

    return asyncio.run(share_once(loaded.redis_url, loaded.state_dir))


def _store(loaded: Settings) -> KeyStore:
    try:
        user = getpass.getuser()
    except (OSError, KeyError):
        user = str(os.getuid())
    return KeyStore(loaded.state_dir, f"cli:{user}")


def _expires(options: argparse.Namespace) -> float | None:
    if options.expires is None:
        return None
    try:
        return expiry(options.expires, time.time())
    except ValueError as error:
        raise ValueError(f"--expires: {error}") from None


def _create(loaded: Settings, options: argparse.Namespace) -> int:
    with _store(loaded) as store:
        made = store.create(
            options.subject,
            options.role,
            team=options.team,
            expires=_expires(options),
            owner=options.owner,
            models=options.model,
            addresses=options.address,
            limits=options.limit,
        )
    _warn_of_names(loaded, options, os.environ)
    _say(0, f"key {made.id} made; it is shown only now")
    print(made.key)
    return 0


def _import(loaded: Settings, options: argparse.Namespace) -> int:
    fields = KeyFields(
        options.subject,
        tuple(options.role),
        options.team,
        _expires(options),
        options.owner,
        tuple(options.model) if options.model else None,
        tuple(options.address) if options.address else None,
        tuple(options.limit) if options.limit else None,
    )
    with _store(loaded) as store:
        key_id = store.import_digest(options.sha256, fields)
    _warn_of_names(loaded, options, os.environ)
    print(key_id)
    return 0


def _warn_of_names(loaded: Settings, options: argparse.Namespace, environ: Mapping[str, str]) -> None:
    try:
        document = load_policy(loaded.policy, environ).document
    except PolicyError:
        # There is no policy to ask yet.
        return
    for role in options.role:
        if role not in document.roles:
            _say(0, f"warning: the policy {loaded.policy} has no role {role!r}; until it does, the role allows nothing")
    assigned = {limit.name for limit in document.limits if limit.assigned}
    for limit in options.limit or ():
        if limit not in assigned:
            _say(
                0, f"warning: the policy {loaded.policy} assigns no limit {limit!r}; until it does, the key is refused"
            )


def _list(loaded: Settings, options: argparse.Namespace) -> int:
    with _store(loaded) as store:
        records = store.list()
    used, now_s = last_used(loaded.state_dir), time.time()
    if options.json:
        _print_json([show_key(record, used.get(record.id), now_s) for record in records])
        return 0
    head = ("id", "subject", "team", "roles", "status", "created", "expires", "last used")
    rows = [
        (
            record.id,
            record.subject,
            record.team or "-",
            ",".join(record.roles),
            record.status(now_s),
            moment(record.created) or "-",
            moment(record.expires) or "-",
            moment(used.get(record.id)) or "-",
        )
        for record in records
    ]
    widths = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head))]
    for row in (head, *rows):
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    return 0


def _show(loaded: Settings, options: argparse.Namespace) -> int:
    with _store(loaded) as store:
        record = store.get(options.id)
    if record is None:
        return _no_such_key()
    _print_json(show_key(record, last_used(loaded.state_dir).get(record.id), time.time()))
    return 0


def _rotate(loaded: Settings, options: argparse.Namespace) -> int:
    overlap_s = settings.parse_duration(options.overlap)
    with _store(loaded) as store:
        made = store.rotate(options.id, overlap_s)
    if made is None:
        return _no_such_key()
    _say(0, f"key {made.id} has a new secret, shown only now; the old one ends in {options.overlap}")
    print(made.key)
    return 0


def _change(loaded: Settings, options: argparse.Namespace) -> int:
    with _store(loaded) as store:
        match options.change:
            case "revoke":
                done, told = store.revoke(options.id), "is revoked"
            case "disable":
                done, told = store.disable(options.id), "is disabled"
            case "enable":
                done, told = store.enable(options.id), "is enabled"
            case _:
                when = None if options.when == "never" else expiry(options.when, time.time())
                done, told = store.expire(options.id, when), f"expires: {moment(when) or 'never'}"
    return _say(0, f"key {options.id} {told}") if done else _no_such_key()


def _no_such_key() -> int:
    # An id that is none may be a whole key, given by mistake: it is not repeated.
    return _say(FAILED, "there is no key with this id")


def _history(loaded: Settings, options: argparse.Namespace) -> int:
    with _store(loaded) as store:
        _print_json([show_change(change) for change in store.changes(options.id)])
    return 0


def _create_admin(loaded: Settings, options: argparse.Namespace) -> int:
    with _store(loaded) as store:
        token = store.create_admin(options.name, options.role)
    _say(0, f"admin {options.name} made; the token is shown only now")
    print(token)
    return 0


def _list_admins(loaded: Settings, _: argparse.Namespace) -> int:
    with _store(loaded) as store:
        _print_json([{"name": admin.name, "roles": admin.roles} for admin in store.admins()])
    return 0


def _remove_admin(loaded: Settings, options: argparse.Namespace) -> int:
    with _store(loaded) as store:
        removed = store.remove_admin(options.name)
    return _say(0, f"admin {options.name} is removed") if removed else _say(FAILED, "there is no admin of this name")


def _bans(loaded: Settings, _: argparse.Namespace) -> int:
    table = _failures(loaded)
    _print_json([show_ban(ban) for ban in table.bans(time.time())])
    table.close()
    return 0


def show_ban(ban: Any) -> dict[str, object]:
    """A ban as it is shown."""
    return {"network": ban.network, "until": moment(ban.until), "failures": ban.failures, "bans": ban.bans}


def _lift(loaded: Settings, options: argparse.Namespace) -> int:
    address = parse_address(options.address.removesuffix("/64"))
    if address is None:
        raise ValueError(f"{options.address!r} is not an address")
    table = _failures(loaded)
    lifted = table.lift(address)
    table.close()
    return _say(0, f"{options.address} is free") if lifted else _say(FAILED, "nothing is known of this address")


def _failures(loaded: Settings) -> FailureTable:
    Path(loaded.state_dir).mkdir(mode=0o700, parents=True, exist_ok=True)
    return FailureTable(loaded.state_dir / FAILURES)


def _print_json(value: object) -> None:
    print(orjson.dumps(value, option=orjson.OPT_INDENT_2).decode())


_COMMANDS = {
    "create": _create,
    "import": _import,
    "list": _list,
    "show": _show,
    "rotate": _rotate,
    "change": _change,
    "history": _history,
    "create-admin": _create_admin,
    "list-admins": _list_admins,
    "remove-admin": _remove_admin,
    "list-bans": _bans,
    "lift-ban": _lift,
}
