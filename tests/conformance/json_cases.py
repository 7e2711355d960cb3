"""JSON bodies that two parsers could read in two ways, each with what becomes of it.

`PASSED`: forwarded, byte for byte. `REFUSED`: 400, and nothing goes upstream. Every case is made of a template that
passes with an honest value in its place (`TWINS`), so that what is refused is refused for the oddity alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple


class Case(NamedTuple):
    name: str
    body: bytes


MESSAGES = b'"messages":[{"role":"user","content":"hi"}]'


def chat(more: bytes = b"", messages: bytes = MESSAGES) -> bytes:
    """A chat request; `more` follows, with its comma."""
    return b'{"model":"m",' + messages + more + b"}"


def metadata(value: bytes) -> bytes:
    """With `value` where any JSON may stand."""
    return chat(b',"extra":' + value)


def content(text: bytes) -> bytes:
    """With `text` between the quotes of a message."""
    return chat(messages=b'"messages":[{"role":"user","content":"' + text + b'"}]')


TWINS = [chat(), metadata(b"1"), content(b"hi"), metadata(b'{"a":[1,{"b":"c"}]}'), chat(b',"stream":false')]


def _duplicates() -> Iterator[Case]:
    """Each field that decides something, twice, spelled in every way that reads the same."""
    for field, one, two in (
        (b"model", b'"m"', b'"other"'),
        (b"stream", b"false", b"true"),
        (b"n", b"1", b"99"),
        (b"max_tokens", b"1", b"99999"),
        (b"max_completion_tokens", b"1", b"99999"),
        (b"tools", b"[]", b'[{"type":"function","function":{"name":"f"}}]'),
        (b"logprobs", b"false", b"true"),
        (b"logit_bias", b"null", b'{"1":100}'),
        (b"user", b'"a"', b'"b"'),
        (b"messages", b"[]", b'[{"role":"system","content":"x"}]'),
    ):
        spellings = [
            field,
            b"\\u%04x" % field[0] + field[1:],
            field[:-1] + b"\\u%04X" % field[-1],
            b"".join(b"\\u%04x" % byte for byte in field),
        ]
        base = b'{"model":"m",' + MESSAGES
        # What the base has already stands twice with one more.
        values = (two,) if field in (b"model", b"messages") else (one, two)
        for number, spelling in enumerate(spellings):
            pairs = b"".join(b',"' + (field if i else spelling) + b'":' + value for i, value in enumerate(values))
            yield Case(f"twice-{field.decode()}-{number}", base + pairs + b"}")
            reversed_ = b"".join(b',"' + (spelling if i else field) + b'":' + v for i, v in enumerate(reversed(values)))
            yield Case(f"twice-reversed-{field.decode()}-{number}", base + reversed_ + b"}")
    yield Case("twice-the-same-value", chat(b',"n":1,"n":1'))
    yield Case("twice-empty-key", metadata(b'{"":1,"":2}'))
    yield Case("twice-nul-key", metadata(b'{"\\u0000":1,"\\u0000":2}'))
    yield Case("twice-escaped-slash", metadata(b'{"a/b":1,"a\\/b":2}'))
    yield Case("twice-astral", metadata('{"😀":1,"\\ud83d\\ude00":2}'.encode()))
    yield Case("twice-latin", metadata('{"é":1,"\\u00e9":2}'.encode()))
    yield Case("twice-apart", metadata(b"{" + b",".join(b'"k%d":0' % i for i in range(40)) + b',"k0":1}'))
    yield Case("twice-apart-escaped", metadata(b"{" + b",".join(b'"k%d":0' % i for i in range(40)) + b',"k\\u0030":1}'))
    for depth in (1, 2, 3, 5, 8, 13, 21, 34, 55):
        inner = b'{"role":1,"role":2}'
        yield Case(f"twice-in-objects-{depth}", metadata(b'{"a":' * depth + inner + b"}" * depth))
        yield Case(f"twice-in-arrays-{depth}", metadata(b"[" * depth + inner + b"]" * depth))
    for place in (b'"role":"user","role":"system","content":"a"', b'"role":"user","content":"a","content":"b"'):
        yield Case(f"twice-in-message-{place!r}", chat(messages=b'"messages":[{' + place + b"}]"))
    function = b'"tools":[{"type":"function","function":{"name":"f","name":"g"}}]'
    yield Case("twice-in-a-tool", chat(b"," + function))


def _numbers() -> Iterator[Case]:
    for text in (
        b"NaN", b"-NaN", b"nan", b"Infinity", b"-Infinity", b"+Infinity", b"inf", b"1e309", b"-1e309", b"1e999999999", b"1e400",
        b"9" * 400, b"-" + b"9" * 400, b"01", b"-01", b"00", b"1.", b".1", b"-.1", b"1e", b"1e+", b"1E-", b"+1", b"--1", b"- 1",
        b"1 2", b"0x10", b"0b1", b"0o7", b"1_000", b"1,000", b"1.2.3", b"1e1.5", b"1e1e1", b"-", b"1d", b"1f", b"0e", b"1.e1",
        "\u0661".encode(), b"1\x00", b"1/2", b"1e309.0", b"1" + b"0" * 309, b"Infinity1", b"-e1", b"0.e1",
        b"1a", b"1L", b"1n", b"\xef\xbc\x91", b"2e308", b"-2e308", b"179769313486231580793e289",
    ):  # fmt: skip
        yield Case(f"number-{text[:20]!r}-{len(text)}", metadata(text))
        yield Case(f"n-{text[:20]!r}-{len(text)}", chat(b',"n":' + text))


def _strings() -> Iterator[Case]:
    for text in (
        b"\\ud800", b"\\udc00", b"\\udbff", b"\\udfff", b"\\ud800\\ud800", b"\\udc00\\ud800", b"\\ud800x", b"\\ud800\\n",
        b"\\ud800\\u0041", b"\\uD83D", b"\\uD83D\\", b"\\ud83d\\u", b"\\ud83d\\ude0", b"\\u", b"\\u1", b"\\u12", b"\\u123",
        b"\\u123g", b"\\uzzzz", b"\\u 123", b"\\u+123", b"\\u-123", b"\\U00000041", b"\\x41", b"\\0", b"\\1", b"\\a", b"\\v",
        b"\\'", b"\\e", b"\\ ", b"\\N", b"\\B", b"\\\n", b"\\\xc3\xa9", b"\x00", b"\x01", b"\x08", b"\t", b"\n", b"\r", b"\x1f",
        b"\x80", b"\xff", b"\xfe", b"\xc0\x80", b"\xc1\xbf", b"\xe0\x80\x80", b"\xe0\x9f\xbf", b"\xf0\x80\x80\x80",
        b"\xed\xa0\x80", b"\xed\xbf\xbf", b"\xed\xa0\xbd\xed\xb8\x80", b"\xf4\x90\x80\x80", b"\xf5\x80\x80\x80",
        b"\xf8\x88\x80\x80\x80", b"\xfc\x84\x80\x80\x80\x80", b"\xc3", b"\xe2\x82", b"\xf0\x9f\x98", b"\xc3(", b"\xe2(\xa1",
        b"\xe2\x82(", b"\xf0(\x8c\xbc", b"\xf0\x90(\xbc", b"\xbf", b"a\xcc",
    ):  # fmt: skip
        yield Case(f"string-{text!r}", content(text))
    for key in (b"\\ud800", b"\xff", b"\\x61", b"a\x00", b"\xc0\xae", b"\n"):
        yield Case(f"key-{key!r}", metadata(b'{"' + key + b'":1}'))


def _texts() -> Iterator[Case]:
    whole = chat()
    for name, body in {
        "bom-utf-8": b"\xef\xbb\xbf" + whole,
        "bom-inside": b" \xef\xbb\xbf" + whole,
        "bom-behind": whole + b"\xef\xbb\xbf",
        "utf-16-le": whole.decode().encode("utf-16-le"),
        "utf-16-be": whole.decode().encode("utf-16-be"),
        "utf-16-bom": whole.decode().encode("utf-16"),
        "utf-32": whole.decode().encode("utf-32"),
        "utf-32-le": whole.decode().encode("utf-32-le"),
        "utf-7": b"+AHs-",
        "gzip": b"\x1f\x8b\x08\x00",
        "latin-1": b'{"model":"m","messages":[{"role":"user","content":"\xe9"}]}',
        "empty": b"",
        "space": b" \n",
        "two-values": whole + whole,
        "two-values-line": whole + b"\n" + whole,
        "trailing-comma": whole + b",",
        "trailing-brace": whole + b"}",
        "trailing-bracket": whole + b"]",
        "trailing-nul": whole + b"\x00",
        "trailing-text": whole + b"x",
        "trailing-null": whole + b"null",
        "leading-comma": b"," + whole,
        "leading-text": b"x" + whole,
        "leading-prefix": b")]}',\n" + whole,
        "for-prefix": b"for(;;);" + whole,
        "comment-line": b"// a\n" + whole,
        "comment-block": b"/* a */" + whole,
        "comment-inside": whole.replace(b",", b",/* a */", 1),
        "comment-behind": whole + b"// a",
        "comment-hash": b"# a\n" + whole,
        "form": b"model=m&messages=a",
        "jsonp": b"f(" + whole + b")",
        "sequence": b"\x1e" + whole + b"\n",
        "whitespace-vt": b"\x0b" + whole,
        "whitespace-ff": b"\x0c" + whole,
        "whitespace-nbsp": b"\xc2\xa0" + whole,
        "whitespace-ls": b"\xe2\x80\xa8" + whole,
        "whitespace-nel": b"\xc2\x85" + whole,
        "single-quotes": whole.replace(b'"', b"'"),
        "smart-quotes": whole.decode().replace('"', "\u201c").encode(),
        "bare-keys": whole.replace(b'"model"', b"model"),
        "equals": whole.replace(b":", b"=", 1),
        "arrow": whole.replace(b":", b"=>", 1),
        "semicolon": whole.replace(b",", b";", 1),
        "missing-comma": whole.replace(b",", b" ", 1),
        "missing-colon": whole.replace(b":", b" ", 1),
        "double-comma": whole.replace(b",", b",,", 1),
        "double-colon": whole.replace(b":", b"::", 1),
        "object-comma": whole[:-1] + b",}",
        "array-comma": whole.replace(b"]", b",]"),
        "array-leading-comma": whole.replace(b"[", b"[,"),
        "cut": whole[:-1],
        "cut-in-a-string": whole[:-6],
        "mismatched": whole[:-1] + b"]",
        "array": b"[" + whole + b"]",
        "string": b'"' + b"m" + b'"',
        "number": b"1",
        "null": b"null",
        "nothing": b"{}",
        "key-is-a-number": chat(b",1:2"),
        "key-is-null": chat(b",null:2"),
        "key-is-an-array": chat(b",[]:2"),
        "key-alone": chat(b',"a"'),
        "value-alone": chat(b",:1"),
    }.items():
        yield Case(f"text-{name}", body)
    for word in (b"True", b"False", b"None", b"NULL", b"nul", b"tru", b"truee", b"undefined", b"t", b"nil", b"yes"):
        yield Case(f"word-{word!r}", metadata(word))
    for depth in (64, 100, 1000, 10_000):
        yield Case(f"deep-arrays-{depth}", metadata(b"[" * depth + b"]" * depth))
        yield Case(f"deep-objects-{depth}", metadata(b'{"a":' * depth + b"1" + b"}" * depth))
        yield Case(f"deep-open-{depth}", metadata(b"[" * depth))


def _confusions() -> Iterator[Case]:
    """Types that a lax reader would turn into what decides something."""
    for field, values in {
        b"stream": (b'"true"', b"1", b'"false"', b"0", b"[]", b"{}", b'""'),
        b"n": (b'"1"', b"1.5", b"true", b"[1]", b"0", b"-1", b"1e2", b"129"),
        b"max_tokens": (b'"9"', b"0.5", b"-1", b"true", b"{}", b"1e-1"),
        b"tools": (b'"[]"', b"{}", b"1", b"[1]", b'["a"]', b"[null]"),
        b"logprobs": (b'"true"', b"1", b"5"),
        b"top_logprobs": (b'"5"', b"1.5", b"21", b"-1"),
        b"temperature": (b'"1"', b"true", b"[]", b"3"),
    }.items():
        for value in values:
            yield Case(f"type-{field.decode()}-{value!r}", chat(b',"' + field + b'":' + value))
    for value in (b"1", b"null", b'["m"]', b"{}", b'""', b"true"):
        yield Case(f"type-model-{value!r}", b'{"model":' + value + b"," + MESSAGES + b"}")


def _passed() -> Iterator[Case]:
    for text in (
        b"0", b"-0", b"0.0", b"-0.0", b"-0e0", b"1e308", b"1.7976931348623157e308", b"1e-400", b"5e-324", b"0e999999", b"1E5",
        b"1e+5", b"123456789012345678901234567890", b"9007199254740993", b"0.1", b"1.0", b"1e-2", b"18446744073709551616",
        b"-9223372036854775809", b"0.30000000000000004", b"1" + b"0" * 308, b"[]", b"{}", b'""', b"true", b"false", b"null",
        b"[[[[[[]]]]]]", b'{"":{"":{}}}', b"[1,2]", b'{"a":1,"b":1}', b'{"a":1,"A":2}', b'{"a":1,"a ":2}', b'{"a":{"a":{"a":1}}}',
        b"[{},{}]", b'[{"a":1},{"a":1}]', b"[" * 60 + b"]" * 60,
    ):  # fmt: skip
        yield Case(f"value-{text[:24]!r}-{len(text)}", metadata(text))
    for text in (
        b"", b"\\u0000", b"\\u0041", b"\\ud83d\\ude00", b"\\uD83D\\uDE00", b"\\u00e9", b'\\"', b"\\\\", b"\\/", b"/", b"\\b\\f\\n\\r\\t",
        "é€😀".encode(), "\U0010ffff".encode(), "\u200b\u202e\ufeff".encode(), b"\x7f", b"\\u007f", b"\\uffff", b"\\ufffe",
        "\ue000".encode(), b"\\u2028", b"//", b"/* a */", b"'", b"NaN", b'{\\"model\\":\\"x\\"}', "e\u0301".encode(), b"\\\\u0041",
    ):  # fmt: skip
        yield Case(f"text-{text!r}", content(text))
    spaced = b' \t\r\n{ "model" :\t"m" ,\r\n' + MESSAGES + b" }\n \t"
    yield Case("space-everywhere", spaced)
    yield Case("escaped-key", b'{"m\\u006fdel":"m",' + MESSAGES + b"}")
    yield Case("escaped-model", b'{"model":"\\u006d",' + MESSAGES + b"}")
    yield Case("case-differs", chat(b',"Model":"other","STREAM":true'))
    yield Case("composed-and-decomposed", metadata('{"é":1,"e\u0301":2}'.encode()))
    yield Case("fields-in-another-order", b"{" + MESSAGES + b',"model":"m"}')
    yield Case("many-keys", metadata(b"{" + b",".join(b'"k%d":%d' % (i, i) for i in range(2000)) + b"}"))


REFUSED: list[Case] = [*_duplicates(), *_numbers(), *_strings(), *_texts(), *_confusions()]
PASSED: list[Case] = [*[Case(f"twin-{i}", body) for i, body in enumerate(TWINS)], *_passed()]
