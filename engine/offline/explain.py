"""`tidegate explain`: what the policy would decide about a request, and which of its lines says so.

It asks the same snapshot that the gateway asks; the lines come from the file. Nothing is counted and nothing is sent.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator

from engine import settings
from engine.access.address import parse_address
from engine.access.globs import Glob, NameMatcher
from engine.errors import ADDRESS_DENIED, Refusal
from engine.identity.database import StoreError
from engine.identity.key_store import KeyStore
from engine.identity.keys import parse
from engine.identity.principal import Principal, assignment
from engine.policy.endpoints import with_those_beside
from engine.policy.loader import Policy, PolicyError, load_policy
from engine.policy.snapshot import Permit, Snapshot, compile_snapshot, scratch_table

REFUSED = 1
WRONG = 2
# Its requests name no model, and go nowhere.
_LISTING = "models"


def run(key: str | None, roles: list[str] | None, model: str | None, endpoint: str, address: str | None) -> int:
    """Prints the decision. Returns 0 where the request would be allowed, 1 where not, 2 where it cannot be told."""
    loaded = settings.load(os.environ)
    try:
        policy = load_policy(loaded.policy, os.environ)
        snapshot = compile_snapshot(policy, table=scratch_table(), hash_key=bytes(32))
        with KeyStore(loaded.state_dir) as store:
            principal = _principal(store, key, roles, snapshot)
        packed = parse_address(address) if address is not None else None
        if address is not None and packed is None:
            raise ValueError(f"--address: {address!r} is not an address")
    except (PolicyError, StoreError, ValueError) as error:
        print(f"tidegate: {error}", file=sys.stderr)
        return WRONG
    if model is None and endpoint not in snapshot.routes and endpoint != _LISTING:
        print(f"tidegate: --model: a request to {endpoint!r} names one", file=sys.stderr)
        return WRONG
    print(f"caller    {principal.subject}, roles {', '.join(principal.roles) or 'none'}")
    try:
        if packed is not None:
            print(f"address   {_decide_address(policy, snapshot, packed)}")
            principal = snapshot.at_address(principal, packed)
        snapshot.check_assigned(principal)
        snapshot.check_endpoint(principal, endpoint)
        permit = snapshot.permit(principal, endpoint, model) if endpoint != _LISTING else None
    except Refusal as refusal:
        print(f"refused   {refusal.kind.status} {refusal.kind.code}: {refusal.message}")
        for line in _why_not(policy, principal, endpoint, model):
            print(f"          {line}")
        return REFUSED
    lines = _why(policy, permit, endpoint, model) if permit is not None else iter(("allowed   to list the models",))
    for line in (*lines, *_limits(policy, principal, model)):
        print(line)
    return 0


def _principal(store: KeyStore, key: str | None, roles: list[str] | None, snapshot: Snapshot) -> Principal:
    """Who calls. Raises ValueError."""
    if roles:
        return Principal("somebody", "", None, tuple(roles), None, "api_key")
    if key is None:
        if snapshot.anonymous is None:
            raise ValueError("no --key or --role, and the policy has no role for requests without a credential")
        return snapshot.anonymous
    record = store.get(parse(key.encode()) or key)
    # What was given may be a whole key: it is not repeated.
    if record is None:
        raise ValueError("--key: there is no key with this id")
    status = record.status(time.time())
    if status != "active":
        raise ValueError(f"--key: the key is {status}: 401")
    return Principal(
        record.subject,
        record.id,
        record.team,
        record.roles,
        None,
        "api_key",
        record.models,
        record.addresses,
        None,
        tuple(map(assignment, record.limits)) if record.limits is not None else None,
    )


def _decide_address(policy: Policy, snapshot: Snapshot, packed: bytes) -> str:
    if snapshot.network.permits(packed):
        return "allowed"
    raise Refusal(ADDRESS_DENIED, f"Your address is not allowed ({_place(policy, 'network')}).")


def _place(policy: Policy, *path: str | int) -> str:
    """`policy.yaml:12 roles.analyst.models[0]`."""
    error = policy.error("", *path)
    return f"{policy.source}:{policy.line(*path)} {error.path}"


def _why(policy: Policy, permit: Permit, endpoint: str, model: str | None) -> Iterator[str]:
    name = permit.role.name
    role = policy.document.roles[name]
    yield f"allowed   by the role {name}"
    wanted = next((named for named in role.endpoints if endpoint in with_those_beside([named])), "*")
    yield f"endpoint  {_place(policy, 'roles', name, 'endpoints', role.endpoints.index(wanted))}"
    if model is not None:
        index = next(index for index, glob in enumerate(role.models) if Glob(glob).matches(model))
        yield f"model     {_place(policy, 'roles', name, 'models', index)}"
    for parameter in role.parameters:
        yield f"parameter {_place(policy, 'roles', name, 'parameters', parameter)}"
    for what in ("tools", "modalities", "streaming"):
        if getattr(role, what) not in (None, True):
            yield f"{what:<10}{_place(policy, 'roles', name, what)}"
    yield f"redaction {role.redaction}: {_place(policy, 'roles', name, 'redaction')}"
    where = ("models", permit.target.name) if model is not None else ("routes",)
    yield f"upstream  {permit.target.upstream.name}: {_place(policy, *where)}"


def _limits(policy: Policy, principal: Principal, model: str | None) -> Iterator[str]:
    for index, limit in enumerate(policy.document.limits):
        binds = limit.roles is None or not set(limit.roles).isdisjoint(principal.roles)
        binds = binds and (not limit.assigned or assignment(limit.name) in principal.limited_as)
        binds = binds and (limit.models is None or (model is not None and NameMatcher(limit.models).matches(model)))
        if binds and (limit.by != "team" or principal.team is not None):
            yield f"limit     {limit.name}: {_place(policy, 'limits', index)}"


def _why_not(policy: Policy, principal: Principal, endpoint: str, model: str | None) -> Iterator[str]:
    for name in principal.roles:
        role = policy.document.roles.get(name)
        if role is None:
            yield f"the policy has no role {name}"
        elif endpoint not in with_those_beside(role.endpoints) and "*" not in role.endpoints:
            yield f"not this endpoint: {_place(policy, 'roles', name, 'endpoints')}"
        elif model is not None and not NameMatcher(role.models).matches(model):
            yield f"not this model: {_place(policy, 'roles', name, 'models')}"
