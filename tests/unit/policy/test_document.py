"""YAML into values: what is read, what is refused, and where."""

from __future__ import annotations

import pytest

from engine.policy import document
from engine.policy.document import PolicyError, parse_document, resolve, show_path


def parse(text: str, **environ: str) -> object:
    return parse_document(text, "test.yaml", environ).value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("true", True),
        ("False", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("12", 12),
        ("-3", -3),
        ("0", 0),
        ("1.5", 1.5),
        ("2e3", 2000.0),
        ("off", "off"),
        ("no", "no"),
        ("yes", "yes"),
        ("010", "010"),
        ("0x1f", "0x1f"),
        ("1_000", "1_000"),
        ("12:30", "12:30"),
        ("1e999", "1e999"),
        (".inf", ".inf"),
        ("2024-01-01", "2024-01-01"),
        ("9" * 40, "9" * 40),
        ("tRuE", "tRuE"),
    ],
)
def test_plain_scalars(text: str, value: object) -> None:
    assert resolve(text) == value
    assert type(resolve(text)) is type(value)


def test_quoted_scalars_are_text() -> None:
    assert parse("a: '12'\nb: \"true\"\nc: |\n  12\n") == {"a": "12", "b": "true", "c": "12\n"}


def test_keys_are_text() -> None:
    assert parse("4: a\ntrue: b\noff: c\n") == {"4": "a", "true": "b", "off": "c"}


def test_lines_are_known_by_path() -> None:
    tree = parse_document("a:\n  b:\n    - x\n    - y: 1\n      z: 2\n", "test.yaml", {})
    assert tree.line(("a", "b", 0)) == 3
    assert tree.line(("a", "b", 1, "z")) == 5
    assert tree.line(("a", "b", 7, "nowhere")) == 2
    assert tree.line(("nowhere",)) == 1


@pytest.mark.parametrize(
    ("text", "environ", "value"),
    [
        ("a: ${X}", {"X": "1"}, "1"),
        ("a: ${X:-d}", {}, "d"),
        ("a: ${X:-d}", {"X": ""}, "d"),
        ("a: ${X:-}", {}, ""),
        ("a: ${X}", {"X": ""}, ""),
        ("a: p-${X}-${Y:-y}-s", {"X": "x"}, "p-x-y-s"),
        ("a: '${X}'", {"X": "x: {y: [z]}\n- \"'"}, "x: {y: [z]}\n- \"'"),
        ("a: ${X}", {"X": "${Y}", "Y": "no"}, "${Y}"),
        ("a: '$${X}'", {"X": "1"}, "${X}"),
        ("a: $X", {"X": "1"}, "$X"),
        ("a: x$", {}, "x$"),
        ("a: ${X:-http://h:1/v1}", {}, "http://h:1/v1"),
    ],
)
def test_substitution(text: str, environ: dict[str, str], value: str) -> None:
    assert parse(text, **environ) == {"a": value}


def test_comments_and_keys_are_not_substituted() -> None:
    assert parse("# ${NOT_SET}\n'${A}': 1\n") == {"${A}": 1}


@pytest.mark.parametrize(
    ("text", "line", "path", "reason"),
    [
        ("a: 1\nb: 2\na: 3\n", 3, "a", "stands twice; the first is in line 1"),
        ("a:\n  - b: 1\n    b: 2\n", 3, "a[0].b", "stands twice"),
        ("a: 1\nb: ${NOT_SET}\n", 2, "b", "the environment has no NOT_SET"),
        ("a: '${not a name}'\n", 1, "a", "begins no ${NAME}"),
        ("a: '${'\n", 1, "a", "begins no ${NAME}"),
        ("a: !!python/object:os.system x\n", 1, "a", "the tag"),
        ("a: !env X\n", 1, "a", "the tag"),
        ("b: &x {c: 1}\na:\n  <<: *x\n", 3, "a", "merge keys"),
        ("? [a]\n: 1\n", 1, "", "a key is plain text"),
        ('"a\\x01b": 1\n', 1, "", "control character"),
        ("a: [1, 2\nb: 3\n", 2, "", "is not YAML"),
        ("a: *nowhere\n", 1, "", "is not YAML"),
        ("a: 1\n---\nb: 2\n", 2, "", "is not YAML"),
        ("\tb: 2\n", 1, "", "is not YAML"),
        ("", 0, "", "is empty"),
        ("# nothing\n", 0, "", "is empty"),
        ("a: \x07\n", 0, "", "is not YAML"),
        ("[" * 100_000 + "]" * 100_000, 1, "", "more than 32 deep"),
        ("- " * 100_000, 1, "", "more than 32 deep"),
        ("{a: " * 100_000, 1, "", "more than 32 deep"),
        ("[" * 40 + "]" * 40, 1, "", "more than 32 deep"),
    ],
)
def test_refused_with_line_path_and_reason(text: str, line: int, path: str, reason: str) -> None:
    with pytest.raises(PolicyError) as caught:
        parse(text)
    assert (caught.value.line, caught.value.path) == (line, path)
    assert reason in caught.value.reason
    assert str(caught.value).startswith(f"test.yaml:{line}: " if line else "test.yaml: ")


def test_anchors_are_counted_as_often_as_they_are_used(monkeypatch: pytest.MonkeyPatch) -> None:
    assert parse("a: &x [1, 2]\nb: *x\n") == {"a": [1, 2], "b": [1, 2]}
    monkeypatch.setattr(document, "MAX_VALUES", 1000)
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 9)]
    with pytest.raises(PolicyError, match="more than 1000 values"):
        parse("\n".join(lines))


def test_an_anchor_inside_itself_is_refused() -> None:
    with pytest.raises(PolicyError):
        parse("a: &x [*x]\n")


def test_length_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(document, "MAX_TEXT", 10)
    with pytest.raises(PolicyError, match="longer than 10 characters"):
        parse("a: 12345678901")


def test_paths_read_as_they_are_written() -> None:
    assert show_path(("roles", "analyst", "endpoints", 0)) == "roles.analyst.endpoints[0]"
    assert show_path(()) == ""
