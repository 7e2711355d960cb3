"""A user's own JSON Schema (2020-12) for the requests and answers of a route.

Rules. The schema is read and compiled when the policy is loaded; what is wrong with it is an error of the policy. It is
whole in its file: a reference to elsewhere is refused, nothing is ever fetched. Patterns run in a regex engine whose
time is linear in the text, so one with look-around or back-references is refused too. ``format`` is an annotation, as
the standard has it by default.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import orjson

from engine._fast.jsonguard import GuardError, check
from engine.errors import BAD_REQUEST, Refusal
from engine.validation.place import spell

# A schema is written by hand or by a generator; the bound is for files that are none.
MAX_SCHEMA_BYTES: Final = 4 << 20
MAX_SCHEMA_DEPTH: Final = 128


class SchemaError(ValueError):
    """A schema that cannot be used."""


def _nowhere(uri: str) -> Any:
    raise ValueError("a schema refers to nothing outside of its file")


class Schema:
    """A compiled schema. Immutable, safe from several threads. `source` is the schema as it was read."""

    __slots__ = ("_validator", "source")

    def __init__(self, text: bytes) -> None:
        """Raises SchemaError."""
        # It takes 3 MB of memory, and few policies have a schema.
        import jsonschema_rs

        try:
            check(text, MAX_SCHEMA_DEPTH)
            schema = self.source = orjson.loads(text)
        except (GuardError, orjson.JSONDecodeError) as error:
            raise SchemaError(f"is not JSON: {error}") from None
        try:
            self._validator = jsonschema_rs.Draft202012Validator(
                schema, retriever=_nowhere, mask="the value", pattern_options=jsonschema_rs.RegexOptions()
            )
        except jsonschema_rs.ValidationError as error:
            raise SchemaError(f"is no JSON Schema (2020-12): {error.message}") from None
        except ValueError as error:
            raise SchemaError(f"is no JSON Schema (2020-12): {error}") from None

    def check(self, body: bytes) -> None:
        """Raises Refusal (400) that names the place, unless the JSON text `body`, which passed the guard, fits."""
        import jsonschema_rs

        try:
            self._validator.validate(orjson.loads(body))
        except jsonschema_rs.ValidationError as error:
            path = list(error.instance_path)
            missing = getattr(error.kind, "property", None)
            if isinstance(missing, str):
                path.append(missing)
            raise Refusal(
                BAD_REQUEST, f"Does not fit the schema: {error.message}.", param=spell(path) or None, control="schema"
            ) from None

    def accepts(self, body: bytes) -> bool:
        """Whether `body` is JSON that fits."""
        try:
            return bool(self._validator.is_valid(orjson.loads(body)))
        except orjson.JSONDecodeError:
            return False


def load_schema(path: Path) -> Schema:
    """The schema of a file. Raises SchemaError."""
    try:
        with path.open("rb") as file:
            text = file.read(MAX_SCHEMA_BYTES + 1)
    except OSError as error:
        raise SchemaError(f"cannot be read: {error.strerror}") from None
    if len(text) > MAX_SCHEMA_BYTES:
        raise SchemaError(f"is longer than {MAX_SCHEMA_BYTES >> 20} MiB")
    return Schema(text)
