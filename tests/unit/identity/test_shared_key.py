"""Two states of a key become one, the same whatever the order, and never a wider one by accident."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.identity.shared_key import SharedKey, decode, encode, join

KEY = SharedKey("abc", "alice", ("user",), 1.0, bytes(32))

times = st.none() | st.integers(1, 3).map(float)
stamps = st.integers(0, 3)
digests = st.integers(0, 2).map(lambda number: bytes([number]) * 32)
keys = st.builds(
    SharedKey,
    id=st.just("abc"),
    subject=st.sampled_from(["alice", "bob"]),
    roles=st.just(("user",)),
    created=st.just(1.0),
    digest=digests,
    team=st.none() | st.just("team"),
    models=st.none() | st.just(("gpt-*",)),
    revoked=times,
    disabled=st.booleans(),
    disabled_stamp=stamps,
    expires=times,
    expires_stamp=stamps,
    previous=st.none() | digests,
    previous_until=times,
    secret_stamp=stamps,
)


@given(keys, keys, keys)
def test_the_order_of_joins_does_not_matter(one: SharedKey, two: SharedKey, three: SharedKey) -> None:
    assert join(one, two) == join(two, one)
    assert join(join(one, two), three) == join(one, join(two, three))
    assert join(one, one) == one
    assert join(join(one, two), two) == join(one, two)


@given(keys, keys)
def test_what_is_revoked_stays_so(one: SharedKey, two: SharedKey) -> None:
    joined = join(one, two)
    assert (joined.revoked is None) == (one.revoked is None and two.revoked is None)
    if one.disabled_stamp == two.disabled_stamp:
        assert joined.disabled == (one.disabled or two.disabled)


def test_the_later_change_decides_each_for_itself() -> None:
    disabled = msgspec.structs.replace(KEY, disabled=True, disabled_stamp=5)
    enabled = msgspec.structs.replace(KEY, disabled=False, disabled_stamp=6)
    rotated = msgspec.structs.replace(KEY, digest=b"1" * 32, previous=bytes(32), previous_until=9.0, secret_stamp=7)
    ending = msgspec.structs.replace(KEY, expires=8.0, expires_stamp=1)
    joined = join(join(disabled, rotated), ending)
    assert (joined.disabled, joined.digest, joined.previous_until, joined.expires) == (True, b"1" * 32, 9.0, 8.0)
    assert not join(joined, enabled).disabled
    assert join(joined, enabled).digest == b"1" * 32


@given(keys)
def test_a_key_is_read_as_it_was_written(key: SharedKey) -> None:
    assert decode(encode(key)) == key


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{}",
        b"[1]",
        encode(msgspec.structs.replace(KEY, digest=b"short")),
        encode(msgspec.structs.replace(KEY, previous=b"short")),
        encode(msgspec.structs.replace(KEY, subject="a\nb")),
        encode(msgspec.structs.replace(KEY, roles=())),
        encode(msgspec.structs.replace(KEY, addresses=("nowhere",))),
        encode(msgspec.structs.replace(KEY, id="a b")),
        encode(KEY).replace(b'"alice"', b"1"),
    ],
)
def test_what_no_gateway_wrote_is_refused(text: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        decode(text)
