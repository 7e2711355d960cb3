"""How a place is spelled."""

from __future__ import annotations

import pytest

from engine.validation.place import MAX_NAME, MAX_STEPS, spell


@pytest.mark.parametrize(
    ("path", "spelled"),
    [
        ((), ""),
        (("messages", 3, "role"), "messages[3].role"),
        ((0, 1), "[0][1]"),
        (("a-b", "$c", "d_1"), "a-b.$c.d_1"),
        (("a b", 0, "c.d"), '["a b"][0]["c.d"]'),
        (("", "a"), '[""].a'),
        (("x" * (MAX_NAME + 1),), "x" * MAX_NAME + "…"),
    ],
)
def test_spelling(path: tuple[str | int, ...], spelled: str) -> None:
    assert spell(path) == spelled


def test_a_deep_place_keeps_its_first_and_last_names() -> None:
    spelled = spell(["first", *["x"] * 500, "last"])
    assert spelled.startswith("first.x")
    assert spelled.endswith(".x.last")
    assert spelled.count("x") == MAX_STEPS - 2
    assert len(spell([("é " * 5000) for _ in range(5000)])) < (MAX_STEPS + 1) * (MAX_NAME + 6)
