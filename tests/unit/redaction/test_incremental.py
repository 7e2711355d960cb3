"""A text in pieces is redacted as the whole is, and nothing of a match is settled before the match is decided."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.redaction import regex
from engine.redaction.incremental import Incremental
from engine.redaction.profile import Profile, compile_profile
from engine.redaction.rule import Rule
from engine.redaction.rules import RULES
from engine.redaction.ruleset import Ruleset, bound_rule, build
from engine.redaction.search import search_of

KEY = bytes(32)
# What hides data; the output hazards have their own tests.
GROUPS = ("pii", "secrets", "private_key")
EXAMPLES = [text for rule in RULES if rule.group in GROUPS for text in rule.examples]


@pytest.fixture(scope="module")
def pack() -> Profile:
    return compile_profile("pack", dict.fromkeys(GROUPS, "mask"), build(), KEY)


def _in_pieces(profile: Profile, pieces: Iterable[bytes]) -> tuple[bytes, dict[str, int], str | None]:
    """What a client puts together, each piece written as soon as it is settled."""
    text = Incremental(profile)
    whole = b""
    out = b""
    at = 0

    def write() -> None:
        nonlocal out, at
        for edit in text.edits:
            out += whole[at : edit.left] + edit.text
            at = edit.right
        text.edits.clear()
        if at < text.settled:
            out += whole[at : text.settled]
            at = text.settled

    for piece in pieces:
        whole += piece
        before = text.settled
        text.feed(piece)
        assert before <= text.settled <= len(whole)
        write()
    text.finish()
    assert text.settled == len(whole)
    write()
    return out, text.findings, text.blocked


def _characters(text: str) -> Iterator[bytes]:
    return (character.encode() for character in text)


def _cut(text: str, *places: int) -> Iterator[bytes]:
    for left, right in zip((0, *places), (*places, len(text)), strict=True):
        yield text[left:right].encode()


@pytest.mark.parametrize("chunk", range(8))
def test_every_example_character_by_character(pack: Profile, chunk: int) -> None:
    for text in EXAMPLES[chunk::8]:
        whole = pack.redact(text.encode())
        assert whole.findings
        assert _in_pieces(pack, _characters(text)) == (whole.text, whole.findings, None)


@pytest.mark.parametrize("chunk", range(8))
def test_every_example_cut_in_two_anywhere_amid_prose(pack: Profile, chunk: int) -> None:
    for example in EXAMPLES[chunk::8]:
        if len(example) > 400:
            continue
        text = f"It says {example} and no more."
        whole = pack.redact(text.encode())
        for place in range(1, len(text), 1 if len(text) < 80 else 7):
            assert _in_pieces(pack, _cut(text, place)) == (whole.text, whole.findings, None)


# Rules that overlap, look around, fold case, repeat and check: what the pack has, in little.
SMALL = (
    Rule("word", "a", r"\bab+\b", 20, "[W]", ("abb",)),
    Rule("value", "a", r"(?i:key)[ =:]{1,3}(\w{2,6})", 20, "[V]", ("key=abc",)),
    Rule("number", "a", r"\b(?:\d[ -]?){3,7}\d\b", 20, "[N]", ("1234",), (), (), lambda text: text.count("1") > 1),
    Rule("line", "a", r"(?m)^#a{0,3}$", 20, "[L]", ("#aa",)),
    Rule("begin", "a", r"\Ab-", 20, "[B]", ("b-",)),
    Rule("end", "a", r"é(?:-a|b)?\z", 20, "[E]", ("é",)),
    Rule("either", "a", r"a-b|a-b-a-b", 20, "[O]", ("a-b",)),
    Rule("inside", "a", r"b-a", 20, "[I]", ("b-a",)),
    Rule("folded", "a", r"(?i)sk-\d{2,3}", 20, "[K]", ("sk-12",)),
    Rule("lazy", "a", r"<.{1,6}?>", 30, "[T]", ("<a>",)),
    Rule("not_there", "a", r"a\B\dé?", 20, "[Z]", ("a1",)),
)
BOUNDED = Ruleset(tuple(map(bound_rule, SMALL)))
ACTIONS = st.lists(st.sampled_from(["mask", "hash", "flag", "off"]), min_size=len(SMALL), max_size=len(SMALL))
PARTS = [
    "a",
    "ab",
    "bb",
    "b-a",
    "a-b",
    " ",
    "key",
    "Key=",
    ":",
    "\u212aey ",
    "1",
    "12",
    "21-",
    "#",
    "\n",
    "\n#aa",
    "<",
    ">",
]
PARTS += ["sk-", "S\u212a-1", "\u017fk-21", "é", "é-a", "a1", "😀", "_"]
TEXTS = st.lists(st.sampled_from(PARTS), max_size=14).map("".join)


@given(TEXTS, ACTIONS, st.lists(st.integers(1, 30), max_size=6, unique=True))
def test_any_text_in_any_pieces(text: str, actions: list[str], places: list[int]) -> None:
    profile = _small(tuple(actions))
    whole = profile.redact(text.encode())
    cuts = sorted(place for place in places if place < len(text))
    expected = (whole.text, whole.findings, whole.blocked)
    assert _in_pieces(profile, _cut(text, *cuts)) == expected
    assert _in_pieces(profile, _characters(text)) == expected


def _small(actions: tuple[str, ...]) -> Profile:
    named = {rule.id: action for rule, action in zip(SMALL, actions, strict=True)}
    return compile_profile("small", named, BOUNDED, KEY)


@given(TEXTS)
def test_both_engines_hold_the_same(text: str) -> None:
    kernel = search_of(BOUNDED.rules).ahead
    data = text.encode()
    joint = [rf"{pattern}\z" for pattern in ("(?:a?b?-?)", "(?i:k?e?y?)")]
    stand_in, compiled = regex.Pyre2Scanner(joint), regex.make_scanner(joint)
    for index in range(len(joint)):
        assert stand_in.tail(index, data) == compiled.tail(index, data)
    assert 0 <= kernel.live_from(data, 0) <= len(data)


def test_a_block_is_known_as_soon_as_it_is_decided() -> None:
    profile = compile_profile("b", {"word": "block"}, BOUNDED, KEY)
    text = Incremental(profile)
    text.feed(b"say ab")
    assert text.blocked is None
    assert text.settled == len("say ")
    text.feed(b" now")
    assert text.blocked == "word"


def test_prose_waits_for_its_word_only(pack: Profile) -> None:
    text = Incremental(pack)
    prose = b"The tide comes in twice a day, and the moon is the reason why it does so. " * 20
    held = []
    for at in range(0, len(prose), 4):
        text.feed(prose[at : at + 4])
        held.append(min(at + 4, len(prose)) - text.settled)
    assert sorted(held)[len(held) // 2] <= 8
    assert max(held) <= 40


def test_what_is_held_is_bounded(pack: Profile) -> None:
    # Letters without an end: an email address takes 64 of them before its @, and that is where a match begins.
    text = Incremental(pack)
    for _ in range(200):
        text.feed(b"abcdefghijklmnop")
    assert 200 * 16 - text.settled <= 128
