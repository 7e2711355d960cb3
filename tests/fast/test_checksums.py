"""The checksums kernel against plain Python."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine._fast import checksums as kernel
from tests.fast.oracles import checksums as oracle

# Digits of other scripts are none, wherever the text is stored in wider units.
TEXTS = st.text("0123456789", max_size=80) | st.text("0123456789 -.a٣é\U0001d7d9", max_size=80) | st.text(max_size=40)


def test_the_compiled_kernel_is_tested() -> None:
    assert kernel.__file__.endswith(".so")


@settings(max_examples=500, derandomize=True, deadline=None)
@given(TEXTS)
def test_all_is_what_the_oracle_says(text: str) -> None:
    assert kernel.digits(text) == oracle.digits(text)
    assert kernel.kinds(text) == oracle.kinds(text)
    assert kernel.luhn(text) == oracle.luhn(text)
    assert kernel.verhoeff(text) == oracle.verhoeff(text)


@settings(max_examples=500, derandomize=True, deadline=None)
@given(st.text("0123456789AZaz -é٣", max_size=90) | TEXTS)
def test_the_remainder_of_97_is_that_of_the_oracle(text: str) -> None:
    assert kernel.mod_97(text) == oracle.mod_97(text)


def test_accounts() -> None:
    for account in ("DE89 3704 0044 0532 0130 00", "gb82-west-1234-5698-7654-32", "NO9386011117947"):
        assert kernel.mod_97(account) == (sum(map(str.isalnum, account)), 1)
        assert kernel.mod_97(account[:-1] + "9")[1] != 1 or account.endswith("9")


@settings(max_examples=200, derandomize=True, deadline=None)
@given(st.text("0123456789", max_size=40))
def test_one_digit_of_ten_is_the_check_digit(number: str) -> None:
    """What makes both of them check digits: every wrong last digit is noticed."""
    for check in (kernel.luhn, kernel.verhoeff):
        assert sum(check(f"{number}{digit}") for digit in range(10)) == 1


@pytest.mark.parametrize("number", ["4111 1111 1111 1111", "5555-5555-5555-4444", "378282246310005"])
def test_cards(number: str) -> None:
    assert kernel.luhn(number)
    assert not kernel.luhn(number[:-1] + "9")


@pytest.mark.parametrize(("number", "fits"), [("2363", True), ("2364", False), ("2116 3726 5167", True), ("", True)])
def test_verhoeff(number: str, fits: bool) -> None:
    assert kernel.verhoeff(number) is fits


@pytest.mark.parametrize("size", range(60, 70))
def test_the_digits_of_a_text_of_any_length(size: int) -> None:
    for text in ("7" * size, "7" * (size - 1) + "x", "é" + "7" * (size - 1)):
        assert kernel.digits(text) == oracle.digits(text)


@pytest.mark.parametrize("function", [kernel.digits, kernel.kinds, kernel.luhn, kernel.verhoeff])
def test_a_text_is_needed(function: Callable[[Any], object]) -> None:
    with pytest.raises(TypeError):
        function(None)
