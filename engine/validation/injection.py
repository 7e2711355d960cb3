"""Phrases of known prompt injections: orders to drop the instructions, to give them away, to be something unbound, and
the marks by which chat templates tell who speaks.

They catch what is copied from lists, not what is thought up: so they are meant to be put on the record
(``validation.flag_text``) rather than to refuse. Whoever writes about injections uses these phrases too.

Theory of operation. One RE2 pattern of alternatives, so that time is linear in the text whatever stands in it. Between
words there may be anything that is no letter or digit, as that hides a phrase from plain searches; beyond ASCII every
letter is taken for a gap too, which costs a phrase or two and saves automata of megabytes.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Final

import re2

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
    "system prompts?", "system messages?", "system instructions?", "hidden prompts?", "hidden instructions?",
    "secret instructions?", "initial prompts?", "initial instructions?", "developer messages?",
    "original instructions?", "pre-?prompt", "instructions? above", "text above", "words above",
)  # fmt: skip
_UNBOUND: Final = _words(
    "unrestricted", "unfiltered", "uncensored", "jailbroken", "unbound", "unlimited", "amoral", "without restrictions",
    "without filters", "without rules", "without limits", "free of restrictions", "with no restrictions",
    "with no rules", "with no filters",
)  # fmt: skip

_PATTERNS: Final = (
    # to drop the instructions
    rf"\b{_DROP}{_GAP}{_SOME}{_EARLIER}{_GAP}{_SOME}{_ORDERS}\b",
    rf"\b{_words('your (?:new|real|true|actual) (?:instructions|task|goal|purpose|orders) (?:is|are)')}\b",
    rf"\b{_words('new instructions? ?(?:from|by) (?:the )?(?:system|developer|admin|administrator|operator)')}\b",
    rf"\b{_words('ignoriere', 'missachte', 'vergiss')}{_GAP}{_SOME}"
    rf"{_words('vorherigen', 'bisherigen', 'obigen', 'vorigen', 'alle', 'deine')}{_GAP}{_SOME}"
    rf"{_words('anweisungen', 'regeln', 'vorgaben', 'instruktionen', 'befehle')}\b",
    rf"\b{_words('ignora', 'olvida', 'desatiende', 'ignore', 'oublie', 'ignorez', 'oubliez', 'esqueça', 'dimentica')}"
    rf"{_GAP}{_SOME}"
    rf"{_words('instrucciones', 'instructions', 'consignes', 'instruções', 'istruzioni', 'reglas', 'règles', 'regras')}"
    rf"{_GAP}{_words('anteriores', 'previas', 'précédentes', 'antérieures', 'precedenti', 'anteriori')}\b",
    r"(?:忽略|无视|忘记|忘掉)[^\n]{0,8}(?:之前|以上|先前|前面|上面|所有)[^\n]{0,8}(?:指令|指示|提示|规则|说明)",
    r"(?:以前|これまで|上記|前)の(?:すべての)?(?:指示|命令|ルール|プロンプト)を(?:すべて)?(?:無視|忘れ)",
    r"(?i)(?:игнорируй|забудь|проигнорируй)(?:те)?[^\n]{0,24}(?:предыдущие|прошлые|все)[^\n]{0,24}(?:инструкции|указания|правила)",
    # to give them away
    rf"\b{_SHOW}{_GAP}{_SOME}{_SECRET}\b",
    rf"\b{_words('repeat', 'print', 'output')}{_GAP}{_SOME}{_words('everything', 'all')}{_GAP}{_SOME}"
    rf"{_words('above', 'before this', 'until now', 'so far')}\b",
    # to be something unbound
    rf"\b{_words('you are now', 'from now on you are', 'act as', 'pretend to be', 'roleplay as', 'behave as')}"
    rf"{_GAP}{_SOME}{_words('dan', 'an? ai', 'an? assistant', 'a model', 'a bot', 'an?')}?{_GAP}?{_SOME}{_UNBOUND}\b",
    rf"\b{_words('you are now', 'act as', 'become')}{_GAP}(?:DAN|STAN|DUDE|AIM)\b",
    rf"\b{_words('do anything now', 'developer mode (?:is )?(?:now )?(?:enabled|on|activated)', 'jailbreak mode')}\b",
    rf"\b{_words('you (?:have|are bound by|are subject to) no')}{_GAP}"
    rf"{_words('rules', 'restrictions', 'limits', 'filters', 'guidelines', 'ethics')}\b",
    # marks of who speaks
    r"<\|(?:im_start|im_end|system|user|assistant|endoftext|start_header_id|eot_id|begin_of_text)\|>",
    r"\[/?INST\]|<</?SYS>>|</?(?:system|sys)(?:_prompt|-prompt)?>",
    r"(?m)^ {0,4}#{1,6} {0,3}(?:system|new instructions?|system prompt) {0,3}:",
    rf"\b{_words('(?:begin|end|start) (?:of )?(?:the )?system (?:prompt|message|instructions)')}\b",
    # to carry things out
    rf"\b{_words('send', 'post', 'forward', 'upload', 'exfiltrate', 'append')}{_GAP}{_SOME}"
    rf"{_words('conversation', 'chat history', 'system prompt', 'api keys?', 'credentials', 'secrets', 'passwords?')}"
    rf"{_GAP}{_SOME}to{_GAP}(?:https?://|{_words('the following (?:url|address|webhook)')})",
)


@cache
def injections() -> Callable[[str], bool]:
    """What tells whether a text has a phrase of a known injection. Made once, for the first policy that asks."""
    # RE2 must never give way to `re`, whose time has no bound.
    re2.set_fallback_notification(re2.FALLBACK_EXCEPTION)
    search = re2.compile("(?i)" + "|".join(f"(?:{pattern})" for pattern in _PATTERNS), max_mem=_MAX_MEM).search
    return lambda text: search(text) is not None
