"""The gateway's redaction over texts at rest: what it finds in them, and what it would let leave.

The rules, actions and their order are those of a profile; see `redaction.profile`. Offsets are in code points. A text
that the gateway would withhold (`block`) has the finding's replacement here, so that the rest can be read.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from engine.policy.loader import Policy, load_policy, parse_policy
from engine.policy.profiles import compile_profiles
from engine.redaction.profile import Profile

_SMALLEST = "upstreams: {none: {base_url: 'http://127.0.0.1'}}"


class Finding(NamedTuple):
    """A finding: its rule and group, what is done about it, and where it stands, in code points."""

    rule: str
    group: str
    action: str
    start: int
    end: int


class Scanned(NamedTuple):
    """What was found in a text, in order, and the text without what is to be hidden."""

    findings: list[Finding]
    redacted: str


class LineError(ValueError):
    """A line that is not what was asked for. `line` counts from 1."""

    def __init__(self, line: int, reason: str) -> None:
        super().__init__(f"line {line}: {reason}")
        self.line = line


def default_profile(file: Path, environ: Mapping[str, str], hash_key: bytes) -> Profile:
    """The profile `default` of a policy; the built-in one where no file is named and none is there.

    Raises PolicyError. `hash_key` keys the action `hash`.
    """
    policy: Policy
    if "TIDEGATE_POLICY" not in environ and not file.exists():
        policy = parse_policy(_SMALLEST, "built-in", environ)
    else:
        policy = load_policy(file, environ)
    return compile_profiles(policy, hash_key)["default"]


def scan(profile: Profile, text: str) -> Scanned:
    """One text. Raises UnicodeEncodeError where it is none (half of a surrogate pair)."""
    data = text.encode()
    found = profile.found(data)
    if not found:
        return Scanned([], text)
    offsets = _Offsets(data)
    findings: list[Finding] = []
    parts: list[bytes] = []
    done = 0
    for start, end, index in found:
        rule, action = profile.rules[index], profile.actions[index]
        findings.append(Finding(rule.id, rule.group, action, offsets.of(start), offsets.of(end)))
        if action != "flag" and end > done:
            # A finding that withholds the answer may lie over another.
            parts += (data[done : max(start, done)], profile.replacement(rule, action, data[start:end]))
            done = end
    return Scanned(findings, b"".join((*parts, data[done:])).decode())


class _Offsets:
    """Code points before a byte offset. Offsets near each other are counted from the one before."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._ascii = data.isascii()
        self._at = 0
        self._count = 0

    def of(self, offset: int) -> int:
        if self._ascii:
            return offset
        if offset < self._at:
            self._at = self._count = 0
        self._count += len(self._data[self._at : offset].decode())
        self._at = offset
        return self._count


def scan_lines(profile: Profile, lines: Iterable[bytes]) -> Iterator[bytes | LineError]:
    """JSON lines `{"id", "text"}` in, `{"id", "findings": [{"rule", "group", "start", "end"}], "redacted"}` out.

    Empty lines are passed over. A line that is not of this shape gives a LineError in its place.
    """
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            value: Any = orjson.loads(line)
        except orjson.JSONDecodeError as error:
            yield LineError(number, f"not JSON: {error}")
            continue
        if not isinstance(value, dict) or not isinstance(value.get("text"), str):
            yield LineError(number, 'not an object with a string "text"')
            continue
        result = scan(profile, value["text"])
        findings = [
            {"rule": found.rule, "group": found.group, "start": found.start, "end": found.end}
            for found in result.findings
        ]
        out = {"id": value.get("id"), "findings": findings, "redacted": result.redacted}
        yield orjson.dumps(out) + os.linesep.encode()


def report(name: str, text: str, result: Scanned) -> Iterator[str]:
    """The findings for a person, one a line: place, rule, group and action; never what was found."""
    line, begin = 1, 0
    for found in result.findings:
        line += text.count("\n", begin, found.start)
        begin = found.start
        column = found.start - (text.rfind("\n", 0, found.start) + 1) + 1
        size = found.end - found.start
        yield f"{name}:{line}:{column}: {found.rule} ({found.group}): {found.action}, {size} characters"
