"""YAML text into plain Python values, each with the line that it stands in.

Rules. The subset of YAML 1.2 that configuration needs: mappings with plain keys, lists, text, numbers, `true`, `false`
and `null`. `off`, `no` and `010` are text, as they read. Anchors are accepted; tags and merge keys are not. A key that
stands twice in one mapping is an error: one of both would be ignored, and nobody could say which one was meant.

``${NAME}`` in a value is the environment's NAME, ``${NAME:-default}`` has a default for one that is unset or empty,
``$${`` is ``${`` itself. What is put in stays one piece of text: it is never read as YAML. The types of the policy turn
such text into a number where they want one.

Failure modes. Everything wrong is a PolicyError with line, path and reason; a reason never repeats what a variable
holds. Size, depth and number of values are bounded, anchors counted as often as they are used.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import yaml

Path = tuple[str | int, ...]

# A policy that lists 100,000 networks is 2 MB long. The other bounds are for files that are no policy.
MAX_TEXT: Final = 16 * 1024 * 1024
MAX_VALUES: Final = 1_000_000
MAX_DEPTH: Final = 32
_TOO_DEEP: Final = f"values are nested more than {MAX_DEPTH} deep"

_NAME: Final = r"[A-Za-z_][A-Za-z0-9_]*"
_REFERENCE: Final = re.compile(rf"\$\$\{{|\$\{{(?:({_NAME})(?::-([^}}]*))?\}})?")
_INTEGER: Final = re.compile(r"[-+]?(?:0|[1-9][0-9]{0,18})")
_FLOAT: Final = re.compile(r"[-+]?[0-9]{1,19}(?:\.[0-9]{1,19})?(?:[eE][-+]?[0-9]{1,3})?")
_WORDS: Final[dict[str, bool | None]] = {"true": True, "false": False, "null": None, "~": None, "": None}
_NOT_A_KEY: Final = re.compile(r"[\x00-\x1f\x7f]")

_TEXT_TAG: Final = "tag:yaml.org,2002:str"
_PLAIN_TAGS: Final = (_TEXT_TAG, "tag:yaml.org,2002:map", "tag:yaml.org,2002:seq")


class PolicyError(ValueError):
    """A policy that cannot be used. `line` counts from 1; 0 where the text as a whole is at fault."""

    def __init__(self, source: str, line: int, path: str, reason: str) -> None:
        place = f"{source}:{line}" if line else source
        super().__init__(f"{place}: {path}: {reason}" if path else f"{place}: {reason}")
        self.source = source
        self.line = line
        self.path = path
        self.reason = reason


def show_path(path: Path) -> str:
    """`roles.analyst.endpoints[0]`."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        else:
            text += f".{step}" if text else step
    return text


@dataclass(frozen=True, slots=True)
class Tree:
    """The values of a file, and the line of each by its path."""

    source: str
    value: Any
    lines: dict[Path, int]

    def line(self, path: Path) -> int:
        """The line of a value, or of the nearest around it that the file has."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 0)

    def error(self, path: Path, reason: str) -> PolicyError:
        """An error about the value at a path."""
        return PolicyError(self.source, self.line(path), show_path(path), reason)


def parse_document(text: str, source: str, environ: Mapping[str, str]) -> Tree:
    """The values of a YAML text. Raises PolicyError."""
    if len(text) > MAX_TEXT:
        raise PolicyError(source, 0, "", f"is longer than {MAX_TEXT} characters")
    loader = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
    try:
        _check_depth(text, source, loader)
        root = yaml.compose(text, Loader=loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        reason = " ".join(part for part in (error.context, error.problem) if part)
        # libyaml of PyYAML 6.0.4 on reads ahead of its events and stops at a depth of its own, which is beyond ours.
        told = _TOO_DEEP if "nesting depth" in reason else f"is not YAML: {reason}"
        raise PolicyError(source, mark.line + 1 if mark else 0, "", told) from None
    except yaml.YAMLError as error:
        raise PolicyError(source, 0, "", f"is not YAML: {error}") from None
    if root is None:
        raise PolicyError(source, 0, "", "is empty")
    builder = _Builder(source, environ)
    return Tree(source, builder.build(root, ()), builder.lines)


def _check_depth(text: str, source: str, loader: Any) -> None:
    """Refuse deep nesting before the tree is composed: composing recurses, in C and without a bound of its own."""
    depth = 0
    for event in yaml.parse(text, Loader=loader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > MAX_DEPTH:
                line = event.start_mark.line + 1 if event.start_mark else 0
                raise PolicyError(source, line, "", _TOO_DEEP)
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


@dataclass(slots=True)
class _Builder:
    source: str
    environ: Mapping[str, str]
    lines: dict[Path, int] = field(default_factory=dict)

    def build(self, node: yaml.Node, path: Path) -> Any:
        self.lines[path] = node.start_mark.line + 1
        if len(self.lines) > MAX_VALUES:
            raise self._error(node, path, f"the file has more than {MAX_VALUES} values")
        # An anchor inside itself, or anchors in a row: each use adds to the depth that the text has.
        if len(path) > MAX_DEPTH:
            raise self._error(node, (), _TOO_DEEP)
        if node.tag not in _PLAIN_TAGS:
            raise self._error(node, path, f"the tag {node.tag!r} is not accepted")
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self.build(item, (*path, index)) for index, item in enumerate(node.value)]
        return self._scalar(node, path)

    def _mapping(self, node: yaml.MappingNode, path: Path) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, yaml.ScalarNode) or key_node.tag != _TEXT_TAG:
                raise self._error(key_node, path, "a key is plain text")
            key = key_node.value
            if key == "<<":
                raise self._error(key_node, path, "merge keys (<<) are not accepted")
            if _NOT_A_KEY.search(key):
                raise self._error(key_node, path, f"the key {key!r} has a control character")
            if key in found:
                first = self.lines[(*path, key)]
                raise self._error(key_node, (*path, key), f"stands twice; the first is in line {first}")
            found[key] = self.build(value_node, (*path, key))
            self.lines[(*path, key)] = key_node.start_mark.line + 1
        return found

    def _scalar(self, node: yaml.Node, path: Path) -> Any:
        text: str = node.value
        if "${" in text:
            return _REFERENCE.sub(lambda match: self._substitute(match, node, path), text)
        return text if getattr(node, "style", None) else resolve(text)

    def _substitute(self, match: re.Match[str], node: yaml.Node, path: Path) -> str:
        if match[0] == "$${":
            return "${"
        name, default = match[1], match[2]
        if name is None:
            raise self._error(node, path, "'${' begins no ${NAME} or ${NAME:-default}; write '$${' for the characters")
        value = self.environ.get(name)
        if default is not None:
            return value or default
        if value is None:
            raise self._error(node, path, f"the environment has no {name}; set it, or write ${{{name}:-default}}")
        return value

    def _error(self, node: yaml.Node, path: Path, reason: str) -> PolicyError:
        return PolicyError(self.source, node.start_mark.line + 1, show_path(path), reason)


def resolve(text: str) -> str | int | float | bool | None:
    """The value of a plain scalar (YAML 1.2, core schema, decimal only); text where it is nothing else."""
    word = text.lower() if text in ("True", "TRUE", "False", "FALSE", "Null", "NULL") else text
    if word in _WORDS:
        return _WORDS[word]
    if _INTEGER.fullmatch(text):
        return int(text)
    # A number with leading zeros is an identifier more often than a number.
    if _FLOAT.fullmatch(text) and not re.match(r"[-+]?0[0-9]", text):
        number = float(text)
        return number if math.isfinite(number) else text
    return text
