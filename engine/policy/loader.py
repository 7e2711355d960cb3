"""The policy file, read and checked: text in, `Policy` out, or a PolicyError with line, path and reason.

Order: YAML into values (`document`), values into types (`model`), what sections say of each other (`checks`). The first
thing wrong is reported. A policy that was loaded is consistent in itself; whether this build runs all that it names is
told by `unenforced`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path as FilePath
from typing import Any, Final

import msgspec

from engine.policy.checks import check
from engine.policy.document import MAX_TEXT, Path, PolicyError, Tree, parse_document
from engine.policy.model import Document

__all__ = ["Policy", "PolicyError", "load_policy", "parse_policy"]

_PLACE: Final = re.compile(r"^(?P<reason>.*?)(?: - at (?P<key>`key` in )?`\$(?P<path>[^`]*)`)?$", re.DOTALL)
_STEP: Final = re.compile(r"\.([^.\[\]]+)|\[([0-9]+)\]|\[(\.\.\.)\]")
_FIELD: Final = re.compile(r"unknown field `([^`]*)`")


@dataclass(frozen=True, slots=True)
class Policy:
    """A policy that loads. `revision` names the text it was made from: 12 hex digits of its SHA-256."""

    document: Document
    tree: Tree
    revision: str

    @property
    def source(self) -> str:
        """The file, as it was named."""
        return self.tree.source

    def line(self, *path: str | int) -> int:
        """The line of a value, or of the nearest around it that the file has; 0 where it has none."""
        return self.tree.line(path)

    def error(self, reason: str, *path: str | int) -> PolicyError:
        """An error about the value at a path, to be raised."""
        return self.tree.error(path, reason)


def load_policy(path: FilePath, environ: Mapping[str, str]) -> Policy:
    """The policy of a file. Raises PolicyError, also for a file that cannot be read."""
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_TEXT + 1)
    except OSError as error:
        raise PolicyError(str(path), 0, "", f"cannot be read: {error.strerror}") from error
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise PolicyError(str(path), line, "", "is not UTF-8") from error
    return parse_policy(text, str(path), environ)


def parse_policy(text: str, source: str, environ: Mapping[str, str]) -> Policy:
    """The policy of a text; `source` names it in errors. Raises PolicyError."""
    tree = parse_document(text, source, environ)
    if isinstance(tree.value, dict):
        # A section whose lines are all commented out is its default; of roles, it is that there are none.
        for name in [name for name, value in tree.value.items() if value is None and name != "upstreams"]:
            if name == "roles":
                tree.value[name] = {}
            elif name in Document.__struct_fields__:
                del tree.value[name]
    try:
        document = _convert(tree.value)
    except msgspec.ValidationError as error:
        raise _located(tree, error) from None
    check(document, tree)
    return Policy(document, tree, sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:12])


def _convert(value: Any) -> Document:
    # Lax, because what comes from the environment is text where a number is wanted.
    return msgspec.convert(value, Document, strict=False)


def _located(tree: Tree, error: msgspec.ValidationError) -> PolicyError:
    match = _PLACE.match(str(error))
    reason, steps = (match["reason"], match["path"] or "") if match else (str(error), "")
    path = _find(tree.value, steps, str(error))
    field = _FIELD.search(reason)
    if field is not None:
        return tree.error((*path, field[1]), "no such field here")
    if match is not None and match["key"]:
        reason = f"a key: {reason}"
    return tree.error(path, _plain(reason))


def _plain(reason: str) -> str:
    """msgspec's message in the words of the file."""
    for theirs, ours in (("object", "mapping"), ("array", "list"), ("str", "text"), ("bool", "true or false")):
        reason = re.sub(rf"`([^`]*)\b{theirs}\b([^`]*)`", rf"`\1{ours}\2`", reason)
    return reason.replace("Object ", "", 1).replace("Invalid enum value", "not an accepted value:")


def _find(value: Any, steps: str, message: str) -> Path:
    """The path of the first value that gives `message`.

    msgspec counts the items of a list, but of a mapping says only `[...]`. Which one it was is found by converting the
    whole file again with one of the mapping's entries at a time.
    """
    root: dict[str, Any] = {"": value}
    holder: Any = root
    key: str | int = ""
    path: list[str | int] = []
    for name, index, any_entry in _STEP.findall(steps):
        holder = holder[key]
        if not any_entry:
            key = int(index) if index else name
        elif (found := _entry_at_fault(root, holder, message)) is not None:
            key = found
        else:
            break
        path.append(key)
    return tuple(path)


def _entry_at_fault(root: dict[str, Any], mapping: dict[str, Any], message: str) -> str | None:
    entries = dict(mapping)
    for key, entry in entries.items():
        mapping.clear()
        mapping[key] = entry
        try:
            _convert(root[""])
        except msgspec.ValidationError as error:
            if str(error) == message:
                return key
    return None
