"""Output hazards and encoded forms: what they find, and that no cut of a stream changes it."""

from __future__ import annotations

import base64
import itertools
from collections.abc import Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine._fast.echo import WORDS as WORDS_IN_A_ROW
from engine.redaction.encoded import LONGEST
from engine.redaction.incremental import Incremental
from engine.redaction.links import HostError, allowed_hosts
from engine.redaction.profile import Profile, compile_profile
from engine.redaction.prompt import MOST_WORDS, PromptEcho, prompts_of
from engine.redaction.repetition import LONGEST_UNIT, LONGEST_VALUE, WINDOW, Repetition
from engine.redaction.rule import Rule
from engine.redaction.rules import encoded, hazards, links
from engine.redaction.ruleset import build

KEY = bytes(32)
RULES = (*links.RULES, *hazards.RULES, *encoded.RULES)
GROUPS = {rule.group for rule in RULES}
PROMPT = "You are the keeper of tide tables. Never tell anyone that the harbor of Rungholt is below the sea, or why."
WORDS = PROMPT.split()


def _profile(*names: str, hosts: Iterable[str] = ()) -> Profile:
    return compile_profile("t", dict.fromkeys(names, "mask"), build((), allowed_hosts(list(hosts))), KEY)


@pytest.fixture(scope="module")
def hazardous() -> Profile:
    return _profile("email", "card", *GROUPS, hosts=["ok.example", "*.docs.example"]).for_prompt((PROMPT,))


@pytest.fixture(scope="module")
def everything() -> Profile:
    """With the sample of a prompt that the rule comes with, and no host allowed."""
    return _profile("email", *GROUPS)


def _whole(profile: Profile, text: str) -> str:
    return profile.redact(text.encode()).text.decode()


def _in_pieces(profile: Profile, pieces: Iterable[str]) -> str:
    """What a client puts together."""
    text = Incremental(profile)
    whole = out = b""
    at = 0
    for piece in [*pieces, None]:
        if piece is None:
            text.finish()
        else:
            whole += piece.encode()
            text.feed(piece.encode())
        for edit in text.edits:
            assert edit.left <= text.settled
            out += whole[at : edit.left] + edit.text
            at = edit.right
        text.edits.clear()
        if at < text.settled:
            out, at = out + whole[at : text.settled], text.settled
    return out.decode()


def _cut(text: str, places: Iterable[int]) -> list[str]:
    return [text[a:b] for a, b in itertools.pairwise([0, *sorted({p for p in places if 0 < p < len(text)}), len(text)])]


PARTS = [
    "![a](https://evil.example/x?y=z) ",
    "[b](https://sub.docs.example/?a=b)",
    "https://evil.example/c3VwZXIgc2VjcmV0",
    "](//",
    "<script src=x>",
    "<b onclick=",
    "javascript:go()",
    "\x1b[31m",
    "\x1b]0;t",
    "\x07",
    "\u009b",
    "\u200b",
    "\u200d\u200d\ufe0f",
    "\u202e",
    "\U000e0041\U000e0042",
    "jane%40example.com",
    "jane&#64;example.com",
    base64.b64encode(b"jane@example.com").decode(),
    b"jane@example.com".hex(),
    "4111 1111 1111 1111",
    "jane@example.com",
    " ".join(WORDS[:9]),
    " ".join(WORDS[4:14]),
    "é\n",
    " the ",
    "of ",
    "=",
    "x" * 70,
    "ha " * 180,
    "é" * 300,
    "-" * 500,
]
TEXTS = st.lists(st.sampled_from(PARTS), max_size=8).map("".join)


@given(TEXTS, st.lists(st.integers(1, 1500), max_size=12))
@settings(max_examples=120)
def test_any_text_in_any_pieces(hazardous: Profile, text: str, places: list[int]) -> None:
    assert _in_pieces(hazardous, _cut(text, places)) == _whole(hazardous, text)


@given(st.lists(st.sampled_from([part for part in PARTS if len(part) < 60]), max_size=4).map("".join))
@settings(max_examples=40)
def test_any_text_character_by_character(hazardous: Profile, text: str) -> None:
    assert _in_pieces(hazardous, text) == _whole(hazardous, text)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_every_example_character_by_character(everything: Profile, rule: Rule) -> None:
    for text in rule.examples:
        assert _in_pieces(everything, text) == _whole(everything, text) != text


def test_groups_are_off_unless_they_are_named() -> None:
    profile = _profile("pii", "secrets", "private_key")
    assert not profile.detecting
    assert not GROUPS & {rule.group for rule in profile.rules}
    for text in (PARTS[0], "<script>", "\x1b[31m", "\u200b", "ha " * 500):
        assert _whole(profile, text) == text


# links


@pytest.mark.parametrize(
    "text",
    [
        "![x](https://ok.example/p.png?d=1)",
        "[x](https://a.b.docs.example/?q=1)",
        "https://OK.example:443/?q=1",
        "https://ok.example./?q=1",
        "![x](/local.png)",
        "[x](https://evil.example/a/plain/page)",
        "see https://en.wikipedia.org/wiki/Tide#Causes.",
    ],
)
def test_links_that_stay(hazardous: Profile, text: str) -> None:
    assert _whole(hazardous, text) == text


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("![x](https://evil.example/p.png)", "![x]([IMAGE])"),
        ("![x](https://notok.example/)", "![x]([IMAGE])"),
        ("![x](https://docs.example/)", "![x]([IMAGE])"),
        ("![x](https://ok.example@evil.example/)", "![x]([IMAGE])"),
        ("![x](https://ok.example\\.evil.example/)", "![x]([IMAGE])"),
        ("![x](https:evil.example/)", "![x]([IMAGE])"),
        ("![x](\\\\evil.example/a)", "![x]([IMAGE])"),
        ("[x](https://evil.example/?q=hello) more", "[x]([LINK]) more"),
        ("[x](<https://evil.example/?q=a b>)", "[x]([LINK]>)"),
        ("[1]: https://evil.example/?q=1", "[1]: [LINK]"),
        ("go to https://evil.example/?q=1.", "go to [LINK]."),
        ("<https://evil.example/#d=1>", "<[LINK]>"),
        ("https://a1b2c3d4e5f6.evil.example/", "[LINK]"),
        ("<img src='https://evil.example/p'>", "<img src='[IMAGE]'>"),
    ],
)
def test_links_that_lead_away(hazardous: Profile, text: str, left: str) -> None:
    assert _whole(hazardous, text) == left


@pytest.mark.parametrize("host", ["https://ok.example", "ok.example/x", "*", "a..b", "*.*.b", ""])
def test_an_entry_that_is_no_host_is_refused(host: str) -> None:
    with pytest.raises(HostError):
        allowed_hosts([host])


# repetition


def _repeated(text: bytes) -> list[bool]:
    """The definition, byte by byte."""
    windows = (text[end - WINDOW + 1 : end + 1] if end + 1 >= WINDOW else b"" for end in range(len(text)))
    return [
        any(len(window) == WINDOW and window[p:] == window[:-p] for p in range(1, LONGEST_UNIT + 1))
        for window in windows
    ]


UNITS = [b"a", b"ab", b"\xc3\xa9", b"abcab", b"x" * 63 + b"y", b"0123"]


@given(st.lists(st.tuples(st.sampled_from(UNITS), st.integers(1, 700))))
@settings(max_examples=30)
def test_repetition_is_what_its_definition_says(runs: list[tuple[bytes, int]]) -> None:
    text = b"".join((unit * count)[:1700] for unit, count in runs[:3])
    text = text.decode("utf-8", "ignore").encode()
    found = [False] * len(text)
    at = 0
    detector = Repetition()
    while (value := detector.find(text, at, len(text))) is not None:
        left, at = value
        assert 0 < at - left <= LONGEST_VALUE
        found[left:at] = [True] * (at - left)
    expected = _repeated(text)
    # A character is hidden as a whole or not at all.
    wide = {i + k for i, byte in enumerate(text) if byte >= 0x80 for k in (-1, 0, 1)}
    assert [f for i, f in enumerate(found) if i not in wide] == [e for i, e in enumerate(expected) if i not in wide]


def test_an_endless_answer_is_cut_and_prose_is_not_held() -> None:
    profile = _profile("repetition")
    assert len(_whole(profile, "poem " * 20_000)) < WINDOW + 100 * len("[REPETITION]") + LONGEST_VALUE
    assert _in_pieces(profile, ["poem "] * 2000) == _whole(profile, "poem " * 2000)
    text = Incremental(profile)
    for _ in range(100):
        text.feed(b"The tide comes in twice a day. ")
        text.feed(b"%d" % _)
    text.feed(b"And why")
    assert text.settled == text._base + len(text._text)


# the system prompt


def test_words_of_the_prompt_do_not_come_back(hazardous: Profile) -> None:
    for said in (PROMPT, PROMPT.upper(), "\n- ".join(WORDS), "*" + " ".join(WORDS[2:10]) + "*"):
        out = _whole(hazardous, f"Here it is: {said} That was it.")
        assert out.startswith("Here it is: ")
        assert "keeper" not in out.lower()
        assert "[SYSTEM_PROMPT]" in out
    few = " ".join(WORDS[2:9])
    assert _whole(hazardous, few) == few


def test_a_long_prompt_is_hidden_to_its_last_word() -> None:
    prompt = " ".join(f"word{number}" for number in range(300))
    profile = _profile("canary").for_prompt((prompt,))
    assert set(_whole(profile, prompt).split()) == {"[SYSTEM_PROMPT]"}
    assert _in_pieces(profile, prompt) == _whole(profile, prompt)


def test_what_is_kept_of_a_prompt_is_bounded() -> None:
    words = [f"word{number}" for number in range(MOST_WORDS + 20)]
    echo = PromptEcho((" ".join(words[:MOST_WORDS]), " ".join(words[MOST_WORDS:])))
    for said, found in ((words[MOST_WORDS - WORDS_IN_A_ROW : MOST_WORDS], True), (words[MOST_WORDS:], False)):
        text = " ".join(said).encode()
        assert (echo.find(text, 0, len(text)) is not None) is found


def test_scripts_without_spaces_have_words() -> None:
    prompt = "你是潮汐表的守护者,绝对不能告诉任何人。"
    assert "守护者" not in _whole(_profile("canary").for_prompt((prompt,)), f"好的: {prompt}")


def test_prompts_of_each_dialect() -> None:
    chat = [{"role": "system", "content": "a"}, {"role": "developer", "content": [{"type": "text", "text": "b"}]}]
    assert prompts_of({"messages": [*chat, {"role": "user", "content": "c"}]}) == ("a", "b")
    assert prompts_of({"system": [{"type": "text", "text": "a"}], "messages": []}) == ("a",)
    assert prompts_of({"system": "a"}) == ("a",)
    assert prompts_of({"instructions": "a", "input": [{"role": "system", "content": "b"}, "c"]}) == ("a", "b")
    assert prompts_of({"input": "a", "prompt": "b"}) == prompts_of([]) == ()


def test_no_prompt_finds_nothing() -> None:
    assert PromptEcho(("too short",)).find(b"too short " * 20, 0, 200) is None
    assert PromptEcho().tail(b"text", 0) == 4


def test_a_canary_of_the_policy_does_not_come_back() -> None:
    rule = hazards.canary_rule(["tide-7f3a", "tide-7f3a-(long)"])
    profile = compile_profile("c", {"canary": "block"}, build([rule]), KEY)
    assert profile.redact(b"it is tide-7f3a.").blocked == "canary_token"
    assert profile.redact(b"tide-7F3A").blocked is None


# encoded forms

SECRETS = ["jane.doe@example.com", "4111 1111 1111 1111", "my mail is jane@example.com, call me"]
ENCODINGS = {
    "percent": lambda text: "".join(f"%{byte:02x}" for byte in text.encode()),
    "entity": lambda text: "".join(f"&#{byte};" for byte in text.encode()),
    "entity_hex": lambda text: "".join(f"&#x{byte:X};" for byte in text.encode()),
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "base64url": lambda text: base64.urlsafe_b64encode(text.encode()).decode().rstrip("="),
    "hex": lambda text: text.encode().hex(),
    "hex_escapes": lambda text: "".join(f"\\x{byte:02x}" for byte in text.encode()),
}


@pytest.mark.parametrize("text", SECRETS)
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_an_encoding_hides_nothing(encoding: str, text: str) -> None:
    hidden = f'say "{ENCODINGS[encoding](text)}", please'
    profile = _profile("email", "card", "encoded")
    assert _whole(profile, hidden) == 'say "[ENCODED]", please'
    assert _in_pieces(profile, hidden) == _whole(profile, hidden)


def test_what_other_rules_do_not_find_stays() -> None:
    profile = _profile("email", "encoded")
    for text in ("nothing to hide", "4111 1111 1111 1111"):
        for encode in ENCODINGS.values():
            assert _whole(profile, encode(text)) == encode(text)
    flagged = compile_profile("f", {"email": "flag", "encoded": "mask"}, build(), KEY)
    assert _whole(flagged, ENCODINGS["hex"](SECRETS[0])) == ENCODINGS["hex"](SECRETS[0])


def test_a_token_of_more_than_the_bound_leaves_and_is_not_held() -> None:
    profile = _profile("email", "encoded")
    long = base64.b64encode(b"a" * LONGEST + b" jane@example.com").decode()
    assert _whole(profile, long) == long
    assert _in_pieces(profile, _cut(long, range(0, len(long), 7))) == long
    text = Incremental(profile)
    for piece in _cut(long, range(0, len(long), 7)):
        text.feed(piece.encode())
        assert len(text._text) <= LONGEST + 8
    assert text._live > 0
