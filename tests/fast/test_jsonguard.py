"""The jsonguard kernel against its plain twin, and by hand at the edges."""

from __future__ import annotations

import gc
import importlib.machinery
import json
import pickle
import time
import tracemalloc
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine._fast import jsonguard
from tests.fast.oracles import jsonguard as oracle

BOUNDED = settings(max_examples=400, derandomize=True, deadline=None, database=None)


def verdict(body: bytes, max_depth: int = 64) -> bytes | None:
    """What the kernel makes of the body: its texts, None where it is refused. `check` and `texts` must agree."""
    outcomes: list[bytes | None] = []
    faults = []
    for reader in (jsonguard.check, jsonguard.texts):
        try:
            outcomes.append(reader(body, max_depth))
        except jsonguard.GuardError as error:
            faults.append((error.reason, error.offset, error.path))
    assert len(faults) in (0, 2)
    assert len(set(faults)) <= 1
    return None if faults else outcomes[1]


def expected(body: bytes, max_depth: int = 64) -> bytes | None:
    try:
        return oracle.texts(body, max_depth)
    except oracle.Refused:
        return None


def refused(body: bytes, max_depth: int = 64) -> jsonguard.GuardError:
    with pytest.raises(jsonguard.GuardError) as caught:
        jsonguard.check(body, max_depth)
    return caught.value


def test_compiled_kernel_is_loaded() -> None:
    assert jsonguard.__file__.endswith(tuple(importlib.machinery.EXTENSION_SUFFIXES))


# Against the oracle ---------------------------------------------------------------------------------------------------

KEYS = st.text(alphabet='ab\u00e9\U0001f600"\\\n\0', max_size=20) | st.text(max_size=9)
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=40),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(KEYS, inner, max_size=24),
    max_leaves=40,
)
# Pieces that meet at the reader's decisions far more often than random bytes would.
PIECES = [
    *(bytes([byte]) for byte in b'{}[]:,"\\ \t\n\r0123456789-+.eEu/bnfrt\0\x1f\x7f'),
    *(b"true", b"false", b"null", b"NaN", b"Infinity", b'"a"', b'"b":', b'"a":1', b"1e308", b"1e309", b"\\u0061"),
    *(b"\\ud83d", b"\\ude00", b"\\uD800\\uDC00", "é€😀".encode(), b"\x80", b"\xc0\x80", b"\xed\xa0\x80", b"\xf4\x90"),
    *(b"\xef\xbb\xbf", b'"plain text of more than sixteen bytes"', b'{"":', b"[[", b"]]"),
]


@given(VALUES, st.booleans(), st.sampled_from([None, 1]))
@BOUNDED
def test_valid_json_passes_with_all_its_texts(value: Any, ascii_only: bool, indent: int | None) -> None:
    body = json.dumps(value, ensure_ascii=ascii_only, indent=indent).encode("utf-8", "surrogatepass")
    assert verdict(body) == expected(body)


@given(VALUES, st.lists(st.tuples(st.integers(0, 400), st.integers(0, 3), st.sampled_from(PIECES)), max_size=3))
@BOUNDED
def test_damaged_json_is_judged_as_the_oracle_judges_it(value: Any, cuts: list[tuple[int, int, bytes]]) -> None:
    body = json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")
    for at, length, piece in cuts:
        at %= len(body) + 1
        body = body[:at] + piece + body[at + length :]
    assert verdict(body) == expected(body)


@given(st.lists(st.sampled_from(PIECES), max_size=14).map(b"".join))
@BOUNDED
def test_heaps_of_pieces_are_judged_as_the_oracle_judges_them(body: bytes) -> None:
    assert verdict(body, 5) == expected(body, 5)


@given(
    st.lists(
        st.tuples(st.sampled_from(["a", "ab", "k" * 9, "k" * 8 + "l", "é", "k1", "k2"]), st.booleans()), max_size=9
    )
)
@BOUNDED
def test_duplicate_keys_are_found_however_they_are_written(keys: list[tuple[str, bool]]) -> None:
    written = ("".join(f"\\u{ord(c):04x}" for c in key) if escaped else key for key, escaped in keys)
    body = ("{" + ",".join(f'"{key}":{{"a":0}}' for key in written) + "}").encode()
    assert (verdict(body) is None) == (len({key for key, _ in keys}) < len(keys))


@given(
    st.from_regex(r"-?(0|[1-9][0-9]{0,4}(0{300,310})?)(\.0{0,320}[0-9]{1,3})?([eE][+-]?[0-9]{1,3})?", fullmatch=True)
)
@BOUNDED
def test_numbers_are_refused_exactly_when_their_double_is_infinite(number: str) -> None:
    assert (verdict(number.encode()) is None) == (abs(float(number)) == float("inf"))


@given(st.binary(max_size=24))
@BOUNDED
def test_utf8_is_what_the_codec_says(data: bytes) -> None:
    body = b'"' + bytes(byte for byte in data if byte >= 0x20 and byte not in b'"\\') + b'"'
    assert verdict(body) == expected(body)


# By hand --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "reason", "offset", "path"),
    [
        (b"", "the body is empty", 0, ()),
        (b" \n", "the body is empty", 0, ()),
        (b"\xef\xbb\xbf{}", "byte order mark", 0, ()),
        (b"{} {}", "trailing bytes after the value", 3, ()),
        (b"{}\0", "trailing bytes after the value", 2, ()),
        (b'{"a":[1,NaN]}', "NaN and Infinity are not JSON", 8, ("a", 1)),
        (b"-Infinity", "NaN and Infinity are not JSON", 1, ()),
        (b'{"a":1,"b":2,"a":3}', "duplicate key", 13, ("a",)),
        (b'{"m":[0,{"x":1,"\\u0078":2}]}', "duplicate key", 15, ("m", 1, "x")),
        (b'["\\ud800"]', "unpaired surrogate escape", 2, (0,)),
        (b'["\\udc00\\ud800"]', "unpaired surrogate escape", 2, (0,)),
        (b'"\\ud800\\u0041"', "unpaired surrogate escape", 1, ()),
        (b'"\xed\xa0\x80"', "invalid UTF-8", 1, ()),
        (b'"\xf8\x88\x80\x80\x80"', "invalid UTF-8", 1, ()),
        (b'"a\nb"', "unescaped control character in a string", 2, ()),
        (b'"a\0b"', "unescaped control character in a string", 2, ()),
        (b'"\\x41"', "malformed escape sequence", 1, ()),
        (b'"\\u00g0"', "malformed escape sequence", 1, ()),
        (b"[01]", "number with a leading zero", 1, (0,)),
        (b"[1.]", "malformed number", 3, (0,)),
        (b"[-]", "malformed number", 2, (0,)),
        (b"[1e999]", "number out of the range of a double", 1, (0,)),
        (b"9" * 309, "number out of the range of a double", 0, ()),
        (b"[1,]", "expected a value", 3, (1,)),
        (b"[.5]", "expected a value", 1, (0,)),
        (b"[tru]", "expected a value", 1, (0,)),
        (b'{"a":1,}', "expected a key in double quotes", 7, ("a",)),
        (b"{a:1}", "expected a key in double quotes", 1, ()),
        (b'{"a" 1}', "expected a colon", 5, ("a",)),
        (b'{"a":1 "b":2}', "expected a comma or a closing bracket", 7, ("a",)),
        (b"[1}", "expected a comma or a closing bracket", 2, (0,)),
        (b'{"a":', "unexpected end of the body", 5, ("a",)),
        (b'"abc', "unexpected end of the body", 4, ()),
        (b'"abc\\', "unexpected end of the body", 5, ()),
    ],
)
def test_a_refusal_names_reason_offset_and_path(body: bytes, reason: str, offset: int, path: tuple[Any, ...]) -> None:
    assert expected(body) is None
    error = refused(body)
    assert (error.reason, error.offset, error.path) == (reason, offset, path)
    assert str(error) == f"{reason} at byte {offset}"


def test_the_error_survives_pickling() -> None:
    error = pickle.loads(pickle.dumps(refused(b'{"a":1,"a":2}')))  # noqa: S301 - its own dump
    assert (error.reason, error.offset, error.path) == ("duplicate key", 7, ("a",))


def test_depth_is_counted_in_arrays_and_objects() -> None:
    assert verdict(b"1", 0) == b""
    assert refused(b"[]", 0).reason == "nested too deeply"
    assert verdict(b'[{"a":[]}]', 3) is not None
    assert refused(b'[{"a":[]}]', 2).offset == 6


@pytest.mark.parametrize("opening", [b"[", b'{"a":', b'[{"key of some length":'])
def test_deep_nesting_needs_no_stack(opening: bytes) -> None:
    deep = opening * 100_000
    assert refused(deep, 64).reason == "nested too deeply"
    # Under a bound that lets it through, it is read to its end, on the heap.
    assert refused(deep, 1_000_000).reason == "unexpected end of the body"
    closing = b"".join({ord("["): b"]", ord("{"): b"}"}[byte] for byte in reversed(opening) if byte in b"[{")
    jsonguard.check(deep + b"0" + closing * 100_000, 1_000_000)


def test_largest_double_passes_and_the_next_rounding_does_not() -> None:
    largest = 2**1024 - 2**971
    tie = 2**1024 - 2**970
    assert verdict(b"%d" % largest) is not None
    assert verdict(b"%d" % (tie - 1)) is not None
    assert verdict(b"-%d" % tie) is None
    digits = str(tie)
    assert verdict(f"{digits[0]}.{digits[1:]}e308".encode()) is None
    assert verdict(f"{digits[0]}.{digits[1:-1]}{int(digits[-1]) - 1}e+308".encode()) is not None
    assert verdict(f"0.000{digits}e4".encode()) is not None
    assert verdict(f"0.000{digits}e312".encode()) is None


@pytest.mark.parametrize("zeros", [400, 5000])
def test_length_alone_does_not_make_a_number_large(zeros: int) -> None:
    assert verdict(b"0." + b"0" * zeros + b"1e%d" % zeros) is not None
    assert verdict(b"0e" + b"9" * zeros) is not None
    assert verdict(b"1e-" + b"9" * zeros) is not None
    assert verdict(b"1e" + b"0" * zeros + b"5") is not None
    assert verdict(b"1e" + b"9" * zeros) is None
    assert verdict(b"1" + b"0" * zeros) is None


@pytest.mark.parametrize("count", [15, 16, 17, 18, 31, 32, 33, 500, 5000])
@pytest.mark.parametrize("nested", [False, True])
def test_a_duplicate_is_found_at_every_size_of_object(count: int, nested: bool) -> None:
    value = '{"key 0":[{"key 1":0}]}' if nested else "0"
    pairs = [f'"key {i}":{value}' for i in range(count)]
    jsonguard.check(("{" + ",".join(pairs) + "}").encode(), 64)
    for i in (0, count // 2, count - 1):
        error = refused(("{" + ",".join([*pairs, f'"key \\u00{ord(str(i)[0]):02x}{str(i)[1:]}":0']) + "}").encode())
        assert (error.reason, error.path) == ("duplicate key", (f"key {i}",))


def test_keys_that_share_length_and_beginning_take_linear_time() -> None:
    pairs = ",".join(f'"prefix that is shared {i:07}":0' for i in range(300_000))
    body = ("{" + pairs + "}").encode()
    began = time.process_time()
    jsonguard.check(body, 64)
    # Linear: some 30 ms. Comparing each key with each would be 45 thousand million comparisons, a minute at the least.
    assert time.process_time() - began < 5


def test_texts_are_unescaped_and_separated() -> None:
    body = rb'{"a\u0062":"x\n\u00e9\ud83d\ude00\/","":[1,"\u0000",null,""]}'
    assert jsonguard.texts(body) == "ab\n\0\nx\né😀/\n\0\n\n\0\n\0\n\0\n\n\0\n".encode()
    assert jsonguard.texts(b'""') == b"\n\0\n"
    assert jsonguard.texts(b"[1, true]") == b""
    assert jsonguard.texts(b"[" + b",".join([b'""'] * 99) + b"]") == b"\n\0\n" * 99


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("prompt_tokens", b""),
        ("completion_tokens_details", b""),
        ("_tokens", b""),
        ("tokens", b"tokens\n\0\n"),
        ("Prompt_tokens", b"Prompt_tokens\n\0\n"),
        ("a1_tokens", b"a1_tokens\n\0\n"),
        ("a_tokens_detail", b"a_tokens_detail\n\0\n"),
        ("a_details", b"a_details\n\0\n"),
        ("_details", b"_details\n\0\n"),
    ],
)
def test_names_of_token_counts_are_no_text(key: str, text: bytes) -> None:
    body = json.dumps({key: 1}).encode()
    assert jsonguard.texts(body) == oracle.texts(body) == text
    # As a value it is a text like any other.
    assert jsonguard.texts(json.dumps([key]).encode()) == key.encode() + b"\n\0\n"


def test_texts_has_a_depth_bound_of_its_own() -> None:
    assert jsonguard.texts(b"[" * 1024 + b"]" * 1024) == b""
    with pytest.raises(jsonguard.GuardError, match="nested too deeply"):
        jsonguard.texts(b"[" * 1025 + b"]" * 1025)


def test_only_bytes_and_a_sane_depth_are_taken() -> None:
    for wrong in (bytearray(b"{}"), memoryview(b"{}"), "{}", None):
        with pytest.raises(TypeError):
            jsonguard.check(wrong, 64)  # type: ignore[arg-type]
        with pytest.raises(TypeError):
            jsonguard.texts(wrong)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="max_depth"):
        jsonguard.check(b"{}", -1)


def test_memory_is_bounded_and_given_back() -> None:
    bodies = [
        b"[" * 5000,
        b'{"\\u0061":' * 5000,
        ("{" + ",".join(f'"{i:x}":0' for i in range(20_000)) + "}").encode(),
        ("{" + ",".join(f'"\\u0061{i:x}":{{"a":"\\n"}}' for i in range(20_000)) + ',"a0":0}').encode(),
    ]
    tracemalloc.start()
    try:
        for body in bodies:
            before, _ = tracemalloc.get_traced_memory()
            tracemalloc.reset_peak()
            verdict(body, 5000)
            gc.collect()
            after, peak = tracemalloc.get_traced_memory()
            assert after - before < 10_000
            # What the reader may take, and the path of the error: a list and a tuple of 5,000 steps, twice.
            assert peak - before < 16 * len(body) + 120 * 5000 + 200_000
    finally:
        tracemalloc.stop()
