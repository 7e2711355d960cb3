"""The quality of the default profile keeps to its floors, and the score can tell good from bad."""

from __future__ import annotations

from itertools import islice

import pytest

from benchmarks.quality import corpus
from benchmarks.quality.corpus import Sample
from benchmarks.quality.main import ALARM_CEILING, RECALL_FLOOR, default_profile
from benchmarks.quality.score import score
from engine.redaction.profile import Profile, compile_profile
from engine.redaction.ruleset import build


@pytest.fixture(scope="module")
def profile() -> Profile:
    return default_profile()


def test_values_of_fixed_form_are_found(profile: Profile) -> None:
    total = score(profile, corpus.fixed(36))
    assert len(total.kinds) >= 60
    assert {kind.kind: kind.missed for kind in total.kinds.values() if kind.recall < RECALL_FLOOR} == {}
    exact = sum(kind.exact for kind in total.kinds.values()) / sum(kind.count for kind in total.kinds.values())
    assert exact >= RECALL_FLOOR


def test_values_that_a_name_gives_away_are_found(profile: Profile) -> None:
    total = score(profile, corpus.named(30))
    assert {kind.kind: kind.missed for kind in total.kinds.values() if kind.recall < 0.9} == {}


def test_clean_text_raises_hardly_an_alarm(profile: Profile) -> None:
    total = score(profile, corpus.negatives(2000))
    assert total.alarm_rate <= ALARM_CEILING, total.alarms


@pytest.mark.parametrize(
    "text",
    [
        "OID 1.3.6.1.4.1.311 of version 2.4.1.0",
        "10 20 30 40 50 60 70 80 90 100",
        "std::vector<int> a::b::c dead::beef",
        "icon@2x.png, git@github.com:org/repo.git, lodash@4.17.21",
        "ISBN 978-3-091-96547-2 and 978-9-050-43367-9",
        "mobile traffic rose to 12 345 678 visits",
        "the security code review of 1234 lines",
        "Your account will be closed on 31 December 2024.",
        "the license no 2.0 of January 2004",
    ],
)
def test_what_only_looks_like_it_is_left_alone(profile: Profile, text: str) -> None:
    assert score(profile, [Sample(text)]).alarms == {}


def test_the_corpus_is_the_same_every_time() -> None:
    assert list(corpus.fixed(2)) == list(corpus.fixed(2))
    assert list(corpus.negatives(50)) == list(corpus.negatives(50))
    assert list(corpus.fixed(2)) != list(corpus.fixed(2, seed=9))
    for sample in (*corpus.fixed(3), *corpus.named(3)):
        assert 0 <= sample.start < sample.end <= len(sample.text)


def test_the_score_counts() -> None:
    email = compile_profile("email", {"email": "mask"}, build(), bytes(32))
    samples = [
        Sample("mail jane@example.com now", "email", 5, 21),
        Sample("mail jane@example.com now", "half", 0, 21),
        Sample("call 4155552671", "phone", 5, 15),
        Sample("clean"),
        Sample("not so clean: bob@example.com"),
    ]
    total = score(email, samples)
    assert [(kind.kind, kind.covered, kind.exact) for kind in total.kinds.values()] == [
        ("email", 1, 1),
        ("half", 0, 0),
        ("phone", 0, 0),
    ]
    assert (total.rules["email"].true, total.rules["email"].false) == (2, 1)
    assert (total.clean, total.alarmed, total.alarm_rate) == (2, 1, 0.5)
    assert list(islice(corpus.negatives(1), 1)) == [Sample("The tide comes in twice a day, and the boats wait for it.")]
