"""Where the digits of a pattern stand: derived, then held against what RE2 matches."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine._fast.prefilter import LED, LOOSE, STRICT
from engine.redaction.clusters import Cluster, Run, first_cluster, run_of
from engine.redaction.rule import Rule
from engine.redaction.ruleset import places
from engine.redaction.search import search_of

_ATOMS = st.sampled_from(
    [
        "a",
        "[A-Z]",
        "[A-Z0-9]",
        r"\d",
        r"\d",
        r"[0-9]{3}",
        r"\.",
        "[ -]",
        "[ ./-]?",
        "é",
        r"\b",
        "x{2,5}",
        r"\w",
        ",",
        r"\(",
    ]
)
PATTERNS = st.recursive(
    st.lists(_ATOMS, min_size=1, max_size=5).map("".join),
    lambda inner: st.one_of(
        st.lists(inner, min_size=2, max_size=3).map(lambda options: f"(?:{'|'.join(options)})"),
        st.tuples(inner, st.sampled_from(["?", "{2}", "{1,3}", "{0,2}", "{4,9}"])).map(
            lambda pair: f"(?:{pair[0]}){pair[1]}"
        ),
        st.lists(inner, min_size=2, max_size=3).map("".join),
    ),
    max_leaves=6,
)
TEXTS = st.text(alphabet="aAZxk .-(,0123456789é\u212a", max_size=60)


FAR = 1 << 20


def _rule(pattern: str) -> Rule:
    return Rule("own", "custom", pattern, 1000, "[OWN]", ())


@settings(max_examples=500, derandomize=True, deadline=None)
@given(PATTERNS, st.lists(TEXTS, min_size=1, max_size=4), st.booleans(), st.integers(0, 9))
def test_a_search_in_the_regions_finds_what_a_search_in_all_text_finds(
    pattern: str, texts: list[str], folds: bool, start: int
) -> None:
    rule = _rule(f"(?i){pattern}" if folds else pattern)
    search = search_of((rule,))
    for text in texts:
        data = text.encode()
        begin = len(text[:start].encode())
        found = [
            place
            for index, left, right, _ in search.candidates(data, begin)
            for place in places(rule, search.scanner, index, data, left, right)
        ]
        assert found == list(places(rule, search.scanner, 0, data, begin))


@pytest.mark.parametrize(
    ("pattern", "cluster"),
    [
        (r"\d{3}-\d{2}-\d{4}", Cluster(9, 0, 0, False, 3, 3)),
        (r"\b[A-Z]{2}\d{2}(?:[ -]?[A-Z0-9]{4}){3}", Cluster(2, 2, None, True, 2, 1)),
        (r"\+\d{1,3}(?: \d{3}){2}", Cluster(7, 1, 0, False, 1, 3)),
        (r"(?:\d{1,3}\.){3}\d{1,3}", Cluster(4, 0, 0, False, 1, 4)),
        (r"\d{2},\d{3}", Cluster(2, 0, None, False, 2, 1)),
        (r"[A-Z]\d{8}[A-Z]", Cluster(8, 1, 1, True, 8, 1)),
        (r"\d{4}|[A-Z]\d{6}", Cluster(4, 1, 0, False, 4, 1)),
        (r"\d?abc", None),
        (r"[A-Z0-9]{8}", None),
        ("abc", None),
    ],
)
def test_first_cluster(pattern: str, cluster: Cluster | None) -> None:
    assert first_cluster(pattern) == cluster


@pytest.mark.parametrize(
    ("pattern", "run"),
    [
        (r"\b[13][1-9A-HJ-NP-Za-km-z]{25,34}\b", Run(26, 35)),
        (r"\b[a-z]{4}-[a-z]{6}\b", Run(6, FAR)),
        ("[a-z]{6}", Run(6, FAR)),
        (r"(?i)[a-z]{20}", None),
        (r"\w{20}", None),
        ("(?:ab|cd){10}", None),
        ("abc[0-9]{3}", Run(6, FAR)),
    ],
)
def test_the_run_of_a_pattern(pattern: str, run: Run | None) -> None:
    assert run_of(pattern) == run


def test_a_run_that_is_all_of_a_match_is_not_searched_where_it_is_longer() -> None:
    search = search_of((_rule(r"\b[A-Z]{4}[0-9A-Z]{14}\b"),))
    for size, found in ((17, False), (18, True), (19, False)):
        assert bool(search.candidates(b"a, " + b"A" * size + b", c")) == found, size
    # More runs than are told apart: the last ones are looked at all the same.
    text = b"A" * 19 + b" " + (b"B" * 17 + b" ") * 99 + (b"C" * 30 + b" ") * 99 + b"D" * 18
    _, left, right, _ = search.candidates(text)[-1]
    assert left <= len(text) - 18
    assert right == len(text)


def test_what_numbers_of_a_text_are_looked_at() -> None:
    text = b"In 2024 some 40,000 rows (3.14 percent) took 0.5 s; v2.10, 1. and 2. did not; SHA256 no, 555-12-3456 is."
    search = search_of((_rule(r"\b\d{3}-\d{2}-\d{4}\b"), _rule(r"\b[A-Z]\d{8}\b")))
    at = text.index(b"555")
    assert search.prefilter.regions(text) == ([], [(at, at + 11)])
    assert (LOOSE, STRICT, LED) == (0, 1, 2)


def test_rules_too_large_together_are_searched_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    from engine.redaction import search as module
    from engine.redaction.regex import RegexError

    def refusing(patterns: list[str]) -> None:
        raise RegexError(len(patterns) - 1, "too large together")

    rules = (_rule(r"\d{9}"), _rule(r"[A-Z]\d{8}"))
    assert [index for index, *_ in search_of.__wrapped__(rules).candidates(b"a number: 123456789")] == [0]
    monkeypatch.setattr(module, "make_together", refusing)
    found = search_of.__wrapped__(rules)
    assert [index for index, *_ in found.candidates(b"a number: 123456789")] == [0, 1]
    assert found.candidates(b"a number: 1234") == []
