"""Phrases of known prompt injections: orders to drop the instructions, to give them away, to be something unbound, and
the marks by which chat templates tell who speaks.

They catch what is copied from lists, not what is thought up: so they are put on the record (``validation.flag_text``,
where they stand unless the policy says otherwise) rather than refused. Whoever writes about injections uses these
phrases too.

Theory of operation. One RE2 pattern of alternatives, so that time is linear in the text whatever stands in it. Between
words there may be anything that is no letter or digit, as that hides a phrase from plain searches; beyond ASCII every
letter is taken for a gap too, which costs a phrase or two and saves automata of megabytes.

Each phrase needs one of some literals, most need one of others beside it. The `prefilter` kernel looks for these first,
in all texts of a request in one go: nearly every request ends there.
"""

from __future__ import annotations

from functools import cache
from typing import Final, NamedTuple

import re2

from engine._fast.jsonguard import texts
from engine._fast.prefilter import Prefilter

_GAP: Final = "[^0-9A-Za-z]+"
# A few words more.
_SOME: Final = rf"(?:[0-9A-Za-z']+{_GAP}){{0,3}}"
# Bytes for the pattern and its automata.
_MAX_MEM: Final = 32 << 20


def _words(*alternatives: str) -> str:
    """The alternatives, a space in one standing for any gap."""
    return "(?:" + "|".join(alternative.replace(" ", _GAP) for alternative in alternatives) + ")"


_DROP: Final = _words(
    "ignore", "disregard", "forget", "override", "overrule", "bypass", "neglect", "do not follow", "don't follow",
    "stop following", "pay no attention to", "set aside", "throw away",
)  # fmt: skip
_EARLIER: Final = _words(
    "previous", "prior", "above", "preceding", "earlier", "foregoing", "former", "initial", "original", "existing",
    "system", "your", "all", "any",
)  # fmt: skip
_ORDERS: Final = _words(
    "instructions?", "rules?", "prompts?", "directions?", "directives?", "guidelines?", "orders?", "commands?",
    "constraints?", "restrictions?", "safeguards?", "guardrails?", "policies", "programming",
)  # fmt: skip
_SHOW: Final = _words(
    "reveal", "print", "show", "repeat", "output", "display", "leak", "dump", "disclose", "recite", "write out",
    "tell me", "give me", "what is", "what are", "what were",
)  # fmt: skip
_SECRET: Final = _words(
    "system prompts?", r"system[\x20_-]messages?", "system instructions?", "hidden prompts?", "hidden instructions?",
    "secret instructions?", "initial prompts?", "initial instructions?", r"developer[\x20_-]messages?",
    "original instructions?", "pre-?prompt", "instructions? above", "text above", "words above",
)  # fmt: skip
_UNBOUND: Final = _words(
    "unrestricted", "unfiltered", "uncensored", "jailbroken", "unbound", "unlimited", "amoral", "without restrictions",
    "without filters", "without rules", "without limits", "free of restrictions", "with no restrictions",
    "with no rules", "with no filters",
)  # fmt: skip


class _Phrase(NamedTuple):
    """A pattern, blind to case. In each match stands one of `needs` and, unless there are none, one of `also`: all of
    a phrase's are ASCII in lower case, or all are other letters, in each case that they have."""

    pattern: str
    needs: tuple[str, ...]
    also: tuple[str, ...] = ()


_ORDER_WORDS: Final = (
    "instruction", "rule", "prompt", "direction", "directive", "guideline", "order", "command", "constraint",
    "restriction", "safeguard", "guardrail", "policies", "programming",
)  # fmt: skip

_DROP_ROMANCE: Final = _words(
    "ignora", "olvida", "desatiende", "ignore", "oublie", "ignorez", "oubliez", "esqueça", "dimentica",
)  # fmt: skip
_ORDERS_ROMANCE: Final = _words(
    "instrucciones", "instructions", "consignes", "instruções", "istruzioni", "reglas", "règles", "regras",
)  # fmt: skip
_EARLIER_ROMANCE: Final = _words(
    "anteriores", "previas", "précédentes", "antérieures", "precedenti", "anteriori",
)  # fmt: skip
_SOMEBODY: Final = _words("dan", "an? ai", "an? assistant", "a model", "a bot", "an?")
_PRIVATE: Final = _words(
    "conversation", "chat history", "system prompt", "api keys?", "credentials", "secrets", "passwords?",
)  # fmt: skip
_SYSTEM_TEXT: Final = _words(r"(?:begin|end|start) (?:of )?(?:the )?system[\x20_-](?:prompt|message|instructions)")
# Not the two words by themselves: nearly every request has them, as a role and as a key.
_MESSAGE_WORDS: Final = tuple(f"{whose}{gap}message" for whose in ("system", "developer") for gap in " _-")

_PHRASES: Final = (
    # to drop the instructions
    _Phrase(
        rf"\b{_DROP}{_GAP}{_SOME}{_EARLIER}{_GAP}{_SOME}{_ORDERS}\b",
        (
            "ignore",
            "disregard",
            "forget",
            "override",
            "overrule",
            "bypass",
            "neglect",
            "follow",
            "attention",
            "aside",
            "throw",
        ),
        _ORDER_WORDS,
    ),
    _Phrase(
        rf"\b{_words('your (?:new|real|true|actual) (?:instructions|task|goal|purpose|orders) (?:is|are)')}\b",
        ("new", "real", "true", "actual"),
        ("instructions", "task", "goal", "purpose", "orders"),
    ),
    _Phrase(
        rf"\b{_words('new instructions? ?(?:from|by) (?:the )?(?:system|developer|admin|administrator|operator)')}\b",
        ("instruction",),
        ("system", "developer", "admin", "operator"),
    ),
    _Phrase(
        rf"\b{_words('ignoriere', 'missachte', 'vergiss')}{_GAP}{_SOME}"
        rf"{_words('vorherigen', 'bisherigen', 'obigen', 'vorigen', 'alle', 'deine')}{_GAP}{_SOME}"
        rf"{_words('anweisungen', 'regeln', 'vorgaben', 'instruktionen', 'befehle')}\b",
        ("ignoriere", "missachte", "vergiss"),
    ),
    _Phrase(
        rf"\b{_DROP_ROMANCE}{_GAP}{_SOME}{_ORDERS_ROMANCE}{_GAP}{_EARLIER_ROMANCE}\b",
        ("anteriore", "previas", "dentes", "rieures", "precedenti", "anteriori"),
    ),
    _Phrase(
        r"(?:忽略|无视|忘记|忘掉)[^\n]{0,8}(?:之前|以上|先前|前面|上面|所有)[^\n]{0,8}(?:指令|指示|提示|规则|说明)",
        ("忽略", "无视", "忘记", "忘掉"),
    ),
    _Phrase(
        r"(?:以前|これまで|上記|前)の(?:すべての)?(?:指示|命令|ルール|プロンプト)を(?:すべて)?(?:無視|忘れ)",
        ("無視", "忘れ"),
    ),
    _Phrase(
        r"(?:игнорируй|забудь|проигнорируй)(?:те)?[^\n]{0,24}(?:предыдущие|прошлые|все)[^\n]{0,24}(?:инструкции|указания|правила)",
        ("иг", "Иг", "иГ", "ИГ", "уд", "Уд", "уД", "УД"),
    ),
    # to give them away
    _Phrase(
        rf"\b{_SHOW}{_GAP}{_SOME}{_SECRET}\b",
        (
            "reveal",
            "print",
            "show",
            "repeat",
            "output",
            "display",
            "leak",
            "dump",
            "disclose",
            "recite",
            "write",
            "tell",
            "give",
            "what",
        ),
        ("prompt", "instruction", "above", *_MESSAGE_WORDS),
    ),
    _Phrase(
        rf"\b{_words('repeat', 'print', 'output')}{_GAP}{_SOME}{_words('everything', 'all')}{_GAP}{_SOME}"
        rf"{_words('above', 'before this', 'until now', 'so far')}\b",
        ("repeat", "print", "output"),
        ("above", "before", "until", "far"),
    ),
    # to be something unbound
    _Phrase(
        rf"\b{_words('you are now', 'from now on you are', 'act as', 'pretend to be', 'roleplay as', 'behave as')}"
        rf"{_GAP}{_SOME}{_SOMEBODY}?{_GAP}?{_SOME}{_UNBOUND}\b",
        ("now", "act", "pretend", "roleplay", "behave"),
        (
            "unrestricted",
            "unfiltered",
            "uncensored",
            "jailbroken",
            "unbound",
            "unlimited",
            "amoral",
            "restrictions",
            "filters",
            "rules",
            "limits",
        ),
    ),
    _Phrase(
        rf"\b{_words('you are now', 'act as', 'become')}{_GAP}(?:DAN|STAN|DUDE|AIM)\b",
        ("now", "act", "become"),
        ("dan", "stan", "dude", "aim"),
    ),
    _Phrase(rf"\b{_words('do anything now')}\b", ("anything",), ("now",)),
    _Phrase(
        rf"\b{_words('developer mode (?:is )?(?:now )?(?:enabled|on|activated)', 'jailbreak mode')}\b",
        ("developer", "jailbreak"),
        ("mode",),
    ),
    _Phrase(
        rf"\b{_words('you (?:have|are bound by|are subject to) no')}{_GAP}"
        rf"{_words('rules', 'restrictions', 'limits', 'filters', 'guidelines', 'ethics')}\b",
        ("have", "bound", "subject"),
        ("rules", "restrictions", "limits", "filters", "guidelines", "ethics"),
    ),
    # marks of who speaks
    _Phrase(
        r"<\|(?:im_start|im_end|system|user|assistant|endoftext|start_header_id|eot_id|begin_of_text)\|>",
        (
            "<|im_",
            "<|system",
            "<|user",
            "<|assistant",
            "<|endoftext",
            "<|start_header_id",
            "<|eot_id",
            "<|begin_of_text",
        ),
    ),
    _Phrase(
        r"\[/?INST\]|<</?SYS>>|</?(?:system|sys)(?:_prompt|-prompt)?>",
        ("[inst]", "[/inst]", "<sys", "</sys"),
    ),
    _Phrase(
        r"(?m)^ {0,4}#{1,6} {0,3}(?:system|new instructions?|system prompt) {0,3}:",
        tuple("#" + " " * spaces + word for spaces in range(4) for word in ("system", "new instruction")),
    ),
    _Phrase(
        rf"\b{_SYSTEM_TEXT}\b",
        tuple(f"system{gap}{what}" for gap in " _-" for what in ("prompt", "message", "instructions")),
    ),
    # to carry things out
    _Phrase(
        rf"\b{_words('send', 'post', 'forward', 'upload', 'exfiltrate', 'append')}{_GAP}{_SOME}"
        rf"{_PRIVATE}{_GAP}{_SOME}to{_GAP}(?:https?://|{_words('the following (?:url|address|webhook)')})",
        ("send", "post", "forward", "upload", "exfiltrate", "append"),
        ("http", "following"),
    ),
)
# Blind to case, k and s have a form outside of ASCII, the Kelvin sign and the long s (Unicode, CaseFolding.txt).
_FOLDED: Final = ("\u212a".encode(), "\u017f".encode())

# The group of literals that is how JSON hides a letter. Candidates come in their order, so it is the first.
_ESCAPES: Final = 0


class Injections:
    """What tells whether a text has a phrase of a known injection. Immutable."""

    __slots__ = ("_beside", "_other", "_prefilter", "_search")

    def __init__(self) -> None:
        # RE2 must never give way to `re`, whose time has no bound.
        re2.set_fallback_notification(re2.FALLBACK_EXCEPTION)
        patterns = "|".join(f"(?:{phrase.pattern})" for phrase in _PHRASES)
        self._search = re2.compile(f"(?i){patterns}", max_mem=_MAX_MEM).search
        # Where texts are not ASCII: letters of which one is needed, and the other forms of ASCII letters.
        self._other = [text.encode() for phrase in _PHRASES for text in phrase.needs if not text.isascii()]
        self._other += _FOLDED
        groups: dict[tuple[str, ...], int] = {("\\u", "\\/"): _ESCAPES}
        # Of each group of literals, those of which one is needed beside it; -1: none.
        self._beside: dict[int, list[int]] = {}
        for phrase in _PHRASES:
            if not phrase.needs[0].isascii():
                continue
            group = groups.setdefault(phrase.needs, len(groups))
            beside = groups.setdefault(phrase.also, len(groups)) if phrase.also else -1
            self._beside.setdefault(group, []).append(beside)
        self._prefilter = Prefilter([[text.encode() for text in texts] for texts in groups], [0] * len(groups))

    def in_text(self, text: str) -> bool:
        """Whether a text has one."""
        return self._search(text) is not None

    def in_json(self, body: bytes, max_depth: int) -> bool:
        """Whether a text of `body` may have one. It passed the guard under `max_depth`."""
        # As they were written, texts have all letters in their places but for those that are escaped.
        there = self._prefilter.candidates(body)
        escaped = bool(there) and there[0] == _ESCAPES
        if not escaped and not self._may_match(there, body):
            return False
        found = texts(body, max_depth)
        if escaped and not self._may_match(self._prefilter.candidates(found), found):
            return False
        # What stands between two texts is a gap, so that nothing is missed that stands in one of them.
        return self.in_text(found.decode())

    def _may_match(self, there: list[int], data: bytes) -> bool:
        """`there`: the groups of literals in `data`."""
        for group in there:
            for beside in self._beside.get(group, ()):
                if beside < 0 or beside in there:
                    return True
        return not data.isascii() and any(data.find(text) >= 0 for text in self._other)


@cache
def injections() -> Injections:
    """Made once, for the first policy that asks."""
    return Injections()
