"""The leads of a pattern: each match begins with one, and has one of the literals in it."""

from __future__ import annotations

import pytest

from engine.redaction import regex
from engine.redaction.leads import FOLDED, leads_of
from engine.redaction.rule import Rule
from engine.redaction.rules import RULES


@pytest.mark.parametrize(
    ("pattern", "literals"),
    [
        ("abc[0-9]{4}", {"abc"}),
        ("(?i)Sk-[0-9]{4}", {"sk-"}),
        (r"\bgh[pou]_\w{36}", {"ghp", "gho", "ghu"}),
        ("(?:ab|cd)e", {"abe", "cde"}),
        ("ab?c{2}d", {"abcc", "acc"}),
        (r"[a-z]{1,9}://", {"://"}),
        (r"-{5}BEGIN", {"-----"}),
        ("(?:foo\\d{1,3}x|barbar)end", {"end"}),
        ("(?:foo\\d{1,3}x|barbar)[a-z]{60}end", {"foo", "bar"}),
        (r"a{3,9}b", {"aaa"}),
        (r"\d{3}-\d{2}", set()),
        ("é{3}", set()),
    ],
)
def test_literals(pattern: str, literals: set[str]) -> None:
    found = leads_of(pattern)
    assert set(found.literals) == literals


def test_a_pattern_without_a_literal_is_its_own_lead() -> None:
    assert leads_of(r"\d+\w").patterns == (r"\d+\w",)


@pytest.mark.parametrize("rule", [rule for rule in RULES if rule.pattern], ids=lambda rule: rule.id)
def test_every_match_of_the_pack_begins_with_a_lead(rule: Rule) -> None:
    leads = leads_of(rule.pattern)
    whole = regex.make_scanner([rule.pattern])
    scanner = regex.make_scanner(leads.patterns)
    for example in rule.examples:
        data = example.encode()
        place = whole.find(0, data)
        assert place is not None
        places = [scanner.find(index, data, place[0]) for index in range(len(leads.patterns))]
        assert place[0] in [found[0] for found in places if found is not None]
        if leads.literals and not any(form in data for form in FOLDED):
            assert any(literal.encode() in data[place[0] :].lower() for literal in leads.literals)
