"""What a role may set in a request: parameters that are denied, bounded or stripped.

Of the request's fields only those that the rules name are read. The body must have passed the guard: no duplicate
keys, one reading.

- ``deny``: a request that sets it is refused.
- ``max``: refused when any spelling asks for more, for less than nothing (servers take -1 for "no bound"), or for
  something that is no number. A request that does not set it passes: the provider's own default holds then.
- ``cap``: the same, but what asks for more gets the most that is allowed: the request is written anew with it.
- ``strip``: every spelling is taken out of the body.
- ``allow``: as if there were no rule.

Failure mode: `Refusal` of kind BAD_REQUEST, its ``param`` the spelling that the client used.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from msgspec import Raw, Struct, ValidationError, json

from engine._fast.jsonmembers import Names, pick
from engine.errors import BAD_REQUEST, Refusal
from engine.extraction.content import ContentRules
from engine.extraction.spellings import INCLUDE, Spelling, asked, includes_logprobs, spellings

_FIELDS = json.Decoder(dict[str, Raw])


class Rule(Struct, frozen=True):
    """What to do about one parameter. `maximum` goes with ``max`` and ``cap``."""

    action: Literal["allow", "deny", "strip", "max", "cap"]
    maximum: float | None = None

    def __post_init__(self) -> None:
        if (self.action in ("max", "cap")) != (self.maximum is not None):
            raise ValueError("a maximum goes with the actions 'max' and 'cap', and with them alone")


@dataclass(frozen=True)
class _Check:
    """One spelling under one rule."""

    name: str
    spelling: Spelling
    maximum: float | None
    lowers: bool


class ParameterRules:
    """The rules of one role, by canonical parameter name. Immutable, safe from several threads.

    `strips` are the names that `strip` takes out of a request; ``logprobs`` among them
    are taken out of the answer too (see `engine.extraction.answers`). `caps` are those that `lower` lowers.
    """

    __slots__ = ("_checks", "_content", "_fields", "caps", "strips")

    def __init__(self, rules: Mapping[str, Rule], content: ContentRules | None = None) -> None:
        """`content`: what the role says of tools, kinds of content and streaming, checked with the parameters."""
        self._content = content
        self.strips = frozenset(name for name, rule in rules.items() if rule.action == "strip")
        self.caps = frozenset(name for name, rule in rules.items() if rule.action == "cap")
        checks: dict[bytes, list[_Check]] = {}
        for name, rule in rules.items():
            if rule.action in ("deny", "max", "cap"):
                for spelling in spellings(name):
                    check = _Check(name, spelling, rule.maximum, rule.action == "cap")
                    checks.setdefault(spelling[0].encode(), []).append(check)
        self._checks = tuple(check for each in checks.values() for check in each)
        self._fields = Names({field: tuple(each) for field, each in checks.items()})

    def check(self, body: bytes) -> None:
        """Raise Refusal if the request in `body`, a JSON object, sets what the rules deny or more than they allow."""
        if self._content is not None:
            self._content.check(body)
        for checks, value in pick(body, self._fields):
            asking = json.decode(value)
            for check in checks:
                _judge(check, asking)

    def lower(self, body: bytes) -> bytes:
        """The request with what asks for more than a cap lowered to it; the same object when nothing does.

        The request has passed `check`. Every other field keeps its bytes; only the space between fields goes.
        """
        fields = _FIELDS.decode(body)
        changed = False
        for check in self._checks:
            if check.lowers and check.spelling[0] in fields:
                changed |= _lower(fields, check)
        return json.encode(fields) if changed else body

    def strip(self, body: bytes) -> bytes:
        """The request without the stripped parameters; the same object when it sets none of them.

        Every other field keeps its bytes; only the space between fields goes.
        """
        fields = _FIELDS.decode(body)
        changed = False
        for name in self.strips:
            for spelling in spellings(name):
                changed |= spelling[0] in fields and _take_out(fields, spelling)
        return json.encode(fields) if changed else body


def _judge(check: _Check, value: Any) -> None:
    for step in check.spelling[1:]:
        value = value.get(step) if isinstance(value, dict) else None
    value = asked(check.name, check.spelling, value)
    if value is None:
        return
    if check.maximum is not None and isinstance(value, int | float) and 0 <= value <= check.maximum:
        return
    param = ".".join(check.spelling)
    if check.maximum is None:
        raise Refusal(BAD_REQUEST, f"The parameter '{param}' is not allowed for this role.", param=param)
    if not isinstance(value, int | float) or value < 0:
        raise Refusal(BAD_REQUEST, f"Expected a number from 0 to {check.maximum:.15g}.", param=param)
    if not check.lowers:
        raise Refusal(BAD_REQUEST, f"At most {check.maximum:.15g} is allowed for this role.", param=param)


def _lower(fields: dict[str, Raw], check: _Check) -> bool:
    """Lower one spelling among the top-level `fields`; whether it asked for too much."""
    assert check.maximum is not None
    asking = asked(check.name, check.spelling, json.decode(fields[check.spelling[0]]))
    # What is spelled inside of another field is no number of its own: `check` has refused it.
    if len(check.spelling) > 1 or not isinstance(asking, int | float) or asking <= check.maximum:
        return False
    fields[check.spelling[0]] = _raw(int(check.maximum) if check.maximum == int(check.maximum) else check.maximum)
    return True


def _take_out(fields: dict[str, Raw], spelling: Spelling) -> bool:
    """Take one spelling out of the top-level `fields`; whether it was there."""
    if spelling == INCLUDE:
        include = json.decode(fields["include"])
        if asked("logprobs", INCLUDE, include) is None:
            return False
        if isinstance(include, list):
            fields["include"] = _raw([each for each in include if not includes_logprobs(each)])
        else:
            del fields["include"]
        return True
    if len(spelling) == 1:
        del fields[spelling[0]]
        return True
    outer, inner = spelling
    try:
        inside = _FIELDS.decode(fields[outer])
    except ValidationError:  # not an object, so the spelling is not in it
        return False
    if inner not in inside:
        return False
    del inside[inner]
    fields[outer] = _raw(inside)
    return True


def _raw(value: Any) -> Raw:
    return Raw(json.encode(value))
