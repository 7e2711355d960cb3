"""The fingerprint kernel against SipHash in plain Python, and the paper's own vector."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine._fast import fingerprint
from engine._fast.fingerprint import SECRET_BYTES, Fingerprint
from tests.fast.oracles.siphash import siphash


def test_the_compiled_kernel_is_tested() -> None:
    assert fingerprint.__file__.endswith(".so")


def test_the_vector_of_the_paper() -> None:
    key, data = bytes(range(16)), bytes(range(15))
    assert siphash(key, data) == bytes.fromhex("e545be4961ca29a1")
    assert Fingerprint(key + key).of(data) == siphash(key, data) * 2


@settings(max_examples=300, derandomize=True, deadline=None)
@given(st.binary(min_size=SECRET_BYTES, max_size=SECRET_BYTES), st.binary(max_size=300))
def test_two_hashes_side_by_side(secret: bytes, data: bytes) -> None:
    assert Fingerprint(secret).of(data) == siphash(secret[:16], data) + siphash(secret[16:], data)


@pytest.mark.parametrize("size", [0, 16, 31, 33])
def test_a_secret_has_one_length(size: int) -> None:
    with pytest.raises(ValueError, match="secret"):
        Fingerprint(bytes(size))
