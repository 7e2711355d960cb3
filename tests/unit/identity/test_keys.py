"""The form of API keys."""

from __future__ import annotations

import hashlib

import pytest

from engine.identity import keys


def test_made_keys_parse_and_differ() -> None:
    made = [keys.make() for _ in range(200)]
    assert len({key.key for key in made}) == 200
    assert len({key.id for key in made}) == 200
    for key in made:
        assert key.key.startswith(f"tg_{key.id}_")
        assert keys.parse(key.key.encode()) == key.id


def test_stored_is_the_sha256_of_the_whole_key() -> None:
    made = keys.make().key.encode()
    assert keys.digest(made) == hashlib.sha256(made).digest()
    assert keys.digest(made[:-1] + b"?") != keys.digest(made)


@pytest.mark.parametrize(
    "change",
    [
        lambda key: b"",
        lambda key: key[:-1],
        lambda key: key + b"a",
        lambda key: key + b"\n",
        lambda key: b" " + key,
        lambda key: key.replace(b"tg_", b"sk_"),
        lambda key: key.upper(),
        lambda key: key.replace(b"_", b"-"),
        lambda key: key[:-1] + b"'",
        lambda key: key[:-2] + "é".encode(),
        lambda key: key * 1000,
    ],
)
def test_other_forms_do_not_parse(change: object) -> None:
    key = b"tg_abcdefgh2345_" + b"A" * keys.SECRET_LENGTH
    assert keys.parse(key) == "abcdefgh2345"
    assert keys.parse(change(key)) is None  # type: ignore[operator]
