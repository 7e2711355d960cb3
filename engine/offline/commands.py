"""`tidegate scan` and `tidegate rules`: exit codes as in `engine.cli`."""

from __future__ import annotations

import os
import secrets
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final

import orjson

from engine import settings
from engine.offline.scan import LineError, default_profile, report, scan, scan_lines
from engine.policy.document import PolicyError
from engine.redaction.hash_key import HASH_KEY_FILE, open_hash_key
from engine.redaction.profile import Profile, compile_profile
from engine.redaction.rule import Rule
from engine.redaction.rules.encoded import GROUP as ENCODED
from engine.redaction.ruleset import build
from engine.settings import Settings

_FAILED: Final = 1
_WRONG: Final = 2


def run_scan(file: Path | None, *, jsonl: bool, redact: bool) -> int:
    """Searches a file, or standard input for None or `-`."""
    loaded = settings.load(os.environ)
    try:
        profile = _profile(loaded)
    except PolicyError as error:
        return _say(_WRONG, str(error))
    except (OSError, ValueError) as error:
        return _say(_FAILED, str(error))
    name = "-" if file is None else str(file)
    try:
        with _input(file) as stream:
            if jsonl:
                return _scan_lines(profile, stream)
            text = stream.read().decode()
    except OSError as error:
        return _say(_FAILED, f"{name}: {error.strerror}")
    except UnicodeDecodeError as error:
        return _say(_FAILED, f"{name}: not UTF-8 at byte {error.start}")
    result = scan(profile, text)
    if redact:
        sys.stdout.write(result.redacted)
        return 0
    for line in report(name, text, result):
        print(line)
    return _say(0, f"{len(result.findings)} found by {len(profile.rules)} rules")


def _scan_lines(profile: Profile, stream: BinaryIO) -> int:
    code = 0
    out = sys.stdout.buffer
    for result in scan_lines(profile, stream):
        if isinstance(result, LineError):
            code = _say(_FAILED, str(result))
        else:
            out.write(result)
    out.flush()
    return code


def _profile(loaded: Settings) -> Profile:
    """With the gateway's own key for `hash`, so that its hashes are the gateway's; without one, a key of this run."""
    key = loaded.state_dir / HASH_KEY_FILE
    return default_profile(loaded.policy, os.environ, open_hash_key(key) if key.exists() else secrets.token_bytes(32))


@contextmanager
def _input(file: Path | None) -> Iterator[BinaryIO]:
    if file is None or str(file) == "-":
        yield sys.stdin.buffer
        return
    with file.open("rb") as stream:
        yield stream


def list_rules(*, group: str | None, as_json: bool) -> int:
    """The built-in rules, one a line: id, group, replacement."""
    rules = [rule for rule in build().rules if group is None or rule.group == group]
    if not rules:
        return _say(_FAILED, f"there is no group {group!r}; there are {', '.join(sorted(build().groups))}")
    if as_json:
        print(orjson.dumps([_as_json(rule) for rule in rules], option=orjson.OPT_INDENT_2).decode())
        return 0
    width = max(len(rule.id) for rule in rules)
    groups = max(len(rule.group) for rule in rules)
    for rule in rules:
        print(f"{rule.id:{width}}  {rule.group:{groups}}  {rule.replacement}")
    return 0


def show_rule(id: str) -> int:
    """One rule, as JSON."""
    rule = _rule(id)
    if rule is None:
        return _say(_FAILED, f"there is no rule {id!r}; `tidegate rules list` shows them")
    print(orjson.dumps(_as_json(rule), option=orjson.OPT_INDENT_2).decode())
    return 0


def test_rule(id: str, texts: list[str]) -> int:
    """What one rule finds in texts, or in its own examples; 1 where it finds nothing in one of them."""
    rule = _rule(id)
    if rule is None:
        return _say(_FAILED, f"there is no rule {id!r}; `tidegate rules list` shows them")
    # What an encoded form hides is what other rules find.
    others = {"pii": "mask", "secrets": "mask"} if rule.group == ENCODED else {}
    profile = compile_profile(id, others | {id: "mask"}, build(), bytes(32))
    code = 0
    for text in texts or rule.examples:
        result = scan(profile, text)
        print(f"{'found' if result.findings else 'nothing'}: {result.redacted}")
        code = code if result.findings else _FAILED
    return code


def _rule(id: str) -> Rule | None:
    return next((rule for rule in build().rules if rule.id == id), None)


def _as_json(rule: Rule) -> dict[str, object]:
    return {
        "id": rule.id,
        "group": rule.group,
        "pattern": rule.pattern,
        "max_len": rule.max_len,
        "keywords": rule.keywords,
        "not_after": rule.not_after,
        "check": _name(rule.check),
        "detector": _name(rule.detector),
        "replacement": rule.replacement,
        "examples": rule.examples,
        "counterexamples": rule.counterexamples,
    }


def _name(value: object) -> str | None:
    return None if value is None else str(getattr(value, "__name__", type(value).__name__))


def _say(code: int, text: str) -> int:
    print(f"tidegate: {text}", file=sys.stderr)
    return code
