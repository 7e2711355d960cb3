"""The policies that tidegate is measured with: all on, all off, and all on less one control.

A variant is a change to `all_on.yaml`, written as a function over the parsed file, so that each differs from "all on"
in exactly what its name says. Audit line and metrics have no switch, because every answer has a record; they are on
in every variant, "off" too. Validation has no switch either: with a generic route the gateway knows no shape to hold
the body to, which is what "without validation" measures (the model is then not looked at).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from benchmarks import payloads

Policy = dict[str, Any]

_ALL_ON = Path(__file__).with_name("all_on.yaml")
PLAIN_PATH = "/v1/plain"


@dataclass(frozen=True)
class Variant:
    """`change` edits the parsed policy in place. `key`: whether the client sends a key. `found`: whether the
    upstream's answer holds something to redact."""

    name: str
    what: str
    change: Callable[[Policy], None]
    key: bool = True
    path: str = payloads.PATH
    found: bool = False


def _nothing(_: Policy) -> None:
    pass


def _no_key(policy: Policy) -> None:
    policy["identity"] = {"api_keys": False, "anonymous": "bench"}


def _no_role(policy: Policy) -> None:
    policy["roles"]["bench"] = {"endpoints": ["*"], "models": ["*"], "redaction": "default"}


def _no_network(policy: Policy) -> None:
    del policy["network"]


def _no_limits(policy: Policy) -> None:
    del policy["limits"]


def _no_redaction(policy: Policy) -> None:
    policy["roles"]["bench"]["redaction"] = "none"


def _all_off(policy: Policy) -> None:
    for change in (_no_key, _no_role, _no_network, _no_limits, _no_redaction):
        change(policy)
    policy["validation"]["flag_text"] = []


VARIANTS = (
    Variant("tidegate", "all controls on", _nothing),
    Variant("tidegate off", "all controls off: anonymous, any route, raw relay", _all_off, key=False, path=PLAIN_PATH),
    Variant("tidegate -key", "on, without API keys (anonymous role)", _no_key, key=False),
    Variant("tidegate -role", "on, role allows everything", _no_role),
    Variant("tidegate -ip", "on, without address rules", _no_network),
    Variant("tidegate -limits", "on, without limits", _no_limits),
    Variant("tidegate -validation", "on, body of no known shape (generic route)", _nothing, path=PLAIN_PATH),
    Variant("tidegate -redaction", "on, answer relayed unsearched", _no_redaction),
    Variant("tidegate +findings", "on, two findings in each answer", _nothing, found=True),
)


def named(name: str) -> Variant:
    """The variant of that name. Raises KeyError."""
    return {variant.name: variant for variant in VARIANTS}[name]


def policy_text(variant: Variant) -> str:
    """The variant's policy file."""
    policy: Policy = yaml.safe_load(_ALL_ON.read_text())
    variant.change(policy)
    return yaml.safe_dump(policy, sort_keys=False)
